package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aicv/spec"
)

// playChild is the other process of the tests below: "hold" takes the lock and
// waits, "commit" commits steps and reports each one once its commit is acknowledged.
func playChild(part, path string) int {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{Command: "aicv apply --child"})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	switch part {
	case "hold":
		fmt.Println("held")
		time.Sleep(time.Minute)
	case "commit":
		return commitSteps(s)
	}
	return 0
}

func commitSteps(s *Store) int {
	ctx := context.Background()
	if err := s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p", Started: time.Now()}); err != nil {
		fmt.Println("error", err)
		return 1
	}
	runs, err := s.Runs(ctx, []spec.ID{"m"})
	for n := len(runs["m"]) + 1; err == nil; n++ {
		var step int64
		if step, err = s.Begin(ctx, spec.Step{Apply: "a", Node: n, Kind: "run", Started: time.Now()}); err != nil {
			break
		}
		fmt.Println("begun", step)
		run := sampleRun("m", n)
		run.Result.Rows = make([]spec.RequestRow, 50)
		if _, err = s.End(ctx, step, spec.Outcome{Status: spec.StepDone, Run: run}); err == nil {
			fmt.Println("run", n)
		}
	}
	fmt.Println("error", err)
	return 1
}

// child starts the test binary in a part. The process is killed at the test's end.
func child(t *testing.T, part, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0], path)
	c.Env = append(os.Environ(), childVariable+"="+part)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c, bufio.NewScanner(out)
}

// kill ends a process as SIGKILL does, and waits until the kernel has freed its locks.
func kill(t *testing.T, c *exec.Cmd) {
	t.Helper()
	must(t, c.Process.Kill())
	if err := c.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c, lines := child(t, "hold", path)
	if !lines.Scan() || lines.Text() != "held" {
		t.Fatal(lines.Text())
	}
	_, err := Open(context.Background(), path, Options{})
	wantFault(t, err, FaultLocked, spec.ErrUsage, strconv.Itoa(c.Process.Pid), "aicv apply --child", path)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != c.Process.Pid || locked.Holder.Host == "" || time.Since(locked.Holder.Since) > time.Minute {
		t.Errorf("holder: %+v", locked)
	}
	if h, held := LockedBy(path); !held || h.PID != c.Process.Pid {
		t.Errorf("locked by %+v, %v", h, held)
	}
	r := got[*Reader](t)(OpenReader(context.Background(), path)) // reading goes on
	if got[string](t)(r.Identity(context.Background())) == "" {
		t.Error("no identity")
	}
	must(t, r.Close())

	kill(t, c)
	if h, held := LockedBy(path); held {
		t.Errorf("a dead process holds the lock: %+v", h)
	}
	s := mustOpen(t, path)
	_, err = Open(context.Background(), path, Options{}) // within one process too
	wantFault(t, err, FaultLocked, spec.ErrUsage, strconv.Itoa(os.Getpid()))
	must(t, s.Close())
	must(t, mustOpen(t, path).Close())
	if _, held := LockedBy(filepath.Join(t.TempDir(), "none")); held {
		t.Error("a state that does not exist is locked")
	}
}

// The process is killed while it commits, again and again: nothing that was
// acknowledged is lost, nothing is there twice, and the file is sound.
func TestKilledWhileCommitting(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged, steps := 0, map[string]bool{}
	for round := range 20 {
		c, lines := child(t, "commit", path)
		for seen := 0; seen <= 3*round && lines.Scan(); seen++ {
			word, number, _ := strings.Cut(lines.Text(), " ")
			switch word {
			case "begun":
				steps[number] = true
			case "run":
				acknowledged = got[int](t)(strconv.Atoi(number))
			default:
				t.Fatal(lines.Text())
			}
		}
		kill(t, c)
		acknowledged = max(acknowledged, lastAcknowledged(lines))
		s := mustOpen(t, path)
		if problems := got[[]string](t)(s.Check(ctx)); len(problems) > 0 {
			t.Fatalf("round %d: %q", round, problems)
		}
		runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"}))["m"]
		if len(runs) < acknowledged || len(runs) > acknowledged+1 {
			t.Fatalf("round %d: %d runs, %d acknowledged", round, len(runs), acknowledged)
		}
		for i, run := range runs {
			if run.Index != i+1 {
				t.Fatalf("round %d: run %d has index %d", round, i, run.Index)
			}
		}
		stored := got[[]spec.StepRecord](t)(s.Steps(ctx, "a"))
		if len(stored) < len(steps) {
			t.Fatalf("round %d: %d steps of %d", round, len(stored), len(steps))
		}
		must(t, s.Close())
	}
	if acknowledged < 20 {
		t.Errorf("only %d runs in all: the test kills too early to show anything", acknowledged)
	}
}

// A crash while a state is made leaves a part of it beside its place. The next process
// makes it anew, and nothing of the first try stays.
func TestCreationCutOff(t *testing.T) {
	ctx := context.Background()
	whole := got[[]byte](t)(os.ReadFile(closedState(t)))
	for _, size := range []int{0, 1, 100, 4096, 6000, len(whole)} {
		path := filepath.Join(t.TempDir(), "state.db")
		for _, suffix := range []string{newSuffix, newSuffix + journalSuffix} {
			must(t, os.WriteFile(path+suffix, whole[:size], 0o644))
		}
		r := got[*Reader](t)(OpenReader(ctx, path)) // there is no state yet
		if got[string](t)(r.Identity(ctx)) != "" {
			t.Errorf("%d bytes beside its place are read as a state", size)
		}
		must(t, r.Close())
		s := mustOpen(t, path)
		runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"}))
		if problems := got[[]string](t)(s.Check(ctx)); len(runs) > 0 || len(problems) > 0 {
			t.Errorf("after %d bytes: %v, %q", size, runs, problems)
		}
		must(t, s.Close())
		if left := got[[]string](t)(filepath.Glob(path + newSuffix + "*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// lastAcknowledged reads what the killed process had still written.
func lastAcknowledged(lines *bufio.Scanner) int {
	last := 0
	for lines.Scan() {
		if number, ok := strings.CutPrefix(lines.Text(), "run "); ok {
			last, _ = strconv.Atoi(number)
		}
	}
	return last
}
