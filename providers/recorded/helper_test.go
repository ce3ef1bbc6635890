package recorded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// texts builds a map attribute from name, value pairs.
func texts(pairs ...string) spec.Value {
	var fields []spec.Field
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, spec.Field{Name: pairs[i], Value: spec.StringValue(pairs[i+1])})
	}
	return spec.MapValue(fields...)
}

// metrics builds metric blocks from name, column, unit triples.
func metrics(triples ...string) spec.Value {
	var blocks []spec.Value
	for i := 0; i < len(triples); i += 3 {
		blocks = append(blocks, texts("label", triples[i], "column", triples[i+1], "unit", triples[i+2]))
	}
	return spec.ListValue(blocks...)
}

// attrs is a usual declaration over file; overrides replace attributes.
func attrs(file string, overrides spec.Attrs) spec.Attrs {
	a := spec.Attrs{
		"file":   spec.StringValue(file),
		"match":  texts("tensor_parallel", "tp", "concurrency", "conc", "input_tokens", "isl", "output_tokens", "osl"),
		"metric": metrics("ttft", "ttft_ms", "ms", "tpot", "tpot_ms", "ms"),
	}
	for name, v := range overrides {
		a[name] = v
	}
	return a
}

const header = "tp,conc,isl,osl,ttft_ms,tpot_ms\n"

// write puts a file into a suite's folder.
func write(t testing.TB, name, content string) spec.Env {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return spec.Env{SuiteDir: dir}
}

func predictorOf(t testing.TB, content string, overrides spec.Attrs) spec.Predictor {
	t.Helper()
	p, err := Predictor().New.Predictor(&spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "p", Attrs: attrs("p.csv", overrides)}, write(t, "p.csv", content))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func recordingOf(t testing.TB, content string, overrides spec.Attrs) spec.Recording {
	t.Helper()
	r, err := Benchmark().New.Recording(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "m", Attrs: attrs("m.csv", overrides)}, write(t, "m.csv", content))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// point is one with tensor parallel, concurrency and lengths of 100 and 11.
func point(tp, concurrency int, more ...spec.Setting) spec.Point {
	settings := append([]spec.Setting{{Name: spec.ItemTensorParallel, Value: spec.IntValue(tp)}}, more...)
	return spec.Point{ModelID: "m", Runtime: "vllm", Config: spec.NewConfiguration(settings...),
		Load: spec.Load{Concurrency: concurrency, InputTokens: 100, OutputTokens: 11}}
}

func predict(t testing.TB, p spec.Predictor, points ...spec.Point) []spec.Prediction {
	t.Helper()
	answers, err := p.Predict(context.Background(), points)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(points) {
		t.Fatalf("%d answers to %d points", len(answers), len(points))
	}
	return answers
}

func lookup(t testing.TB, r spec.Recording, points ...spec.Point) []spec.Recorded {
	t.Helper()
	found, err := r.Lookup(context.Background(), points)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func valuesOf(t testing.TB, figures map[metric.Name]float64) metric.Values {
	t.Helper()
	v, err := metric.NewValues(figures)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wantError checks that an error of the user's files holds all texts.
func wantError(t testing.TB, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	if spec.KindOf(err) != spec.ErrUsage {
		t.Errorf("the error's kind is %s: %v", spec.KindOf(err), err)
	}
	if typed := new(spec.Error); !errors.As(err, &typed) || typed.Fix == "" {
		t.Errorf("the error names no fix: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q, want %q in it", err, text)
		}
	}
}
