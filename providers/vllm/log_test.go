package vllm

import (
	"regexp"
	"strings"
	"testing"
)

// TestPhasesOfARealLog: a real server's log passes through the phases in their order.
func TestPhasesOfARealLog(t *testing.T) {
	log := string(recorded(t, "serve.log"))
	at, seen := -1, []string{}
	for line := range strings.Lines(log) {
		for i, p := range phases() {
			if i > at && regexp.MustCompile(p.Pattern).MatchString(line) {
				at, seen = i, append(seen, p.Name)
				break
			}
		}
	}
	want := "starting processes, loading weights, compiling, allocating the KV cache, opening the API, ready"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("phases %s, want %s", got, want)
	}
}

// TestProgressOfPhases: the counts of progress bars are read.
func TestProgressOfPhases(t *testing.T) {
	for line, want := range map[string]string{
		"Loading safetensors checkpoint shards:  38% Completed | 3/8 [00:02<00:03,  1.5it/s]":                    "loading weights 3/8",
		"Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  40%|####      | 14/35 [00:01<00:02, 9.1it/s]": "capturing graphs 14/35",
	} {
		got := ""
		for _, p := range phases() {
			pattern := regexp.MustCompile(p.Pattern)
			if m := pattern.FindStringSubmatch(line); m != nil && pattern.SubexpIndex("done") > 0 {
				got = p.Name + " " + m[pattern.SubexpIndex("done")] + "/" + m[pattern.SubexpIndex("total")]
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
