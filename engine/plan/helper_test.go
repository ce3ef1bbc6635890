package plan

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// world is a suite with fake providers and a fake state, to be changed by tests.
type world struct {
	suite       *spec.Suite
	state       *fakeState
	cache       *fakeCache
	searches    int  // that the recommending predictor made
	spoilt      bool // its first row can not be deployed
	predictor   *fakePredictor
	recording   *fakeRecording
	managed     bool
	refuses     error // of the runtime
	mapping     []spec.ItemMapping
	rendersGPUs int                   // that its servers take
	clients     bool                  // the target runs benchmarks' clients
	drives      func(spec.Load) error // of the benchmark; nil: any load
	request     Request

	model                                   *spec.Model
	hardware                                *spec.Hardware
	target, runtime, predictedBy, benchmark *spec.Component
	recorded                                *spec.Component
}

func newWorld() *world {
	component := func(role spec.Role, kind, name string) *spec.Component {
		return &spec.Component{Role: role, Kind: kind, Name: name, Attrs: spec.Attrs{}}
	}
	w := &world{
		state: &fakeState{revision: 0}, cache: &fakeCache{}, predictor: &fakePredictor{fingerprint: "fake 1.0"},
		recording: &fakeRecording{data: map[string][]spec.RunResult{}}, managed: true,
		model:       &spec.Model{Name: "llama", ID: "meta/llama"},
		hardware:    &spec.Hardware{Name: "box", System: "h200_sxm", GPUs: 8},
		target:      component(spec.RoleTarget, "fake", "local"),
		runtime:     component(spec.RoleRuntime, "fake", "engine"),
		predictedBy: component(spec.RolePredictor, "fake", "oracle"),
		benchmark:   component(spec.RoleBenchmark, "fake", "load"),
		recorded:    component(spec.RoleBenchmark, "recorded", "data"),
	}
	w.suite = &spec.Suite{Name: "test", Dir: "/suite", InputHash: "inputs", Seed: 1, Models: []*spec.Model{w.model},
		Hardware: []*spec.Hardware{w.hardware}, Inputs: map[string]string{"suite.hcl": "h1"},
		Components: []*spec.Component{w.target, w.runtime, w.predictedBy, w.benchmark, w.recorded}}
	return w
}

// base is a cell without axes.
func (w *world) base() spec.Cell {
	return spec.Cell{Source: spec.FromMatrix, Model: w.model, Hardware: w.hardware, Target: w.target, Runtime: w.runtime,
		Predictor: w.predictedBy, Benchmark: w.benchmark,
		Load: spec.Load{InputTokens: 1000, OutputTokens: 100}}
}

// experiment adds cells for every pair of tensor parallel size and concurrency.
func (w *world) experiment(name string, tensorParallel, concurrency []int, repeats spec.Repeats, claims ...spec.Claim) *spec.Experiment {
	e := &spec.Experiment{Name: name, Base: w.base(), Repeats: repeats,
		Asserts: []spec.Assert{{Name: "accuracy", Severity: spec.AssertError, Claims: claims}}}
	e.Base.Experiment = name
	for _, tp := range tensorParallel {
		config := spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(tp)})
		for _, n := range concurrency {
			c := e.Base
			c.Config = config
			c.Load.Concurrency = n
			c.Axes = []spec.Setting{{Name: "concurrency", Value: spec.IntValue(n)}, {Name: spec.ItemTensorParallel, Value: spec.IntValue(tp)}}
			e.Cells = append(e.Cells, c)
		}
	}
	w.suite.Experiments = append(w.suite.Experiments, e)
	return e
}

func within10(subject metric.Name) spec.Claim {
	return spec.Claim{Text: string(subject) + " within 10%", Subject: subject, Form: spec.ClaimWithin,
		Amount: metric.MustDecimal("0.1"), Reference: spec.ReferencePredicted}
}

func below(subject metric.Name, ms string) spec.Claim {
	return spec.Claim{Text: string(subject) + " < " + ms + "ms", Subject: subject, Form: spec.ClaimCompare, Op: "<", Amount: metric.MustDecimal(ms)}
}

func (w *world) registry() *engine.Registry {
	return engine.NewRegistry([]spec.Registration{
		{Role: spec.RoleTarget, Kind: "fake", New: spec.Constructor{Target: func(c *spec.Component, _ spec.Env) (spec.Target, error) {
			made := fakeTarget{managed: w.managed, host: c.Attrs.Text("host")}
			if w.clients {
				return clientTarget{made, nil}, nil
			}
			return made, nil
		}}},
		{Role: spec.RoleRuntime, Kind: "fake", New: spec.Constructor{Runtime: func(*spec.Component, spec.Env) (spec.Runtime, error) {
			return fakeRuntime{refuses: w.refuses, gpus: w.rendersGPUs, mapping: w.mapping}, nil
		}}},
		{Role: spec.RolePredictor, Kind: "fake", New: spec.Constructor{Predictor: func(*spec.Component, spec.Env) (spec.Predictor, error) {
			return w.predictor, nil
		}}},
		{Role: spec.RolePredictor, Kind: "recommending", New: spec.Constructor{Predictor: func(*spec.Component, spec.Env) (spec.Predictor, error) {
			return &recommending{fakePredictor: w.predictor, searches: &w.searches, spoilt: w.spoilt}, nil
		}}},
		{Role: spec.RoleBenchmark, Kind: "fake", New: spec.Constructor{Benchmark: func(*spec.Component, spec.Env) (spec.Benchmark, error) {
			return fakeBenchmark{drives: w.drives}, nil
		}}},
		{Role: spec.RoleBenchmark, Kind: "sized", New: spec.Constructor{Benchmark: func(*spec.Component, spec.Env) (spec.Benchmark, error) {
			return fakeBenchmark{}, nil
		}}, Size: func(l spec.Load) spec.Sampling {
			return spec.Sampling{Requests: 50 * l.Concurrency, Duration: 100 * time.Second, Warmup: l.Concurrency}
		}},
		{Role: spec.RoleBenchmark, Kind: "recorded", New: spec.Constructor{Recording: func(*spec.Component, spec.Env) (spec.Recording, error) {
			return w.recording, nil
		}}},
	}, spec.Env{})
}

// clientTarget can run clients, as far as a plan asks.
type clientTarget struct {
	fakeTarget
	spec.ClientRunner
}

func (w *world) build(t testing.TB) *engine.Plan {
	t.Helper()
	p, err := w.tryBuild()
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return p
}

func (w *world) tryBuild() (*engine.Plan, error) {
	r := w.request
	r.Suite, r.Registry, r.State = w.suite, w.registry(), w.state
	if w.cache != nil {
		r.Cache = w.cache
	}
	return Build(context.Background(), r)
}

// measure stores runs of a planned cell, with the indexes given, in one start.
func (w *world) measure(c *engine.PlannedCell, spread float64, indexes ...int) {
	for i, index := range indexes {
		p := c.Prediction
		figures := map[metric.Name]float64{}
		for _, v := range p.Values {
			figures[v.Metric] = v.Value * (1 + spread*float64(i%2*2-1))
		}
		values, _ := metric.NewValues(figures)
		w.state.add(c.Measurement, c.Cell.Address(), spec.Run{Measurement: c.Measurement, Index: index, Start: 1,
			Result: spec.RunResult{Values: values, Window: spec.WindowSteady, Requests: 100}})
	}
}

// judge notes what the plan's cells are judged by.
func (w *world) judge(p *engine.Plan) {
	w.state.revision++
	w.state.judged = map[spec.ID][]spec.ID{}
	for i := range p.Cells {
		c := &p.Cells[i]
		w.state.judged[c.Measurement] = append(w.state.judged[c.Measurement], c.Basis)
	}
}

// apply measures and judges all that the plan asks for, as an apply would.
func (w *world) apply(p *engine.Plan) {
	retired := map[spec.ID]bool{}
	for i := range p.Cells {
		if c := &p.Cells[i]; c.Action == engine.ActionRerun && !c.Excluded && !retired[c.Measurement] {
			retired[c.Measurement] = true
			w.state.retire(c.Measurement)
		}
	}
	for i := range p.Graph.Nodes {
		if n := &p.Graph.Nodes[i]; n.Kind == engine.NodeRun {
			c := &p.Cells[n.Cell]
			if recorded := w.recording.data[c.Cell.Key()]; n.Deployment < 0 {
				w.state.add(c.Measurement, c.Cell.Address(), spec.Run{Measurement: c.Measurement, Index: int(n.Run),
					Result: recorded[int(n.Run)-c.RunBase-1]})
				continue
			}
			w.measure(c, 0.01, int(n.Run))
		}
	}
	w.judge(p)
}

type fakeTarget struct {
	spec.Target
	managed bool
	host    string
}

func (t fakeTarget) Host() string { return t.host }

func (t fakeTarget) Managed() bool { return t.managed }

type fakeBenchmark struct {
	spec.Benchmark
	drives func(spec.Load) error
}

func (b fakeBenchmark) CheckLoad(load spec.Load) error {
	if b.drives == nil {
		return nil
	}
	return b.drives(load)
}

func (fakeBenchmark) Budget(r spec.RunRequest, latency time.Duration) time.Duration {
	return latency * time.Duration((r.Sampling.Requests+r.Sampling.Warmup)/max(1, r.Load.Concurrency))
}

// fakePredictor answers from the point alone and counts its calls.
type fakePredictor struct {
	fingerprint string
	calls       int
	points      int
	scale       float64
	missing     int // concurrency without an answer
	err         error
	last        spec.Point // that it was asked for
}

func (p *fakePredictor) Fingerprint(context.Context) (string, error) { return p.fingerprint, nil }

func (p *fakePredictor) Predict(_ context.Context, points []spec.Point) ([]spec.Prediction, error) {
	p.calls++
	p.points += len(points)
	if p.err != nil {
		return nil, p.err
	}
	answers := make([]spec.Prediction, len(points))
	for i := range points {
		p.last = points[i]
		n := points[i].Load.Concurrency
		if n == p.missing && n != 0 {
			answers[i].Missing = "no such concurrency"
			continue
		}
		tp := float64(points[i].Config.Size(spec.ItemTensorParallel))
		scale := 1 + p.scale
		answers[i] = spec.Prediction{
			Values: metric.Values{
				{Metric: metric.Throughput, Value: scale * 100 * float64(n) / tp},
				{Metric: metric.TPOT, Value: 10},
				{Metric: metric.TTFT, Value: scale * (100 + float64(n))},
			},
			Provenance: spec.Provenance{Tool: "oracle", Version: "1.0"},
		}
	}
	return answers, nil
}

type recommending struct {
	*fakePredictor
	searches *int
	spoilt   bool // a row before the others that can not be deployed
}

func (p *recommending) Recommend(_ context.Context, r spec.RecommendRequest) ([]spec.Row, error) {
	*p.searches++
	base, gpus, top := r.Base, r.GPUs, r.Top
	rows := make([]spec.Row, 0, top)
	for tp := 1; tp <= gpus && len(rows) < top; tp *= 2 {
		point := base
		point.Config = base.Config.With(spec.ItemTensorParallel, spec.IntValue(tp))
		point.Load.Concurrency = 8 * tp
		rows = append(rows, spec.Row{Point: point, Claimed: metric.Values{{Metric: metric.TTFT, Value: 1}}})
	}
	if p.spoilt {
		rows = append([]spec.Row{{Point: base, Findings: []spec.Finding{{Check: "disaggregated", Severity: spec.FindingSpoils, Message: "two kinds of servers"}}}}, rows...)
	}
	return rows, nil
}

// fakeRecording holds runs by the cell's key: "concurrency=8,tensor_parallel=2".
type fakeRecording struct {
	data    map[string][]spec.RunResult
	points  []spec.Row
	notes   []spec.Finding
	lookups int
}

func (r *fakeRecording) Lookup(_ context.Context, points []spec.Point) ([]spec.Recorded, error) {
	r.lookups++
	found := make([]spec.Recorded, len(points))
	for i, p := range points {
		key := "concurrency=" + strconv.Itoa(p.Load.Concurrency) + ",tensor_parallel=" + strconv.Itoa(p.Config.Size(spec.ItemTensorParallel))
		if found[i].Runs = r.data[key]; found[i].Runs == nil {
			found[i].Missing = "no row has " + key
		}
	}
	return found, nil
}

func (r *fakeRecording) Points(context.Context) ([]spec.Row, error) { return r.points, nil }

func (r *fakeRecording) Notes(context.Context) ([]spec.Finding, error) { return r.notes, nil }

// fakeState keeps facts in memory.
type fakeState struct {
	engine.Reader // methods that planning does not use are nil and would panic
	revision      int64
	infos         map[spec.ID]spec.MeasurementInfo
	runs          map[spec.ID][]spec.Run
	failures      map[spec.ID]spec.Failure
	judged        map[spec.ID][]spec.ID
	starts        []spec.ServerStart
	err           error
}

func (s *fakeState) add(id spec.ID, address string, run spec.Run) {
	if s.infos == nil {
		s.infos, s.runs = map[spec.ID]spec.MeasurementInfo{}, map[spec.ID][]spec.Run{}
	}
	s.revision++
	s.runs[id] = append(s.runs[id], run)
	info := s.infos[id]
	info.ID, info.Address, info.Runs = id, address, len(s.runs[id])
	s.infos[id] = info
}

func (s *fakeState) retire(id spec.ID) {
	info := s.infos[id]
	if runs := s.runs[id]; len(runs) > 0 {
		info.LastRetired = runs[len(runs)-1].Index
		info.Retired += len(runs)
	}
	info.Runs = 0
	s.infos[id] = info
	delete(s.runs, id)
	delete(s.failures, id)
}

func (s *fakeState) Revision(context.Context) (int64, error) { return s.revision, s.err }

func (s *fakeState) History(context.Context) (map[spec.ID]*spec.History, error) {
	history := map[spec.ID]*spec.History{}
	of := func(id spec.ID) *spec.History {
		if history[id] == nil {
			history[id] = &spec.History{ID: id}
		}
		return history[id]
	}
	for id, info := range s.infos {
		past := of(id)
		past.Address, past.LastRetired, past.Runs = info.Address, info.LastRetired, s.runs[id]
	}
	for id, failure := range s.failures {
		of(id).Failure = &failure
	}
	for id, bases := range s.judged {
		of(id).Bases = bases
	}
	return history, nil
}

func (s *fakeState) Starts(_ context.Context, ids []spec.ID) (map[spec.ID][]spec.ServerStart, error) {
	found := map[spec.ID][]spec.ServerStart{}
	for _, start := range s.starts {
		if slices.Contains(ids, start.Deployment) {
			found[start.Deployment] = append(found[start.Deployment], start)
		}
	}
	return found, nil
}

// fakeCache keeps predictions in memory, or fails.
type fakeCache struct {
	entries map[string]spec.Prediction
	rows    map[string][]spec.Row
	broken  bool
}

var errCache = errors.New("cache is broken")

func (c *fakeCache) Get(_ context.Context, fingerprint string, keys []spec.ID) (map[spec.ID]spec.Prediction, error) {
	if c.broken {
		return nil, errCache
	}
	found := map[spec.ID]spec.Prediction{}
	for _, key := range keys {
		if p, ok := c.entries[fingerprint+string(key)]; ok {
			found[key] = p
		}
	}
	return found, nil
}

func (c *fakeCache) Rows(_ context.Context, fingerprint string, request spec.ID) ([]spec.Row, bool, error) {
	if c.broken {
		return nil, false, errCache
	}
	rows, known := c.rows[fingerprint+string(request)]
	return rows, known, nil
}

func (c *fakeCache) PutRows(_ context.Context, fingerprint string, request spec.ID, rows []spec.Row) error {
	if c.broken {
		return errCache
	}
	if c.rows == nil {
		c.rows = map[string][]spec.Row{}
	}
	c.rows[fingerprint+string(request)] = rows
	return nil
}

func (c *fakeCache) Put(_ context.Context, fingerprint string, entries map[spec.ID]spec.Prediction) error {
	if c.broken {
		return errCache
	}
	if c.entries == nil {
		c.entries = map[string]spec.Prediction{}
	}
	for key, p := range entries {
		c.entries[fingerprint+string(key)] = p
	}
	return nil
}
