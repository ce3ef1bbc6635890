package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// memory is a store in memory that holds the engine to its discipline: a step ends
// once and only after it began, a run is there once, nothing is written outside an
// apply. What breaks it is collected, because the engine might swallow an error.
type memory struct {
	mutex     sync.Mutex
	identity  string
	applies   map[spec.ID]*spec.ApplyRecord
	steps     []spec.StepRecord
	ended     map[int64]bool
	starts    []spec.ServerStart
	runs      map[spec.ID][]spec.Run
	retired   map[spec.ID][]spec.Run
	failures  map[spec.ID]spec.Failure
	looks     []spec.Look
	described map[spec.ID]spec.MeasurementInfo
	judged    [][]spec.Judgement
	events    []spec.Event
	rows      int
	aborted   []spec.Aborted
	broken    []string
}

func newMemory() *memory {
	return &memory{identity: "0123456789abcdef0123456789abcdef", applies: map[spec.ID]*spec.ApplyRecord{}, ended: map[int64]bool{},
		runs: map[spec.ID][]spec.Run{}, retired: map[spec.ID][]spec.Run{}, failures: map[spec.ID]spec.Failure{}, described: map[spec.ID]spec.MeasurementInfo{}}
}

// misused notes a breach of discipline.
func (m *memory) misused(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	m.broken = append(m.broken, text)
	return errors.New(text)
}

func (m *memory) Identity(context.Context) (string, error) { return m.identity, nil }
func (m *memory) Revision(context.Context) (int64, error)  { return int64(len(m.steps)), nil }
func (m *memory) Rules(context.Context, []spec.ID) (map[spec.ID][]spec.PastRule, error) {
	return nil, nil
}

func (m *memory) Runs(_ context.Context, ids []spec.ID) (map[spec.ID][]spec.Run, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := map[spec.ID][]spec.Run{}
	for _, id := range ids {
		if len(m.runs[id]) > 0 {
			found[id] = slices.Clone(m.runs[id])
		}
	}
	return found, nil
}

func (m *memory) Failures(_ context.Context, ids []spec.ID) (map[spec.ID]spec.Failure, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := map[spec.ID]spec.Failure{}
	for _, id := range ids {
		if f, ok := m.failures[id]; ok {
			found[id] = f
		}
	}
	return found, nil
}

func (m *memory) Aborted(context.Context, []spec.ID) (map[spec.ID][]spec.Aborted, error) {
	return nil, nil
}

func (m *memory) History(context.Context) (map[spec.ID]*spec.History, error) { return nil, nil }

func (m *memory) Starts(_ context.Context, ids []spec.ID) (map[spec.ID][]spec.ServerStart, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := map[spec.ID][]spec.ServerStart{}
	for _, s := range m.starts {
		if slices.Contains(ids, s.Deployment) {
			found[s.Deployment] = append(found[s.Deployment], s)
		}
	}
	return found, nil
}

func (m *memory) Apply(_ context.Context, plan spec.ID) (spec.ApplyRecord, bool, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if r := m.applies[plan]; r != nil {
		return *r, true, nil
	}
	return spec.ApplyRecord{}, false, nil
}

func (m *memory) OpenSteps(context.Context) ([]spec.Step, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var open []spec.Step
	for _, s := range m.steps {
		if s.Status == "" {
			open = append(open, s.Step)
		}
	}
	return open, nil
}

func (m *memory) Steps(_ context.Context, apply string) ([]spec.StepRecord, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var steps []spec.StepRecord
	for _, s := range m.steps {
		if s.Apply == apply {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

func (m *memory) BeginApply(_ context.Context, apply spec.ApplyRecord) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.applies[apply.Plan]; known != nil {
		if known.ID != apply.ID || known.Status == spec.ApplyFinished {
			return m.misused("plan %s is begun again as %s", apply.Plan, apply.ID)
		}
		known.Status = spec.ApplyRunning
		return nil
	}
	apply.Status = spec.ApplyRunning
	m.applies[apply.Plan] = &apply
	return nil
}

func (m *memory) running(id string) bool {
	for _, a := range m.applies {
		if a.ID == id && a.Status == spec.ApplyRunning {
			return true
		}
	}
	return false
}

func (m *memory) Describe(_ context.Context, infos []spec.MeasurementInfo) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, i := range infos {
		m.described[i.ID] = i
	}
	return nil
}

func (m *memory) Begin(ctx context.Context, step spec.Step) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, m.misused("a step begins under a cancelled context")
	}
	if !m.running(step.Apply) {
		return 0, m.misused("step %s of %s begins outside an apply", step.Kind, step.Subject)
	}
	for _, s := range m.steps {
		if s.Apply == step.Apply && s.Node == step.Node && s.Kind == step.Kind && s.Attempt >= step.Attempt {
			return 0, m.misused("attempt %d of node %d begins after attempt %d", step.Attempt, step.Node, s.Attempt)
		}
	}
	step.ID = int64(len(m.steps) + 1)
	m.steps = append(m.steps, spec.StepRecord{Step: step})
	return step.ID, nil
}

func (m *memory) End(ctx context.Context, id int64, o spec.Outcome) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, m.misused("a step ends under a cancelled context")
	}
	if id < 1 || id > int64(len(m.steps)) || m.steps[id-1].Status != "" {
		return 0, m.misused("step %d ends, but is not open", id)
	}
	if err := m.checkOutcome(&m.steps[id-1], o); err != nil {
		return 0, err
	}
	m.steps[id-1].Status, m.steps[id-1].Message = o.Status, o.Message
	var start int64
	if o.Start != nil {
		s := *o.Start
		s.ID = int64(len(m.starts) + 1)
		start = s.ID
		m.starts = append(m.starts, s)
	}
	if o.Run != nil {
		m.rows += len(o.Run.Result.Rows)
		run := *o.Run
		run.Result.Rows = nil
		m.runs[run.Measurement] = append(m.runs[run.Measurement], run)
		slices.SortFunc(m.runs[run.Measurement], func(a, b spec.Run) int { return a.Index - b.Index })
		delete(m.failures, run.Measurement)
	}
	for _, f := range o.Failures {
		m.failures[f.Measurement] = f.Failure
	}
	if o.Aborted != nil {
		if o.Status == spec.StepDone || len(o.Aborted.Rows) == 0 {
			return 0, m.misused("an aborted run of %d rows comes from a step that is %s", len(o.Aborted.Rows), o.Status)
		}
		m.aborted = append(m.aborted, *o.Aborted)
	}
	if o.Look != nil {
		m.looks = append(m.looks, *o.Look)
	}
	return start, nil
}

func (m *memory) checkOutcome(s *spec.StepRecord, o spec.Outcome) error {
	if o.Finished.IsZero() {
		return m.misused("step %d ends at no time", s.ID)
	}
	if o.Start != nil {
		for _, known := range m.starts {
			if known.Deployment == o.Start.Deployment && known.Number == o.Start.Number {
				return m.misused("start %d of %s twice", o.Start.Number, o.Start.Deployment)
			}
		}
		if o.Start.Server.Key != s.Key {
			return m.misused("step %d announced %q and started %q", s.ID, s.Key, o.Start.Server.Key)
		}
	}
	if o.Run == nil {
		return nil
	}
	if o.Status != spec.StepDone {
		return m.misused("a run comes from a step that is %s", o.Status)
	}
	for _, list := range [][]spec.Run{m.runs[o.Run.Measurement], m.retired[o.Run.Measurement]} {
		for _, known := range list {
			if known.Index == o.Run.Index {
				return m.misused("run %d of %s twice", o.Run.Index, o.Run.Measurement)
			}
		}
	}
	if _, known := m.described[o.Run.Measurement]; !known {
		return m.misused("run of %s, which nobody described", o.Run.Measurement)
	}
	return nil
}

func (m *memory) Stopped(_ context.Context, start int64) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if start < 1 || start > int64(len(m.starts)) {
		return m.misused("start %d stops, but is not known", start)
	}
	if m.starts[start-1].Stopped.IsZero() {
		m.starts[start-1].Stopped = time.Now()
	}
	return nil
}

func (m *memory) Judge(_ context.Context, apply string, judgements []spec.Judgement) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.running(apply) {
		return m.misused("judged outside an apply")
	}
	m.judged = append(m.judged, slices.Clone(judgements))
	return nil
}

func (m *memory) Log(_ context.Context, _ string, events []spec.Event) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.events = append(m.events, events...)
	return nil
}

func (m *memory) EndApply(_ context.Context, apply string, status spec.ApplyStatus) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.running(apply) {
		return m.misused("apply %s ends, but does not run", apply)
	}
	for _, a := range m.applies {
		if a.ID == apply {
			a.Status, a.Finished = status, time.Now()
		}
	}
	return nil
}

func (m *memory) Retire(_ context.Context, ids []spec.ID, _ string) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, id := range ids {
		m.retired[id] = append(m.retired[id], m.runs[id]...)
		delete(m.runs, id)
		delete(m.failures, id)
	}
	return nil
}

var _ engine.Store = (*memory)(nil)
