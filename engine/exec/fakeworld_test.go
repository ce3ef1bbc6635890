package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the host outside aicv: it outlives every apply. Fields that script its
// behaviour are set by tests before an apply.
type world struct {
	mutex   sync.Mutex
	servers map[string]*fakeServer // by key, the stopped ones removed
	calls   []string               // what was done, in order
	most    int                    // servers that ever ran at once
	begun   int

	startTime    time.Duration                    // until a server is healthy
	runTime      time.Duration                    // of one run
	onStart      func(n int, s *fakeServer) error // n-th start of all, from 1
	ended        []spec.RequestRow                // that a run which is cut short gives
	onRun        func(ctx context.Context, n int, r spec.RunRequest, s *fakeServer) error
	onStop       func(ctx context.Context, s *fakeServer, grace time.Duration) error
	onFind       func() error
	inventory    func(n int) error
	render       func(c spec.Configuration) error
	effective    error
	diagnose     func(log string) (*spec.Error, bool)
	unmanaged    bool
	image        string // of the rendered servers
	digest       string // of that image now
	inventories  int
	benchRuns    int
	budget       time.Duration
	result       func(r spec.RunRequest) spec.RunResult
	recordedRuns map[string][]spec.RunResult // by cell concurrency
	lookups      int
	lies         bool             // servers name another model
	generation   string           // what it answers when it is asked to generate
	deaf         func(n int) bool // whether the n-th question for a status fails
	asked        int              // for a status
	onLookup     error
	dead         func() bool // aicv crashed: its calls reach nothing any more
	seeds        []int64     // of the runs, in order
	talks        *talk       // nil: the engines have no counters, and no cache to empty
	clients      *clients    // nil: the target runs no clients
}

type fakeServer struct {
	spec.Server
	mutex   sync.Mutex // of status and log
	born    time.Time
	ready   time.Duration
	status  spec.ServerStatus
	log     string
	startNo int
}

func newWorld() *world {
	return &world{servers: map[string]*fakeServer{}, startTime: 2 * time.Second, runTime: 5 * time.Second, dead: func() bool { return false }}
}

func (w *world) note(format string, args ...any) {
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
}

// running lists the keys of the servers that run or left something behind.
func (w *world) running() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var keys []string
	for key := range w.servers {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// kill ends a server as if it had done so by itself, or by a signal.
func (s *fakeServer) kill(code int, signal, log string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.status = spec.ServerStatus{ExitCode: code, Signal: signal}
	s.log += log
}

// state is how the server is doing, and its log.
func (s *fakeServer) state() (spec.ServerStatus, string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.status, s.log
}

func (s *fakeServer) runs() bool {
	status, _ := s.state()
	return status.Running
}

var errCrashed = errors.New("the process is gone")

type fakeTarget struct{ w *world }

func (t fakeTarget) Managed() bool { return !t.w.unmanaged }

func (t fakeTarget) Inventory(context.Context) (spec.Inventory, error) {
	t.w.mutex.Lock()
	defer t.w.mutex.Unlock()
	t.w.inventories++
	if t.w.inventory != nil {
		if err := t.w.inventory(t.w.inventories); err != nil {
			return spec.Inventory{}, err
		}
	}
	return spec.Inventory{Host: "box", CPUs: 2}, nil
}

// filled is a command as it runs, its address included.
func filled(command []string) []string {
	var argv []string
	for _, word := range command {
		argv = append(argv, strings.NewReplacer(spec.HostPlaceholder, "127.0.0.1", spec.PortPlaceholder, "18001").Replace(word))
	}
	return argv
}

func (t fakeTarget) Start(ctx context.Context, r spec.StartRequest) (spec.Server, error) {
	w := t.w
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.dead() {
		return spec.Server{}, errCrashed
	}
	if err := ctx.Err(); err != nil {
		return spec.Server{}, err
	}
	if s := w.servers[r.Key]; s != nil {
		w.note("adopt %s", r.Key)
		adopted := s.Server
		adopted.Adopted = true
		return adopted, nil
	}
	if r.Digest != "" && r.Digest != w.digest {
		return spec.Server{}, &spec.Error{Kind: spec.ErrUsage, Summary: "it is another image"}
	}
	w.begun++
	s := &fakeServer{Server: spec.Server{Suite: r.Suite, Key: r.Key, ID: fmt.Sprintf("pid-%d", w.begun), URL: "http://" + r.Key, ModelName: r.Spec.ModelName, Image: w.digest, Command: filled(r.Spec.Command)},
		born: time.Now(), ready: w.startTime, status: spec.ServerStatus{Running: true}, log: "loading weights\n", startNo: w.begun}
	w.note("start %s", r.Key)
	if w.onStart != nil {
		if err := w.onStart(w.begun, s); err != nil {
			return spec.Server{}, err
		}
	}
	w.servers[r.Key] = s
	w.most = max(w.most, len(w.servers))
	return s.Server, nil
}

func (t fakeTarget) Find(_ context.Context, suite, key string) ([]spec.Server, error) {
	w := t.w
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.onFind != nil {
		if err := w.onFind(); err != nil {
			return nil, err
		}
	}
	var found []spec.Server
	for _, s := range w.servers {
		if s.Suite == suite && (key == "" || key == s.Key) {
			found = append(found, s.Server)
		}
	}
	slices.SortFunc(found, func(a, b spec.Server) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

func (t fakeTarget) Status(_ context.Context, server spec.Server) (spec.ServerStatus, error) {
	t.w.mutex.Lock()
	defer t.w.mutex.Unlock()
	if t.w.asked++; t.w.deaf != nil && t.w.deaf(t.w.asked) {
		return spec.ServerStatus{}, errFlaky
	}
	if s := t.w.servers[server.Key]; s != nil {
		status, _ := s.state()
		return status, nil
	}
	return spec.ServerStatus{}, nil
}

func (t fakeTarget) Log(_ context.Context, server spec.Server, _ int) (string, error) {
	t.w.mutex.Lock()
	defer t.w.mutex.Unlock()
	if s := t.w.servers[server.Key]; s != nil {
		_, log := s.state()
		return log, nil
	}
	return "", errors.New("no log")
}

func (t fakeTarget) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	w := t.w
	w.mutex.Lock()
	s, onStop := w.servers[server.Key], w.onStop
	crashed := w.dead()
	w.mutex.Unlock()
	if crashed {
		return errCrashed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if onStop != nil && s != nil {
		if err := onStop(ctx, s, grace); err != nil {
			return err
		}
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if s != nil {
		w.note("stop %s", server.Key)
	}
	delete(w.servers, server.Key)
	return nil
}

type fakeRuntime struct{ w *world }

func (r fakeRuntime) Render(q spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	if r.w.render != nil {
		if err := r.w.render(q.Config); err != nil {
			return spec.ServerSpec{}, nil, err
		}
	}
	return spec.ServerSpec{Image: r.w.image, Command: []string{"engine", "--tp", q.Config.Get(spec.ItemTensorParallel).Text()}, ModelName: q.Model.ID,
		Env:   []spec.EnvVar{{Name: "TOKEN", Value: spec.SecretValue("HF_TOKEN")}},
		Ready: spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Timeout: 3 * time.Minute}, Grace: 5 * time.Second}, nil, nil
}

func (r fakeRuntime) Effective(context.Context, spec.Server) (spec.Configuration, error) {
	return spec.NewConfiguration(spec.Setting{Name: "max_batch_size", Value: spec.IntValue(64)}), r.w.effective
}

func (r fakeRuntime) Diagnose(log string) (*spec.Error, bool) {
	if r.w.diagnose != nil {
		return r.w.diagnose(log)
	}
	return nil, false
}

// fakeProbe answers as the servers of the world would.
type fakeProbe struct{ w *world }

func (p fakeProbe) close() {}

func (p fakeProbe) get(_ context.Context, url string) (int, []byte, error) {
	p.w.mutex.Lock()
	defer p.w.mutex.Unlock()
	key, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	s := p.w.servers[key]
	switch {
	case s == nil || !s.runs():
		return 0, nil, errors.New("connection refused")
	case time.Since(s.born) < s.ready:
		return 503, nil, nil
	case path == "v1/models" && p.w.lies:
		return 200, []byte(`{"data":[{"id":"other"}]}`), nil
	case path == "v1/models":
		return 200, fmt.Appendf(nil, `{"data":[{"id":%q}]}`, s.ModelName), nil
	}
	return 200, nil, nil
}

func (p fakeProbe) post(ctx context.Context, url string, _ []byte) (int, []byte, error) {
	code, _, err := p.get(ctx, url)
	if code != 200 || err != nil {
		return code, nil, err
	}
	return 200, []byte(p.w.generation), nil
}

type fakeBenchmark struct{ w *world }

func (b fakeBenchmark) Budget(spec.RunRequest, time.Duration) time.Duration { return b.w.budget }

func (b fakeBenchmark) Run(ctx context.Context, r spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	w := b.w
	w.mutex.Lock()
	w.seeds = append(w.seeds, r.Sampling.Seed)
	r.Sampling.Seed -= loadSeed(r.Load) // what is left says which repeat it is
	w.benchRuns++
	n, s := w.benchRuns, w.servers[r.Server.Key]
	w.note("run c%d seed %d on %s", r.Load.Concurrency, r.Sampling.Seed, r.Server.Key)
	w.mutex.Unlock()
	if s == nil {
		return spec.RunResult{}, errors.New("nothing listens there")
	}
	emit(spec.Event{Type: spec.EventProgress, Phase: "measuring", Done: 1, Total: 2})
	if w.onRun != nil {
		if err := w.onRun(ctx, n, r, s); err != nil {
			return spec.RunResult{Rows: w.ended}, err
		}
	}
	select {
	case <-time.After(w.runTime):
	case <-ctx.Done():
		return spec.RunResult{Rows: w.ended}, context.Cause(ctx)
	}
	if w.result != nil {
		return w.result(r), nil
	}
	return goodResult(r.Load.Concurrency, int(r.Sampling.Seed)), nil
}

// goodResult is what the prediction of the test plans expects, almost.
func goodResult(concurrency, seed int) spec.RunResult {
	wobble := 1 + 0.001*float64(seed%3)
	values, _ := metric.NewValues(map[metric.Name]float64{
		metric.TPOT: 10 * float64(concurrency) * wobble, metric.Latency: 1000 * wobble, metric.ErrorRate: 0})
	return spec.RunResult{Values: values, Window: spec.WindowSteady, Requests: 20 * concurrency, Rows: make([]spec.RequestRow, 3)}
}

type fakeRecording struct{ w *world }

func (r fakeRecording) Lookup(_ context.Context, points []spec.Point) ([]spec.Recorded, error) {
	r.w.lookups++
	if r.w.onLookup != nil {
		return nil, r.w.onLookup
	}
	found := make([]spec.Recorded, len(points))
	for i, p := range points {
		found[i].Runs = r.w.recordedRuns[fmt.Sprint(p.Load.Concurrency)]
		if len(found[i].Runs) == 0 {
			found[i].Missing = "no such row"
		}
	}
	return found, nil
}

func (fakeRecording) Points(context.Context) ([]spec.Row, error)    { return nil, nil }
func (fakeRecording) Notes(context.Context) ([]spec.Finding, error) { return nil, nil }

func (w *world) registrations() []spec.Registration {
	type component = *spec.Component
	return []spec.Registration{
		{Role: spec.RoleTarget, Kind: "fake", New: spec.Constructor{Target: func(component, spec.Env) (spec.Target, error) { return w.target(), nil }}},
		{Role: spec.RoleRuntime, Kind: "fake", New: spec.Constructor{Runtime: func(component, spec.Env) (spec.Runtime, error) { return w.engine(), nil }}},
		{Role: spec.RoleBenchmark, Kind: "fake", New: spec.Constructor{Benchmark: func(component, spec.Env) (spec.Benchmark, error) { return fakeBenchmark{w}, nil }}},
		{Role: spec.RoleBenchmark, Kind: "file", New: spec.Constructor{Recording: func(component, spec.Env) (spec.Recording, error) { return fakeRecording{w}, nil }}},
	}
}

func (w *world) registry() *engine.Registry { return engine.NewRegistry(w.registrations(), spec.Env{}) }

// listener collects events.
type listener struct {
	mutex  sync.Mutex
	events []spec.Event
}

func (l *listener) emit(e spec.Event) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.events = append(l.events, e)
}

// of lists the events of a type.
func (l *listener) of(t spec.EventType) []spec.Event {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var found []spec.Event
	for _, e := range l.events {
		if e.Type == t {
			found = append(found, e)
		}
	}
	return found
}

// text joins the messages of the events of a type.
func (l *listener) text(t spec.EventType) string {
	var b strings.Builder
	for _, e := range l.of(t) {
		b.WriteString(e.Subject + ": " + e.Message + "\n")
	}
	return b.String()
}

// key finds the key under which a deployment's start of a number was asked for.
func (b *bench) key(deployment spec.ID, number int) string {
	ending := fmt.Sprintf("-%s-%d", deployment, number)
	for _, call := range b.world.calls {
		if key, start := strings.CutPrefix(call, "start "); start && strings.HasSuffix(key, ending) {
			return key
		}
	}
	return "no start of " + ending
}
