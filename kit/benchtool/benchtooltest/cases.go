// Package benchtooltest is for tests: what every driver of a benchmark client has to
// pass. It is no part of aicv's binary.
package benchtooltest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/kit/benchtool"
	"aicv/spec"
)

// Declarations are refused, each for its reason.
func Declarations(t *testing.T, declare func(spec.Attrs) error) {
	t.Helper()
	for want, attrs := range map[string]spec.Attrs{
		"both set":             {benchtool.AttrCommand: spec.StringValue("x"), benchtool.AttrVenv: spec.StringValue("y")},
		"params sets":          {benchtool.AttrParams: spec.MapValue(spec.Field{Name: "ignore_eos", Value: spec.BoolValue(false)})},
		"max_time is negative": {benchtool.AttrMaxTime: spec.StringValue("-1s")},
	} {
		if err := declare(attrs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Failures of a tool are the benchmark's, and say all that is wanted of them. run has the
// tool play a part.
func Failures(t *testing.T, wanted map[string][]string, run func(t *testing.T, part string) error) {
	t.Helper()
	for part, wants := range wanted {
		t.Run(part, func(t *testing.T) {
			err := run(t, part)
			text := ""
			if e := (*spec.Error)(nil); errors.As(err, &e) {
				text = e.Error() + e.Detail
			}
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q lacks %q", text, want)
				}
			}
			if spec.KindOf(err) != spec.ErrBenchmark {
				t.Errorf("kind %s", spec.KindOf(err))
			}
		})
	}
}

// Checks say what is missing: the tool, or beside a command of unknown version the
// tokenizer and the key.
func Checks(t *testing.T, declare func(spec.Attrs) spec.Checker) {
	t.Helper()
	none := spec.Attrs{benchtool.AttrVenv: spec.StringValue("none"), benchtool.AttrTokenizer: spec.StringValue("/none")}
	if got := declare(none).Check(t.Context()); len(got) != 1 || got[0].Status != spec.CheckFail || !strings.Contains(got[0].Fix, "scripts/real-tools") {
		t.Errorf("%+v", got)
	}
	bare := spec.Attrs{benchtool.AttrCommand: spec.StringValue(os.Args[0]), benchtool.AttrTokenizer: spec.StringValue("/none"), benchtool.AttrAPIKey: spec.SecretValue("NO_SUCH")}
	got := declare(bare).Check(t.Context())
	if len(got) != 3 || got[0].Status != spec.CheckWarn || got[1].Status != spec.CheckFail || got[2].Status != spec.CheckFail {
		t.Errorf("%+v", got)
	}
}

// RealRun has the real tool take a run of 40 requests of 64 and 16 tokens, 4 at a time,
// none of which may fail or end early.
func RealRun(t *testing.T, b spec.Benchmark, request spec.RunRequest) spec.RunResult {
	t.Helper()
	request.Load = spec.Load{Concurrency: 4, InputTokens: 64, OutputTokens: 16}
	request.Sampling = spec.Sampling{Requests: 40, Warmup: 8}
	r, err := b.Run(t.Context(), request, nil)
	if err != nil {
		if e := (*spec.Error)(nil); errors.As(err, &e) {
			t.Log(e.Detail)
		}
		t.Fatal(err)
	}
	t.Logf("%d requests in %s: %v", r.Requests, r.Elapsed, r.Values)
	for _, f := range r.Findings {
		t.Logf("%s %s: %s", f.Severity, f.Check, f.Message)
	}
	if r.Requests < 40 || r.Failed != 0 {
		t.Errorf("%+v", r)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Phase == spec.PhaseMeasure && row.OutputTokens != 16 {
			t.Errorf("request %d gave %d tokens", i, row.OutputTokens)
		}
	}
	return r
}

// NoFileHolds looks for a key in all files below a folder.
func NoFileHolds(t *testing.T, folder, key string) {
	t.Helper()
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), key) {
			t.Errorf("%s holds the key", path)
		}
		return nil
	})
}

// CutShort holds what a run gave that was cut short against what had ended by then: its
// warm-up requests, and those that the tool wrote. There are no figures.
func CutShort(t *testing.T, r spec.RunResult, warmup, wrote int) {
	t.Helper()
	if len(r.Rows) != warmup+wrote || len(r.Values) > 0 || r.Started.IsZero() || r.Provenance.Source == "" {
		t.Errorf("%d rows instead of %d, values %v, started %s, source %q", len(r.Rows), warmup+wrote, r.Values, r.Started, r.Provenance.Source)
		return
	}
	for i := range r.Rows {
		if warm := r.Rows[i].Phase == spec.PhaseWarmup; warm != (i < warmup) || r.Rows[i].Index != i {
			t.Errorf("row %d: %+v", i, r.Rows[i])
		}
	}
}
