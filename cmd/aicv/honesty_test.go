package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"aicv/spec"
)

// TestSelfCheckTableIsCurrent fails when the table of docs/honesty.md and the checks that
// are in force drift apart; AICV_UPDATE=1 rewrites it.
func TestSelfCheckTableIsCurrent(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "honesty.md"))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(page), "| check | threshold of a guard |")
	_, tail, ends := strings.Cut(rest, "\n\n")
	if !begins || !ends {
		t.Fatal("docs/honesty.md has no table of the checks")
	}
	checkPage(t, "honesty.md", []byte(head+checkTable()+"\n"+tail))
}

func checkTable() string {
	var b strings.Builder
	b.WriteString("| check | threshold of a guard | usual limit | beyond it | usual cause | what to do |\n|---|---|---|---|---|---|\n")
	for _, c := range spec.SelfChecks() {
		limit, beyond := limitOf(&c)
		fmt.Fprintf(&b, "| `%s`: %s | `%s` | %s | %s | %s | %s |\n", c.Name, c.Reason, c.Threshold, limit, beyond, c.Cause, c.Fix)
	}
	return b.String()
}

// limitOf is a check's usual limit, and what is beyond it.
func limitOf(c *spec.SelfCheck) (limit, beyond string) {
	limit, beyond = strconv.FormatFloat(c.Limit, 'f', -1, 64), "warning"
	switch c.Kind {
	case spec.ThresholdShare:
		limit = strconv.FormatFloat(c.Limit*100, 'f', -1, 64) + " %"
	case spec.ThresholdLeast:
		limit = "at least " + limit + " x concurrency"
	case spec.ThresholdRequirement:
		limit = "not required"
	}
	switch {
	case c.Severity == spec.FindingSpoils:
		beyond = "not comparable"
	case c.Spoils > 0:
		beyond += fmt.Sprintf("; beyond %g %% not comparable", c.Spoils*100)
	}
	return limit, beyond
}

// shown says where a real cause makes a check speak, and where it stays silent on a
// healthy run: a script, or a test function of a package.
type shown struct{ triggers, silent string }

const (
	loadgenCauses  = "providers/loadgen/selfcheck_test.go TestSelfChecksByRealCauses"
	loadgenHealthy = "providers/loadgen/selfcheck_test.go TestFalseAlarms"
	loadgenStarved = "providers/loadgen/selfcheck_test.go TestStarvedClient"
	loadgenHeld    = "providers/loadgen/selfcheck_test.go TestHeldOpenStreams"
	shortWindows   = "providers/vllmbench/vllmbench_test.go TestShortWindow"
	selfChecks     = "cmd/aicv/testdata/script/self-checks.txtar"
	gpuChecks      = "cmd/aicv/testdata/script/gpu-checks.txtar"
	perToken       = "cmd/aicv/testdata/script/time-per-token.txtar"
	likeWithLike   = "cmd/aicv/testdata/script/like-with-like.txtar"
	approximate    = "cmd/aicv/testdata/script/approximate.txtar"
)

func selfCheckTests() map[string]shown {
	return map[string]shown{
		"few_requests":         {selfChecks, selfChecks},
		"short_window":         {shortWindows, shortWindows},
		"short_warmup":         {selfChecks, selfChecks},
		"warmup_errors":        {loadgenCauses, selfChecks},
		"achieved_concurrency": {loadgenHeld, loadgenHeld},
		"littles_law":          {loadgenHeld, loadgenHeld},
		"drift":                {loadgenCauses, loadgenHealthy},
		"start_burst":          {loadgenCauses, loadgenCauses}, // its row "healthy as a whole"
		"input_length":         {loadgenCauses, selfChecks},
		"output_length":        {selfChecks, selfChecks},
		"latency_identity":     {perToken, perToken},
		"prefix_cache_hits":    {selfChecks, selfChecks},
		"preemptions":          {selfChecks, selfChecks},
		"kv_cache_fit":         {selfChecks, selfChecks},
		"saturation":           {loadgenCauses, loadgenHealthy},
		"client_lag":           {loadgenStarved, loadgenHealthy},
		"client_cpu":           {loadgenStarved, loadgenHealthy},
		"gpu_throttling":       {gpuChecks, gpuChecks},
		"foreign_processes":    {gpuChecks, gpuChecks},
		"version_skew":         {approximate, approximate},
		"config_unknown":       {likeWithLike, selfChecks},
		"config_approximate":   {approximate, approximate},
	}
}

// TestEverySelfCheckIsShown: no check without a test in which it speaks and one in which
// it does not.
func TestEverySelfCheckIsShown(t *testing.T) {
	tests := selfCheckTests()
	for _, c := range spec.SelfChecks() {
		at, listed := tests[c.Name]
		if !listed {
			t.Errorf("%s: no test is listed for it", c.Name)
			continue
		}
		delete(tests, c.Name)
		if !speaksIn(t, at.triggers, c.Name) {
			t.Errorf("%s: %s does not make it speak", c.Name, at.triggers)
		}
		if !silentIn(t, at.silent, c.Name) {
			t.Errorf("%s: %s does not look that it is silent", c.Name, at.silent)
		}
		if c.Cause == "" || c.Fix == "" {
			t.Errorf("%s: no cause, or nothing to do about it", c.Name)
		}
	}
	for name := range tests {
		t.Errorf("%s is no check", name)
	}
}

// speaksIn reports whether a script expects a check's finding, or a test function names it.
func speaksIn(t *testing.T, where, check string) bool {
	text := testText(t, where)
	if strings.HasSuffix(where, ".txtar") {
		return regexp.MustCompile(`(?m)^stdout .*\b` + strings.ReplaceAll(check, "_", " ") + `\b`).MatchString(text)
	}
	return strings.Contains(text, strconv.Quote(check))
}

// silentIn is speaksIn for what must not come; the two tests of loadgen hold healthy runs to
// no finding at all.
func silentIn(t *testing.T, where, check string) bool {
	if where == loadgenHealthy || where == loadgenCauses {
		return testText(t, where) != ""
	}
	text := testText(t, where)
	if strings.HasSuffix(where, ".txtar") {
		return regexp.MustCompile(`(?m)^! stdout .*\b` + strings.ReplaceAll(check, "_", " ") + `\b`).MatchString(text)
	}
	return strings.Contains(text, strconv.Quote(check))
}

// testText is a script, or the body of a test function: "" where there is none.
func testText(t *testing.T, where string) string {
	t.Helper()
	file, function, in := strings.Cut(where, " ")
	data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !in {
		return string(data)
	}
	_, body, _ := strings.Cut(string(data), "\nfunc "+function+"(")
	body, _, _ = strings.Cut(body, "\n}\n")
	return body
}
