package exec

import (
	"context"
	"math"
	"strings"
	"testing"
	"unicode"

	"aicv/metric"
	"aicv/spec"
)

// FuzzAnswer feeds whole outputs to all three readers: whatever a program prints, each
// point gets an answer that can be used or a reason, and nothing else gets through.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		hello + `{"point":0,"values":{"ttft":7,"tpot":1}}` + "\n" + `{"point":1,"missing":"no"}`,
		hello + `{"point":0,"values":{"ttft":NaN}}`, hello + `{"point":0,"values":{"ttft":1e999}}`, hello + `{"point":0,"values":{"ttft":-0.0}}`,
		hello + `{"point":2,"values":{"ttft":7}}`, hello + `{"point":0,"values":{"ttft":7}}` + "\n" + `{"point":0,"missing":"x"}`,
		hello + `{"point":0,"values":{"ttft":7},"modelled":{"tensor_parallel":1e2,"prefix_cache":null,"dtype":""},"findings":[{"check":"a","severity":"not_comparable","message":"b"}]}`,
		hello + `{"point":0,"supported":true,"why":"\u0000\u202e"}`, hello + `{"configuration":{"replicas":9},"load":{"concurrency":3}}`,
		hello + `{"missing":"x"}`, `{"protocol":"aicv-predictor/2"}`, "", "\xff\n", hello + strings.Repeat("[", 20_000), hello + strings.Repeat(`{"a":`, 5_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		a := newPointAnswers(2, []metric.Name{metric.TTFT, metric.TPOT})
		c := converse(a.accept, output)
		if c.broken == nil && c.header != nil {
			p := &predictor{program{settings: settings{argv: []string{"x"}}}}
			for i, x := range p.predictions(a, c, &ending{}) {
				checkPrediction(t, i, &x)
			}
		}
		s := &supportAnswers{answers: make([]spec.Support, 2), done: make([]bool, 2)}
		converse(s.accept, output)
		for _, x := range s.answers {
			checkText(t, x.Why+x.Nearest)
		}
		r := &rowAnswers{request: &spec.RecommendRequest{GPUs: 8, Top: 3}}
		converse(r.accept, output)
		for i := range r.rows {
			if gpus := r.rows[i].Point.Config.GPUs(); gpus < 1 || gpus > 8 {
				t.Errorf("a row of %d GPUs", gpus)
			}
		}
	})
}

// converse plays a program's whole output.
func converse(accept func([]byte) error, output []byte) *conversation {
	c := &conversation{accept: accept, redact: redacter(nil)}
	lines := strings.Split(string(output), "\n")
	for _, line := range lines[:len(lines)-1] {
		if c.line([]byte(line)) != nil {
			return c
		}
	}
	_ = c.end(lines[len(lines)-1])
	return c
}

func checkPrediction(t *testing.T, i int, p *spec.Prediction) {
	if (len(p.Values) == 0) != (p.Missing != "") {
		t.Errorf("point %d: %+v", i, p)
	}
	for _, v := range p.Values {
		if math.IsNaN(v.Value) || v.Value <= 0 || v.Value > 1e10 || v.Metric != metric.TTFT && v.Metric != metric.TPOT {
			t.Errorf("point %d: %+v", i, v)
		}
	}
	checkText(t, p.Missing+p.Provenance.Tool+p.Provenance.Version+p.Provenance.Database+p.Provenance.Source)
	for _, finding := range p.Findings {
		checkText(t, finding.Message)
	}
}

func checkText(t *testing.T, text string) {
	if len(text) > 6*maxText || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

// FuzzCut holds the bound on texts.
func FuzzCut(f *testing.F) {
	f.Add("ab\u0301\u202ec", 3)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = min(max(n, 0), 1000)
		if got := cut(tidy(text), n); len(got) > n+3 || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q", got)
		}
	})
}

// A context that ends before the start starts nothing.
func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := made(t, playing(t, hello)).Predict(ctx, points(1)); spec.KindOf(err) != spec.ErrInterrupted {
		t.Error(err)
	}
}
