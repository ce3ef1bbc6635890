//go:build unix

package loadgen

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"aicv/metric"
	"aicv/providers/sim"
	"aicv/spec"
)

// serveVariable makes the test binary a simulator; it holds the arguments.
const serveVariable = "AICV_TEST_SERVE_SIM"

func serveSim() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := sim.Registration().Serve(ctx, strings.Split(os.Getenv(serveVariable), "\n"), os.Stdout, os.Stderr); err != nil {
		os.Exit(1)
	}
}

// cpuTime is what this process has used, user and system.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// freeAddress finds a loopback port that is free at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// startProcess runs a simulator in a process of its own and waits until it is ready.
func startProcess(t *testing.T, log string, args ...string) string {
	t.Helper()
	url, _ := startCounted(t, log, args...)
	return url
}

// startCounted also gives the process, whose use of CPU is known once the test has ended.
func startCounted(t *testing.T, log string, args ...string) (string, *exec.Cmd) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	command := exec.Command(self)
	command.Env = append(os.Environ(), serveVariable+"="+strings.Join(append([]string{"--listen", address, "--model", "m", "--request-log", log}, args...), "\n"))
	command.Stdout, command.Stderr = io.Discard, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 200 {
		if response, err := client.Get("http://" + address + "/health"); err == nil {
			_ = response.Body.Close()
			return "http://" + address, command
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the simulator does not get ready")
	return "", nil
}

// TestAcceptanceRealTime compares the load generator with the simulator's own
// timestamps over loopback TCP in real time, and prints what the client costs. It
// runs for about two minutes, and only when AICV_ACCEPTANCE is set, because a busy
// machine can break it.
func TestAcceptanceRealTime(t *testing.T) {
	if os.Getenv("AICV_ACCEPTANCE") == "" {
		t.Skip("set AICV_ACCEPTANCE=1 to compare loadgen with sim in real time (scripts/acceptance does)")
	}
	fmt.Printf("loadgen against sim in real time, 200 input and 64 output tokens, %d CPUs\n", runtime.NumCPU())
	fmt.Printf("%11s %18s %12s %12s %11s\n", "concurrency", "metric", "client", "sim", "difference")
	for _, c := range []int{1, 8, 64, 256} {
		acceptanceAt(t, c)
	}
}

// TestAcceptanceFalseAlarms takes 200 healthy runs over loopback TCP in real time, about
// six minutes, and prints which self-checks speak. TestFalseAlarms is the same in virtual
// time, where a client is never late.
func TestAcceptanceFalseAlarms(t *testing.T) {
	if os.Getenv("AICV_ACCEPTANCE") == "" {
		t.Skip("set AICV_ACCEPTANCE=1 to look for false alarms in real time (scripts/acceptance does)")
	}
	url := startProcess(t, filepath.Join(t.TempDir(), "requests.jsonl"), "--noise-step", "0.05", "--seed", "1")
	made, err := newBenchmark(&spec.Component{}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	const runs = 200
	alarms, doubtful := map[string]int{}, 0
	for seed := range runs {
		order := healthyRequest(seed)
		order.Server.URL = url
		if order.Load.RequestRate.Sign() > 0 {
			order.Sampling.Requests, order.Sampling.Warmup = 40, 16
		}
		result, err := made.Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		found := selfChecked(order, result)
		if len(found) > 0 {
			doubtful++
		}
		for _, f := range found {
			alarms[f.Check]++
			t.Logf("seed %d: %s: %s", seed, f.Check, f.Message)
		}
	}
	fmt.Printf("%d of %d healthy runs in real time have findings: %v\n", doubtful, runs, alarms)
	if doubtful > runs/100 {
		t.Errorf("%d of %d healthy runs have findings", doubtful, runs)
	}
}

func acceptanceAt(t *testing.T, c int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "requests.jsonl")
	url := startProcess(t, log)
	made, err := newBenchmark(&spec.Component{}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	order := request(c, 200, 64)
	order.Server.URL = url
	cpu, began := cpuTime(t), time.Now()
	result, err := made.Run(t.Context(), order, nil)
	if err != nil {
		t.Fatal(err)
	}
	cpu, elapsed := cpuTime(t)-cpu, time.Since(began)
	time.Sleep(500 * time.Millisecond) // requests that were cut off are logged
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want := truthOf(t, result, readRecords(t, text))
	for _, name := range []metric.Name{metric.TTFT, metric.TPOT, metric.Latency, metric.TotalThroughput} {
		got, _ := result.Values.Get(name)
		difference := got/want[name] - 1
		fmt.Printf("%11d %18s %12.4f %12.4f %+9.3f %%\n", c, name, got, want[name], 100*difference)
		limit := 0.01
		if name == metric.TTFT {
			limit = 0.05 // the client's holds the way to the server and back, the simulator's does not
		}
		if math.Abs(difference) > limit {
			t.Errorf("concurrency %d: %s is %v, the simulator's log says %v", c, name, got, want[name])
		}
	}
	fmt.Printf("%11d %18s %10.2f s  of %.1f s\n", c, "client CPU", cpu.Seconds(), elapsed.Seconds())
	for _, f := range result.Findings {
		fmt.Printf("%11d finding %s: %s\n", c, f.Check, f.Message)
	}
}
