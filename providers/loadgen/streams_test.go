//go:build unix

package loadgen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// streams runs c streams of 20 tokens/s each, n times c of them measured, and gives what
// came of it with the client's CPU seconds and the tokens that it read.
func streams(t *testing.T, c, n int) (result spec.RunResult, cpu float64, tokens int) {
	t.Helper()
	var server *exec.Cmd
	t.Cleanup(func() { // after the simulator's own, which waits for its end
		if server != nil && server.ProcessState != nil {
			used := (server.ProcessState.UserTime() + server.ProcessState.SystemTime()).Seconds()
			fmt.Printf("%5d streams: sim took %.1f CPU s, the client %.1f\n", c, used, cpu)
		}
	})
	url, started := startCounted(t, filepath.Join(t.TempDir(), "log"), "--cost-base", "50ms", "--cost-weights", "0", "--cost-prefill-token", "0", "--cost-decode-request", "0", "--cost-kv-token", "0",
		"--max-batch-size", "10000", "--max-batch-tokens", "1000000", "--kv-cache-tokens", "10000000")
	server = started
	made, err := newBenchmark(&spec.Component{}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	order := request(c, 16, 60)
	order.Server.URL = url
	order.Sampling.Requests, order.Sampling.Warmup = n*c, c
	before := cpuTime(t)
	result, err = made.Run(t.Context(), order, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range result.Rows {
		tokens += result.Rows[i].OutputTokens
	}
	cpu = (cpuTime(t) - before).Seconds()
	return result, cpu, tokens
}

// TestAcceptanceStreams says how many streams of 20 tokens/s the client keeps up with,
// and what a token costs it. Server and client share the machine.
func TestAcceptanceStreams(t *testing.T) {
	if os.Getenv("AICV_ACCEPTANCE") == "" {
		t.Skip("set AICV_ACCEPTANCE=1 to load sim with thousands of streams (scripts/acceptance does)")
	}
	fmt.Printf("streams of 20 tokens/s on %d CPUs, shared with sim\n", runtime.NumCPU())
	for _, c := range []int{256, 1024, 4096} {
		t.Run(strconv.Itoa(c), func(t *testing.T) {
			result, cpu, tokens := streams(t, c, 1)
			tpot, _ := result.Values.Get(metric.TPOT)
			use := result.Seen.Client
			fmt.Printf("%5d streams: tpot %.2f ms (50 sent), %d failed, late by %.2f ms on average and %.0f ms at most, CPU %.1f s (%.0f %% of all), %.3f CPU s per 1,000 tokens, pauses %.1f ms\n",
				c, tpot, result.Failed, use.LagMean, use.LagMax, cpu, 100*use.CPUShare, 1000*cpu/float64(tokens), use.GCPause)
		})
	}
	t.Run("slope", func(t *testing.T) {
		_, first, some := streams(t, 64, 2)
		_, second, more := streams(t, 64, 8)
		fmt.Printf("slope at 64 streams: %.3f CPU s per 1,000 tokens\n", 1000*(second-first)/float64(more-some))
	})
}
