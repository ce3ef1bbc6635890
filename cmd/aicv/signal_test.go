package main

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// slowSuite has runs of some seconds, so that a signal arrives inside one.
const slowSuite = `
model "llama" { id = "meta-llama/Llama-3.1-8B-Instruct" }
runtime "sim" "engine" {}
workload "chat" {
  input_tokens  = 64
  output_tokens = 32
  requests      = 60
  warmup        = 4
}
experiment "e" {
  matrix { concurrency = [4] }
  repeats {
    min = 2
    max = 2
  }
  assert "a" { expect = ["error_rate == 0"] }
}
`

// TestInterrupt sends real signals to an apply in the middle of a run.
func TestInterrupt(t *testing.T) {
	// A child inherits signals that are ignored, as under nohup, but not handlers.
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(received) })
	for _, c := range []struct {
		name    string
		signals []os.Signal
		message string
		within  time.Duration
	}{
		{"once: to a safe point", []os.Signal{os.Interrupt}, "finishing at a safe point", 30 * time.Second},
		{"twice: tear down at once", []os.Signal{os.Interrupt, os.Interrupt}, "Tearing down at once", 15 * time.Second},
		{"SIGTERM: tear down at once", []os.Signal{syscall.SIGTERM}, "Tearing down at once", 15 * time.Second},
		{"SIGHUP: a terminal that is closed", []os.Signal{syscall.SIGHUP}, "Tearing down at once", 15 * time.Second},
		{"three times: leave", []os.Signal{os.Interrupt, os.Interrupt, os.Interrupt}, "", 15 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := startApply(t)
			p.awaitRun()
			started := time.Now()
			for i, s := range c.signals {
				p.signal(s)
				if i+1 < len(c.signals) {
					p.awaitAnswer(i) // signals of one kind that come at once are merged
				}
			}
			if code := p.wait(); code != 130 {
				t.Errorf("exit code %d, want 130\n%s", code, p.output.String())
			}
			if took := time.Since(started); took > c.within {
				t.Errorf("took %s", took)
			}
			if !strings.Contains(p.output.String(), c.message) {
				t.Errorf("no %q in\n%s", c.message, p.output.String())
			}
			p.settle(len(c.signals) == 3)
		})
	}
}

type applyProcess struct {
	t       *testing.T
	dir     string
	command *exec.Cmd
	output  output
}

// output is what a process has said so far.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}

func startApply(t *testing.T) *applyProcess {
	t.Helper()
	p := &applyProcess{t: t, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(p.dir, "suite.hcl"), []byte(slowSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	p.command = p.aicv("apply", p.dir, "--events", filepath.Join(p.dir, "events"))
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *applyProcess) aicv(args ...string) *exec.Cmd {
	command := exec.Command("aicv", args...)
	command.Env = append(os.Environ(), "WORK="+p.dir)
	return command
}

// awaitRun waits until a run is under way.
func (p *applyProcess) awaitRun() {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		events, _ := os.ReadFile(filepath.Join(p.dir, "events"))
		for line := range strings.Lines(string(events)) {
			if strings.Contains(line, `"node_started"`) && strings.Contains(line, `"kind":"run"`) {
				return
			}
		}
	}
	_ = p.command.Process.Kill()
	p.t.Fatalf("no run was started\n%s", p.output.String())
}

// awaitAnswer waits until the process has said what it makes of its i-th interrupt.
func (p *applyProcess) awaitAnswer(i int) {
	answer := []string{"finishing at a safe point", "Tearing down at once"}[i]
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if strings.Contains(p.output.String(), answer) {
			return
		}
	}
}

func (p *applyProcess) signal(s os.Signal) {
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Logf("signal %s: %v", s, err) // it ended already
	}
}

func (p *applyProcess) wait() int {
	_ = p.command.Wait()
	return p.command.ProcessState.ExitCode()
}

// settle checks that nothing is left, if need be after destroy, and that the apply
// resumes to its end with as many runs as were planned.
func (p *applyProcess) settle(left bool) {
	p.t.Helper()
	if left {
		if out, err := p.aicv("destroy", p.dir).CombinedOutput(); err != nil {
			p.t.Errorf("destroy: %v\n%s", err, out)
		}
	}
	if servers := serversUnder(p.dir); len(servers) > 0 {
		p.t.Errorf("servers left: %s", strings.Join(servers, ", "))
	}
	if out, err := p.aicv("apply", p.dir).CombinedOutput(); err != nil {
		p.t.Errorf("resume: %v\n%s", err, out)
	}
	c := &crashCase{t: p.t, dir: p.dir}
	if runs := strings.Count(c.summary(), "#"); runs != 2 {
		p.t.Errorf("%d runs, want 2\n%s", runs, c.summary())
	}
}
