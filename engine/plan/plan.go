// Package plan makes plans: it expands experiments into cells, predicts them,
// compares them with the state, groups them into deployments, and lays out the
// execution graph. It reads the state and writes nothing but the prediction cache.
package plan

import (
	"context"
	"fmt"
	"maps"

	"aicv/engine"
	"aicv/spec"
	"aicv/verify"
)

// Cache keeps predictions between plans, by the predictor's fingerprint and the
// point's identity. It is disposable: its errors become findings of the plan.
type Cache interface {
	// Get returns those predictions that are there.
	Get(ctx context.Context, fingerprint string, keys []spec.ID) (map[spec.ID]spec.Prediction, error)
	// Put keeps predictions.
	Put(ctx context.Context, fingerprint string, entries map[spec.ID]spec.Prediction) error
	// Rows returns the rows that were recommended for a request, by its hash; false where
	// none are kept.
	Rows(ctx context.Context, fingerprint string, request spec.ID) ([]spec.Row, bool, error)
	// PutRows keeps recommended rows.
	PutRows(ctx context.Context, fingerprint string, request spec.ID, rows []spec.Row) error
}

// Request is what a plan is made from.
type Request struct {
	Suite    *spec.Suite
	Registry *engine.Registry
	State    engine.Reader
	Cache    Cache    // nil: none
	Targets  []string // selectors of the cells to work on; none: all
	Only     []string // the same, said by an argument instead of a flag
	Excludes []string // selectors of cells to leave alone
	Rerun    []string // selectors of cells to measure again
	Refresh  bool     // ask the predictors again instead of the cache
}

// Hosted is an optional ability of a target whose servers do not run on the
// machine that aicv runs on: deployments on different hosts do not disturb each
// other. All targets without it share one host.
type Hosted interface {
	// Host names the machine.
	Host() string
}

// Build plans. It fails on selectors that match nothing, on providers that can not
// be made or can not answer at all, and on rows that contradict the suite; what
// merely can not be predicted or decided is part of the plan.
func Build(ctx context.Context, r Request) (*engine.Plan, error) {
	b := newBuilder(r)
	for _, step := range []func(context.Context) error{
		b.openState, b.expand, b.identify, b.choose, b.assume, b.predict, b.lookup, b.compare,
		b.fit, b.refuse, b.share, b.group, b.layOut, b.estimate, b.explain,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	b.plan.ID = identityOf(b.plan)
	return b.plan, nil
}

// builder carries one plan through its steps.
type builder struct {
	request  Request
	plan     *engine.Plan
	ids      *spec.Identities
	makers   *providers
	history  map[spec.ID]*spec.History // what the state holds
	nothing  spec.History              // of measurements that it does not know
	empty    bool                      // nothing was ever written to the state
	byExp    []experimentFacts         // what all cells of an experiment share
	recorded []*spec.Recorded          // by cell; nil: online
	rerun    map[spec.ID]bool
	findings findingList
	hosts    []int32   // by deployment
	servers  []spec.ID // by cell: the deployment that it needs; empty where that was not asked yet
}

// experimentFacts is computed once per experiment.
type experimentFacts struct {
	source   *spec.Experiment
	judge    *verify.Judge
	requests int     // that the claims' percentiles need in each run
	looks    []int   // in runs
	digest   spec.ID // of claims, limits and repeats
}

func newBuilder(r Request) *builder {
	return &builder{
		request: r,
		ids:     spec.NewIdentities(),
		makers:  newProviders(r.Registry),
		plan: &engine.Plan{
			Format: engine.PlanFormat,
			Suite: engine.SuiteInfo{
				Name: r.Suite.Name, Dir: r.Suite.Dir, InputHash: r.Suite.InputHash, Seed: r.Suite.Seed,
				OnUndecided: r.Suite.OnUndecided, Inputs: inputsOf(r.Suite),
			},
		},
	}
}

// inputsOf copies the input hashes: the plan adds the tools' fingerprints.
func inputsOf(s *spec.Suite) map[string]string {
	inputs := make(map[string]string, len(s.Inputs)+1)
	maps.Copy(inputs, s.Inputs)
	if len(inputs) == 0 {
		inputs[suiteInput] = s.InputHash
	}
	return inputs
}

// suiteInput names the whole suite where its single inputs are not known.
const suiteInput = "suite"

// openState reads the revision and what was measured before.
func (b *builder) openState(ctx context.Context) error {
	revision, err := b.request.State.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read the state's revision: %w", err)
	}
	b.plan.StateRevision = revision
	if b.empty = revision == 0; b.empty {
		return nil
	}
	if b.history, err = b.request.State.History(ctx); err != nil {
		return fmt.Errorf("read what was measured before: %w", err)
	}
	return nil
}

func (b *builder) experiment(c *engine.PlannedCell) *experimentFacts { return &b.byExp[c.Experiment] }
