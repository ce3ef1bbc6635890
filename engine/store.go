package engine

import (
	"context"

	"aicv/spec"
)

// Reader is what planning and judging read of the state. All methods work on a
// state that does not exist yet, and then find nothing.
type Reader interface {
	// Identity is the suite's random identity, kept as a label on everything that it
	// owns; empty before the first apply.
	Identity(ctx context.Context) (string, error)
	// Revision rises with every committed change to facts.
	Revision(ctx context.Context) (int64, error)
	// Runs returns the runs of each measurement in order of their index, without raw rows.
	Runs(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Run, error)
	// Failures returns the standing failure of each measurement that has one.
	Failures(ctx context.Context, measurements []spec.ID) (map[spec.ID]spec.Failure, error)
	// Aborted returns the attempts that were cut short of each measurement that has any,
	// oldest first, without raw rows.
	Aborted(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Aborted, error)
	// History returns what the state holds of every measurement: all that a plan reads,
	// and what judging it reads too.
	History(ctx context.Context) (map[spec.ID]*spec.History, error)
	// Rules returns the rules under which each measurement's claims were judged
	// before, oldest first: claim subject and rules.
	Rules(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.PastRule, error)
	// Starts returns the bring-ups of each deployment, oldest first.
	Starts(ctx context.Context, deployments []spec.ID) (map[spec.ID][]spec.ServerStart, error)
	// Apply finds the apply of a plan; false where it was never applied.
	Apply(ctx context.Context, plan spec.ID) (spec.ApplyRecord, bool, error)
	// OpenSteps lists steps whose outcome was never committed.
	OpenSteps(ctx context.Context) ([]spec.Step, error)
	// Steps lists all steps of an apply with their status, in order.
	Steps(ctx context.Context, apply string) ([]spec.StepRecord, error)
}

// Store is the state as the engine writes it. Every method commits durably before
// it returns.
type Store interface {
	Reader
	// BeginApply records the apply, or continues the one of the same plan.
	BeginApply(ctx context.Context, apply spec.ApplyRecord) error
	// Describe keeps the address and the content under which measurements are asked for.
	Describe(ctx context.Context, measurements []spec.MeasurementInfo) error
	// Begin commits a step's intent and returns its id.
	Begin(ctx context.Context, step spec.Step) (int64, error)
	// End commits what came of a step, with its facts, in one transaction. It returns
	// the id of the server start, if the outcome brought one.
	End(ctx context.Context, step int64, outcome spec.Outcome) (int64, error)
	// Stopped notes that a server start is over.
	Stopped(ctx context.Context, start int64) error
	// Judge appends the judgements of an apply.
	Judge(ctx context.Context, apply string, judgements []spec.Judgement) error
	// Log appends events.
	Log(ctx context.Context, apply string, events []spec.Event) error
	// EndApply closes the apply.
	EndApply(ctx context.Context, apply string, status spec.ApplyStatus) error
	// Retire sets a measurement's runs and failure aside: they stay in history, and
	// count no more (--rerun).
	Retire(ctx context.Context, measurements []spec.ID, why string) error
}
