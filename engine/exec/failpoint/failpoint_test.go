package failpoint

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/spec"
)

// inner notes the calls that reach the store and the target behind the wrappers.
type inner struct {
	made []string
}

type innerStore struct {
	engine.Store
	*inner
}

type innerTarget struct {
	spec.Target
	*inner
}

func (i innerStore) Begin(context.Context, spec.Step) (int64, error) {
	i.made = append(i.made, "Begin")
	return 7, nil
}

func (i innerStore) Stopped(context.Context, int64) error {
	i.made = append(i.made, "Stopped")
	return errors.New("its own error")
}

func (i innerTarget) Start(context.Context, spec.StartRequest) (spec.Server, error) {
	i.made = append(i.made, "Start")
	return spec.Server{ID: "s"}, nil
}

func (i innerTarget) Stop(context.Context, spec.Server, time.Duration) error {
	i.made = append(i.made, "Stop")
	return nil
}

// four makes one call each, and says what came back.
func four(t *testing.T, c *Counter) (made []string, errs []error) {
	t.Helper()
	i := &inner{}
	s, target := Store(innerStore{inner: i}, c), Target(innerTarget{inner: i}, c)
	id, err := s.Begin(t.Context(), spec.Step{Kind: "run"})
	if (err == nil) != (id == 7) {
		t.Errorf("Begin gives %d, %v", id, err)
	}
	server, startErr := target.Start(t.Context(), spec.StartRequest{})
	if (startErr == nil) != (server.ID == "s") {
		t.Errorf("Start gives %+v, %v", server, startErr)
	}
	return i.made, append(errs, err, startErr, s.Stopped(t.Context(), 1), target.Stop(t.Context(), spec.Server{}, 0))
}

func TestModes(t *testing.T) {
	for _, test := range []struct {
		mode Mode
		at   int
		made string
	}{
		{ErrorBefore, 0, "Begin Start Stopped Stop"},
		{ErrorBefore, 1, "Start Stopped Stop"},
		{ErrorAfter, 1, "Begin Start Stopped Stop"},
		{ErrorBefore, 2, "Begin Stopped Stop"},
		{ErrorAfter, 4, "Begin Start Stopped Stop"},
		{ErrorBefore, 4, "Begin Start Stopped"},
		{ErrorAfter, 9, "Begin Start Stopped Stop"},
	} {
		c := New(test.at, test.mode)
		made, errs := four(t, c)
		if got := strings.Join(made, " "); got != test.made {
			t.Errorf("%s:%d made %s, want %s", test.mode, test.at, got, test.made)
		}
		for i, err := range errs {
			if injected := errors.Is(err, ErrInjected); injected != (i+1 == test.at) {
				t.Errorf("%s:%d: call %d gives %v", test.mode, test.at, i+1, err)
			}
		}
		if c.Calls() != 4 || c.Fired() != (test.at >= 1 && test.at <= 4) {
			t.Errorf("%s:%d: %d calls, fired %v", test.mode, test.at, c.Calls(), c.Fired())
		}
	}
	// A call that fails by itself keeps its error.
	if _, errs := four(t, New(3, ErrorAfter)); errs[2] == nil || errors.Is(errs[2], ErrInjected) {
		t.Errorf("the call's own error became %v", errs[2])
	}
}

func TestTrace(t *testing.T) {
	c := New(0, ErrorBefore)
	var seen []string
	c.Trace(func(n int, call string) { seen = append(seen, strconv.Itoa(n)+" "+call) })
	four(t, c)
	if diff := cmp.Diff([]string{"1 Begin run", "2 Start", "3 Stopped", "4 Stop"}, seen); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	c, err := Parse("kill_after:12")
	if err != nil || c.at != 12 || c.mode != KillAfter {
		t.Errorf("parsed %+v, %v", c, err)
	}
	if c, err := Parse("count"); err != nil || c.at != 0 {
		t.Errorf("parsed %+v, %v", c, err)
	}
	for _, bad := range []string{"", "kill_after", "kill_after:", "kill_after:0", "kill_after:-1", "kill_after:x", "sleep:1"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestEveryDurableMethodCounts holds the wrapper to the store's interface: what is not
// a read of the state must be counted.
func TestEveryDurableMethodCounts(t *testing.T) {
	all, reads := reflect.TypeFor[engine.Store](), reflect.TypeFor[engine.Reader]()
	wrapper := reflect.TypeFor[*store]()
	for i := range all.NumMethod() {
		name := all.Method(i).Name
		if _, read := reads.MethodByName(name); read {
			continue
		}
		c := New(1, ErrorBefore)
		method, _ := wrapper.MethodByName(name)
		arguments := []reflect.Value{reflect.ValueOf(&store{nil, c})}
		for k := 1; k < method.Type.NumIn(); k++ {
			arguments = append(arguments, reflect.Zero(method.Type.In(k)))
		}
		results := method.Func.Call(arguments)
		if err, _ := results[len(results)-1].Interface().(error); !errors.Is(err, ErrInjected) {
			t.Errorf("%s is not counted: %v", name, err)
		}
	}
}

func TestRegistrationsWrapTargets(t *testing.T) {
	c := New(1, ErrorBefore)
	broken := errors.New("no such host")
	wrapped := Registrations([]spec.Registration{
		{Kind: "a", New: spec.Constructor{Target: func(*spec.Component, spec.Env) (spec.Target, error) { return innerTarget{inner: &inner{}}, nil }}},
		{Kind: "b", New: spec.Constructor{Target: func(*spec.Component, spec.Env) (spec.Target, error) { return nil, broken }}},
		{Kind: "c"},
	}, c)
	made, err := wrapped[0].New.Target(nil, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Start(t.Context(), spec.StartRequest{}); !errors.Is(err, ErrInjected) {
		t.Errorf("start: %v", err)
	}
	if _, err := wrapped[1].New.Target(nil, spec.Env{}); !errors.Is(err, broken) {
		t.Errorf("construct: %v", err)
	}
	if wrapped[2].Kind != "c" || wrapped[2].New.Target != nil {
		t.Errorf("a registration of another role became %+v", wrapped[2])
	}
}

// TestKill runs this test again in a process that must not survive.
func TestKill(t *testing.T) {
	const variable = "AICV_FAILPOINT_TEST"
	if text := os.Getenv(variable); text != "" {
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		i := &inner{}
		defer func() { _, _ = os.Stdout.WriteString("deferred\n") }()
		s := Store(innerStore{inner: i}, c)
		c.Trace(func(int, string) { _, _ = os.Stdout.WriteString("reached\n") })
		_, _ = s.Begin(t.Context(), spec.Step{})
		_, _ = os.Stdout.WriteString("survived\n")
		return
	}
	for _, mode := range []Mode{KillBefore, KillAfter} {
		command := exec.Command(os.Args[0], "-test.run=^TestKill$")
		command.Env = append(os.Environ(), variable+"="+string(mode)+":1")
		out, err := command.Output()
		var exited *exec.ExitError
		if !errors.As(err, &exited) || exited.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("%s: ended with %v", mode, err)
		}
		if string(out) != "reached\n" {
			t.Errorf("%s: printed %q", mode, out)
		}
	}
}

type innerRunner struct {
	innerTarget
	spec.ClientRunner
}

// A wrapped target has the abilities that an apply needs of it, and no others.
func TestClientsAreRunThroughTheWrapper(t *testing.T) {
	if _, able := Target(innerTarget{}, New(0, ErrorBefore)).(spec.ClientRunner); able {
		t.Error("a target without clients got them")
	}
	c := New(1, ErrorBefore)
	runner, able := Target(innerRunner{}, c).(spec.ClientRunner)
	if !able {
		t.Fatal("the ability is lost")
	}
	if _, err := runner.RunClient(t.Context(), spec.ClientRequest{}); !errors.Is(err, ErrInjected) {
		t.Errorf("not counted: %v", err)
	}
}
