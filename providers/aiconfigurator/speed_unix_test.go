//go:build unix

package aiconfigurator

import (
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aicv/spec"
)

// grid has n points of two models in four layouts, at as many loads as it takes.
func grid(n int) []spec.Point {
	list := make([]spec.Point, 0, n)
	for concurrency := 1; len(list) < n; concurrency++ {
		for _, model := range []string{"Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-32B"} {
			for _, tp := range []int{1, 2, 4, 8} {
				list = append(list, realPoint(model, "h200_sxm", "sglang 0.5.14", concurrency, 2048, 512, spec.ItemTensorParallel, tp, spec.ItemMaxBatchTokens, 8192))
			}
		}
	}
	return list[:n]
}

// children is the CPU time of all processes of ours that have ended.
func children(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// One process answers 64 points of two models in at most twice the time of one estimate of
// the command line, and 1,000 in at most five times. Only scripts/acceptance times it.
func TestRealSpeed(t *testing.T) {
	c := realTool(t)
	if os.Getenv("AICV_ACCEPTANCE") == "" {
		t.Skip("set AICV_ACCEPTANCE=1 to time it on a quiet machine")
	}
	p := made(t, c)
	tool, err := p.find()
	if err != nil {
		t.Fatal(err)
	}
	first := p.ask(0, &grid(1)[0])
	median := func(do func()) time.Duration { // CPU time of the processes: a busy machine changes it little
		var all []time.Duration
		for range 3 {
			before := children(t)
			do()
			all = append(all, children(t)-before)
		}
		slices.Sort(all)
		return all[1]
	}
	one := median(func() {
		if out, err := osexec.Command(tool.Command, first.argv("0.5.14")...).CombinedOutput(); err != nil || !strings.Contains(string(out), "Performance Estimate") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	for n, most := range map[int]float64{64: 2, 1000: 5} {
		list, missing := grid(n), 0
		took := median(func() {
			answers, err := p.Predict(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			missing = 0
			for i := range answers {
				if answers[i].Missing != "" {
					missing++
				}
			}
		})
		ratio := took.Seconds() / one.Seconds()
		t.Logf("one estimate of the command line: %.1f CPU s; %d points: %.1f CPU s, %.2fx; %d without an answer", one.Seconds(), n, took.Seconds(), ratio, missing)
		if ratio > most {
			t.Errorf("%d points took %.2f times one estimate, and may take %g", n, ratio, most)
		}
	}
}
