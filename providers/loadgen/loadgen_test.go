package loadgen

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"aicv/metric"
	"aicv/spec"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveSim() // the acceptance test runs the simulator in a process of its own
		return
	}
	goleak.VerifyTestMain(m)
}

func TestVocabulary(t *testing.T) {
	words := vocabulary()
	slices.Sort(words)
	if len(slices.Compact(words)) != vocabularySize {
		t.Errorf("%d different words, want %d", len(slices.Compact(words)), vocabularySize)
	}
}

func TestPrompts(t *testing.T) {
	p := newPrompts(3, 0)
	heads, firsts := map[string]bool{}, map[string]bool{}
	for i := range 20_000 {
		text := string(p.appendWords(nil, i, 12))
		words := strings.Fields(text)
		if len(words) != 12 || strings.Join(words, " ") != text {
			t.Fatalf("prompt %q has not 12 words with single spaces", text)
		}
		head := strings.Join(words[:numberingWords], " ")
		if heads[head] {
			t.Fatalf("two prompts begin with %q", head)
		}
		heads[head] = true
		if i < vocabularySize {
			if firsts[words[0]] {
				t.Fatalf("two of the first %d prompts begin with %q", vocabularySize, words[0])
			}
			firsts[words[0]] = true
		}
	}
	if string(p.appendWords(nil, 5, 12)) != string(newPrompts(3, 0).appendWords(nil, 5, 12)) {
		t.Error("the same seed gives another prompt")
	}
	if string(p.appendWords(nil, 5, 12)) == string(newPrompts(4, 0).appendWords(nil, 5, 12)) {
		t.Error("another seed gives the same prompt")
	}
	if got := len(strings.Fields(string(newPrompts(1, 0).appendWords(nil, 9, 1)))); got != 1 {
		t.Errorf("a prompt of one token has %d words", got)
	}
}

func TestResolved(t *testing.T) {
	for _, x := range []struct {
		concurrency      int
		asked            spec.Sampling
		requests, warmup int
	}{
		{8, spec.Sampling{}, 160, 16},
		{1, spec.Sampling{}, 20, 2},
		{8, spec.Sampling{Requests: 50, Warmup: 5}, 56, 5},
		{8, spec.Sampling{Requests: 56}, 56, 16},
		{64, spec.Sampling{Requests: 1}, 64, 128},
	} {
		got := resolved(spec.Load{Concurrency: x.concurrency}, x.asked)
		if got.Requests != x.requests || got.Warmup != x.warmup {
			t.Errorf("concurrency %d, %+v: %+v", x.concurrency, x.asked, got)
		}
	}
}

func TestBudget(t *testing.T) {
	b := &benchmark{}
	r := request(8, 100, 10)
	// 23 requests of warm-up are 3 generations; 160 are 20; one cools down.
	if got := b.Budget(r, time.Second); got != 24*time.Second {
		t.Errorf("budget %s, want 24 s", got)
	}
	r.Sampling.Duration = time.Minute
	if got := b.Budget(r, time.Second); got != 64*time.Second {
		t.Errorf("budget with a duration %s, want 64 s", got)
	}
}

// clock is a time that tests set.
type clock struct{ at time.Duration }

func (c *clock) now() time.Duration { return c.at }

func TestPhases(t *testing.T) {
	p := newPhases(2, spec.Sampling{Requests: 4, Warmup: 3})
	var c clock
	var phases []spec.RequestPhase
	start := func() {
		c.at++
		_, phase, _ := p.start(c.now)
		phases = append(phases, phase)
	}
	start()
	start()
	for i := range 8 {
		p.end(phases[i], c.at)
		start()
	}
	// Two are in flight at the start, so the third end starts request 4, the first
	// that is measured.
	want := []spec.RequestPhase{"warmup", "warmup", "warmup", "warmup", "measure", "measure", "measure", "measure", "cooldown", "cooldown"}
	if diff := cmp.Diff(want, phases); diff != "" {
		t.Error(diff)
	}
	if opened, closed := p.window(); opened != 5 || closed != 9 {
		t.Errorf("window %d..%d, want 5..9", opened, closed)
	}
	select {
	case <-p.done:
	default:
		t.Error("all measured requests have ended, but the run has not")
	}
}

func TestPhasesHoldTheLoadForADuration(t *testing.T) {
	p := newPhases(4, spec.Sampling{Requests: 4, Warmup: 1, Duration: 10})
	var c clock
	for i := 0; ; i++ {
		c.at++
		if _, phase, _ := p.start(c.now); phase == spec.PhaseCooldown {
			break
		} else if i >= 4 {
			p.end(phase, c.at)
		}
	}
	opened, closed := p.window()
	if p.measured != 12 || closed-opened != 12 {
		t.Errorf("%d requests in %d, want whole generations until 10 have passed: 12 in 12", p.measured, closed-opened)
	}
}

// TestPhasesSettle has a warm-up that ends by time, after more requests than were asked for.
func TestPhasesSettle(t *testing.T) {
	p := newPhases(2, spec.Sampling{Requests: 4, Warmup: 1, WarmupTime: 7})
	var c clock
	warm := 0
	for {
		c.at++
		_, phase, _ := p.start(c.now)
		if phase != spec.PhaseWarmup {
			break
		}
		p.end(phase, c.at)
		warm++
		if name, done, total := p.progress(); name != "warm-up" || done > total {
			t.Errorf("%s: %d of %d", name, done, total)
		}
	}
	if opened, _ := p.window(); opened != 7 || warm != 6 {
		t.Errorf("the window opens at %d after %d requests, want 7 after 6", opened, warm)
	}
}

// rows makes measured rows of equal requests.
func rows(n int, ttft, latency time.Duration, output int) []spec.RequestRow {
	made := make([]spec.RequestRow, n)
	for i := range made {
		made[i] = spec.RequestRow{Index: i, Phase: spec.PhaseMeasure, TTFT: ttft, Latency: latency, InputTokens: 10, OutputTokens: output}
	}
	return made
}

func TestPercentilesNeedRequests(t *testing.T) {
	for n, want := range map[int][]metric.Name{
		28:  {"latency", "latency_p50", "latency_p75"},
		29:  {"latency", "latency_p50", "latency_p75", "latency_p90"},
		59:  {"latency", "latency_p50", "latency_p75", "latency_p90", "latency_p95"},
		299: {"latency", "latency_p50", "latency_p75", "latency_p90", "latency_p95", "latency_p99"},
	} {
		values := newFigures(rows(n, time.Millisecond, 2*time.Millisecond, 5)).Figures()
		var got []metric.Name
		for _, m := range metric.All() {
			if _, ok := values[m.Name]; ok && m.Base == metric.Latency {
				got = append(got, m.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d requests: %s", n, diff)
		}
	}
}

// TestWindowCounting feeds requests by hand: the window is 100..200.
func TestWindowCounting(t *testing.T) {
	p := &phases{opened: 100, closed: 200}
	c := &collector{phases: p, slo: spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("0.00001")}}} // 10 ns
	add := func(phase spec.RequestPhase, start time.Duration, output int, err error, times ...time.Duration) {
		c.add(finished{phase: phase, start: start, answer: answer{times: times, input: 1, output: output, err: err}})
	}
	add(spec.PhaseWarmup, 50, 4, nil, 60, 100, 101, 110)      // 2 inside, ends inside, ttft 10
	add(spec.PhaseMeasure, 150, 4, nil, 170, 200, 201, 230)   // 2 inside, ends outside
	add(spec.PhaseMeasure, 110, 4, nil, 120, 140)             // 2 events of 2 tokens: 4 inside, ttft 10
	add(spec.PhaseMeasure, 130, 4, fmt.Errorf("x"), 140, 150) // failed: nothing
	add(spec.PhaseMeasure, 120, 2, nil, 131, 132)             // 2 inside, ttft 11: misses the limit
	add(spec.PhaseWarmup, 10, 4, nil, 20, 30)                 // before the window
	if c.windowToken != 10 || c.windowEnded != 3 || c.windowGood != 2 {
		t.Errorf("%v tokens, %d requests, %d good; want 10, 3, 2", c.windowToken, c.windowEnded, c.windowGood)
	}
	if c.rows[3].Error != "x" || c.rows[3].Latency != 0 || c.rows[3].TokenTimes != nil {
		t.Errorf("the failed row is %+v", c.rows[3])
	}
}

func TestTokenTimesAreBounded(t *testing.T) {
	c := &collector{phases: &phases{opened: 0, closed: never}, tokenTimes: maxTokenTimes - 3}
	for range 2 {
		c.add(finished{phase: spec.PhaseMeasure, answer: answer{times: []time.Duration{1, 2}, output: 2}})
	}
	if c.rows[0].TokenTimes == nil || c.rows[1].TokenTimes != nil || c.unkept != 1 || c.windowToken != 4 {
		t.Errorf("rows %+v, %d let go, %v tokens", c.rows, c.unkept, c.windowToken)
	}
}

func TestFindings(t *testing.T) {
	if found := (&run{collect: &collector{}}).findings(figures{}, time.Second); found != nil {
		t.Errorf("%v", found)
	}
	if found := (&run{collect: &collector{unkept: 3}}).findings(figures{}, time.Second); len(found) != 1 || found[0].Check != "token_times" {
		t.Errorf("%v", found)
	}
}

func TestRefusals(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*spec.RunRequest)
	}{
		{"rate and concurrency", func(r *spec.RunRequest) { r.Load.RequestRate = metric.MustDecimal("2.5") }},
		{"no concurrency", func(r *spec.RunRequest) { r.Load.Concurrency = 0 }},
		{"no input", func(r *spec.RunRequest) { r.Load.InputTokens = 0 }},
		{"no output", func(r *spec.RunRequest) { r.Load.OutputTokens = 0 }},
		{"negative", func(r *spec.RunRequest) { r.Sampling.Warmup = -1 }},
		{"more connections than there are", func(r *spec.RunRequest) { r.Load.Concurrency = 1_000_000_000 }},
		{"a prompt that fills the memory", func(r *spec.RunRequest) { r.Load.InputTokens = 1_000_000_000 }},
		{"prompts that fill the memory", func(r *spec.RunRequest) { r.Load.Concurrency, r.Load.InputTokens = 30_000, 100_000 }},
		{"a deviation that fills the memory", func(r *spec.RunRequest) {
			r.Load.Shape.Input = spec.Spread{Kind: spec.SpreadNormal, Deviation: 1_000_000_000}
		}},
		{"no server", func(r *spec.RunRequest) { r.Server.URL = "" }},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := request(1, 1, 1)
			x.change(&r)
			_, err := (&benchmark{}).Run(t.Context(), r, nil)
			if spec.KindOf(err) != spec.ErrUsage {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestConstructor(t *testing.T) {
	build := Registration().New.Benchmark
	if _, err := build(&spec.Component{Attrs: spec.Attrs{"timeout": spec.StringValue("0s")}}, spec.Env{}); spec.KindOf(err) != spec.ErrUsage {
		t.Errorf("a timeout of 0 gives %v", err)
	}
	if _, err := build(&spec.Component{}, spec.Env{}); err != nil {
		t.Errorf("without attributes: %v", err)
	}
	for _, a := range Registration().Schema.Attributes {
		if a.Doc == "" || a.Example == "" || a.Since == "" {
			t.Errorf("%s lacks doc, example or since", a.Name)
		}
	}
	if rows := Registration().Metrics; len(rows) != len(metric.All()) {
		t.Errorf("%d mappings", len(rows))
	} else {
		for _, m := range rows {
			if m.Field == "" {
				t.Errorf("%s has no field", m.Metric)
			}
		}
	}
}
