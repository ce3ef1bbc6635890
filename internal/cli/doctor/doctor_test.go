package doctor

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"aicv/engine"
	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path string, size int, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte(content), make([]byte, size)...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// want holds one check to its outcome; what is not well must say how to fix it.
func want(t *testing.T, name string, c spec.Check, status spec.CheckStatus, found string) {
	t.Helper()
	bad := status == spec.CheckWarn || status == spec.CheckFail
	if c.Status != status || !strings.Contains(c.Found, found) || bad != (c.Fix != "") {
		t.Errorf("%s: %+v, want %s with %q", name, c, status, found)
	}
}

func TestClock(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.db")
	write(t, state, 1, "")
	written := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(state, written, written); err != nil {
		t.Fatal(err)
	}
	want(t, "good", clock(written.Add(time.Hour), state), spec.CheckOK, "2026-05-01 13:00:00")
	want(t, "a little behind", clock(written.Add(-time.Minute), state), spec.CheckOK, "")
	want(t, "behind the state", clock(written.Add(-2*time.Hour), state), spec.CheckWarn, "the state was written 2h0m0s later")
	want(t, "never set", clock(time.Unix(0, 0).UTC(), "none"), spec.CheckWarn, "before this program was written")
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	want(t, "not there yet", writable(deep), spec.CheckOK, dir+" can be written")
	want(t, "space", space(deep), spec.CheckOK, "GiB free")
	write(t, filepath.Join(dir, "file"), 1, "")
	want(t, "a file in its place", writable(filepath.Join(dir, "file")), spec.CheckFail, "can not be written")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	want(t, "none", database(t.Context(), path), spec.CheckSkip, "none yet")
	write(t, path, 4096, "no database")
	want(t, "something else", database(t.Context(), path), spec.CheckFail, path)
}

func TestModels(t *testing.T) {
	const good = `{"architectures":["LlamaForCausalLM"],"model_type":"llama"}`
	const index = `{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors","c":"m-1.safetensors"}}`
	for _, test := range []struct {
		name   string
		files  map[string]string // content; of names that end in safetensors 2 KiB are added
		status [2]spec.CheckStatus
		found  string // of the last check
	}{
		{"whole", map[string]string{"config.json": good, "model.safetensors.index.json": index, "m-1.safetensors": "", "m-2.safetensors": ""}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckOK}, "files: 2"},
		{"one file", map[string]string{"config.json": good, "model.safetensors": ""}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckOK}, "files: 1"},
		{"half", map[string]string{"config.json": good, "model.safetensors.index.json": index, "m-2.safetensors": ""}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckFail}, "1 of 2 files are missing or empty, the first: m-1.safetensors"},
		{"pointers", map[string]string{"config.json": good, "pytorch_model.bin": "version https://git-lfs.github.com/spec/v1"}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckFail}, "pytorch_model.bin"},
		{"config alone", map[string]string{"config.json": good}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckWarn}, "there are none"},
		{"outside", map[string]string{"config.json": good, "model.safetensors.index.json": `{"weight_map":{"a":"../../etc/passwd"}}`}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckFail}, "outside of the checkpoint"},
		{"an index that is none", map[string]string{"config.json": good, "model.safetensors.index.json": `[]`}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckFail}, "not what it should be"},
		{"type alone", map[string]string{"config.json": `{"model_type":"llama"}`}, [2]spec.CheckStatus{spec.CheckOK, spec.CheckWarn}, ""},
		{"no architecture", map[string]string{"config.json": `{}`}, [2]spec.CheckStatus{spec.CheckWarn, spec.CheckWarn}, ""},
		{"half a config", map[string]string{"config.json": `{"architectures":`}, [2]spec.CheckStatus{spec.CheckFail}, "not what it should be"},
		{"no config", nil, [2]spec.CheckStatus{spec.CheckFail}, "config.json can not be read"},
	} {
		dir := t.TempDir()
		for name, content := range test.files {
			size := 0
			if strings.HasSuffix(name, ".safetensors") {
				size = 2 << 10
			}
			write(t, filepath.Join(dir, name), size, content)
		}
		checks := model(&spec.Model{Path: dir})
		for i, c := range checks {
			found := ""
			if i == len(checks)-1 {
				found = test.found
			}
			want(t, test.name, c, test.status[i], found)
		}
	}
	want(t, "no path", model(&spec.Model{})[0], spec.CheckSkip, "known by its id")
}

// provider checks what it is told to; one that hangs never answers.
type provider struct {
	spec.Target
	checks []spec.Check
	hangs  <-chan struct{} // until it is closed; nil: not at all
}

func (p provider) Check(context.Context) []spec.Check {
	if p.hangs != nil {
		<-p.hangs
	}
	return p.checks
}

type silent struct{ spec.Target }

func registrations(over <-chan struct{}) []spec.Registration {
	target := func(kind string, made spec.Target, err error, required bool) spec.Registration {
		return spec.Registration{Role: spec.RoleTarget, Kind: kind,
			Schema: spec.Block{Attributes: []spec.Attribute{{Name: "url", Required: required}, {Name: "port", Default: spec.IntValue(7)}}},
			New: spec.Constructor{Target: func(c *spec.Component, _ spec.Env) (spec.Target, error) {
				if c.Attrs.Int("port") == 7 && kind == "good" {
					return provider{checks: []spec.Check{{Name: "a", Status: spec.CheckOK, Found: "port 7"}, {Name: "b", Status: spec.CheckWarn, Found: "x", Fix: "y"}}}, nil
				}
				return made, err
			}}}
	}
	return []spec.Registration{
		target("good", nil, errors.New("no defaults"), false), target("silent", silent{}, nil, false), target("hangs", provider{hangs: over}, nil, true),
		target("refused", nil, &spec.Error{Summary: "it can not run here", Fix: "move"}, true),
		target("tool", provider{checks: []spec.Check{{Name: "program", Status: spec.CheckFail, Found: "not there"}}}, nil, false),
	}
}

func examine(ctx context.Context, t *testing.T, suite *spec.Suite) []Entry {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	all := registrations(over)
	entries := Examine(ctx, Request{Suite: suite, Registrations: all, Registry: engine.NewRegistry(all, spec.Env{}), State: filepath.Join(t.TempDir(), "state.db")})
	for i, e := range entries {
		if strings.HasPrefix(e.What, "target") || strings.HasPrefix(e.What, "model") {
			return entries[i:]
		}
	}
	return nil
}

func TestProviders(t *testing.T) {
	suite := &spec.Suite{Models: []*spec.Model{{Name: "m"}}, Components: []*spec.Component{
		{Role: spec.RoleTarget, Kind: "refused", Name: "r"}, {Role: spec.RoleTarget, Kind: "good", Name: "g", Attrs: spec.Attrs{"port": spec.IntValue(7)}}, {Role: spec.RoleTarget, Kind: "silent", Name: "s"},
	}}
	want := []Entry{
		{"model.m", spec.Check{Name: "checkpoint", Status: spec.CheckSkip, Found: "no path is set: the model is known by its id"}},
		{"target.refused.r", spec.Check{Name: "declaration", Status: spec.CheckFail, Found: "it can not run here", Fix: "move"}},
		{"target.good.g", spec.Check{Name: "a", Status: spec.CheckOK, Found: "port 7"}},
		{"target.good.g", spec.Check{Name: "b", Status: spec.CheckWarn, Found: "x", Fix: "y"}},
		{"target.silent.s", spec.Check{Name: "provider", Status: spec.CheckSkip, Found: "needs nothing that could be looked at"}},
	}
	got := examine(t.Context(), t, suite)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !Failed(got) || Failed(got[2:]) {
		t.Error("only a failed check counts")
	}
}

// Without a suite only kinds that need no declaration are looked at, with their defaults.
func TestNoSuite(t *testing.T) {
	got := examine(t.Context(), t, nil)
	if len(got) != 3 || got[0].What != "target.good.default" || got[0].Found != "port 7" {
		t.Errorf("%+v", got)
	}
	if Failed(got) || got[2].Found != "not there" || got[2].Status != spec.CheckWarn {
		t.Errorf("a tool that nothing asks for is a warning: %+v", got[2])
	}
}

func TestAHangingProvider(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("out of time"))
	defer cancel()
	got := examine(ctx, t, &spec.Suite{Components: []*spec.Component{{Role: spec.RoleTarget, Kind: "hangs", Name: "h"}}})
	if len(got) != 1 || got[0].Status != spec.CheckFail || !strings.Contains(got[0].Found, "out of time") {
		t.Errorf("%+v", got)
	}
}

func TestWrite(t *testing.T) {
	entries := []Entry{
		{"host", spec.Check{Name: "system", Status: spec.CheckOK, Found: "Linux"}},
		{"target.process.x", spec.Check{Name: "GPUs", Status: spec.CheckFail, Found: "a\x1b[2Jb\nc", Fix: "repair\tit"}},
		{"model.é", spec.Check{Name: "weights", Status: spec.CheckWarn, Found: "none", Fix: "get them"}},
		{"x", spec.Check{Name: "y", Status: spec.CheckSkip}},
	}
	var b bytes.Buffer
	if err := Write(&b, entries, false); err != nil {
		t.Fatal(err)
	}
	want := `✓ ok    host              system   Linux
✗ fail  target.process.x  GPUs     ab c
        Fix: repair it
! warn  model.é           weights  none
        Fix: get them
- skip  x                 y        

1 ok, 1 warn, 1 fail, 1 skipped. What fails must be fixed before an apply can work.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := Write(&b, entries, true); err != nil || !strings.Contains(b.String(), styleFail+"✗ fail"+styleReset+"  target") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
