package lang

import (
	"strings"
	"testing"
	"time"

	"aicv/spec"
)

// Functions that multiply refuse to give what no memory holds.
func TestFunctionsAreBounded(t *testing.T) {
	for expression, want := range map[string]string{
		`setproduct(range(0, 1000), range(0, 1000), range(0, 1000))`:              "more than 1,000,000 elements",
		`format("%999999999s", "x")`:                                              "three digits",
		`format("%.99999f", 1)`:                                                   "three digits",
		`formatlist("%-99999s", ["x"])`:                                           "three digits",
		`join(join("", [for i in range(0, 1000): "0123456789"]), range(0, 1000))`: "",
		`join(join("", [for i in range(0, 1000): "01234567890123456789"]), [for i in range(0, 1000): "x"])`: "more than 16 MiB",
	} {
		loaded, diags := loadFiles(t, map[string]string{"suite.hcl": head + oneWorkload + "locals { x = " + expression + " }\nexperiment \"e\" {}\n"})
		if want == "" {
			continue
		}
		if got := render(loaded, diags); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", expression, want, got)
		}
	}
	for expression, want := range map[string]string{
		`join(",", [for p in setproduct(["a", "b"], ["c"]): join("-", p)])`: "a-c,b-c",
		`format("%05.1f|%-6s|%s", 1.25, "x", "100000")`:                     "001.2|x     |100000",
		`join(",", formatlist("%s-%d", ["a", "b"], [1, 2]))`:                "a-1,b-2",
	} {
		suite := mustLoad(t, head+oneWorkload+"suite { name = "+expression+" }\nexperiment \"e\" {}\n")
		if suite.Name != want {
			t.Errorf("%s: %q, want %q", expression, suite.Name, want)
		}
	}
}

// A suite that asks for more than the bounds is an error with the place where it is at.
func TestEvaluationIsBounded(t *testing.T) {
	dir := write(t, map[string]string{"suite.hcl": head + oneWorkload + `
locals {
  x = [for a in range(0, 150) : [for b in range(0, 150) : length([for c in range(0, 100) : c])]]
}
experiment "e" {}
`})
	for name, b := range map[string]bounds{"memory": {time: time.Hour, heap: 1 << 10}, "time": {time: time.Millisecond, heap: 1 << 60}} {
		var loaded *Loaded
		var diags spec.Diagnostics
		for range 20 { // a busy machine may not have begun to evaluate when the bounds are looked at
			loaded, diags = newLoader(Options{Dir: dir, Registrations: testRegistrations()}).bounded(b)
			if len(diags) != 1 || diags[0].Subject.File != "" {
				break
			}
		}
		if loaded.Suite != nil || len(diags) != 1 || diags[0].Summary != "The suite is too large to evaluate" || diags[0].Subject.File != "suite.hcl" {
			t.Errorf("%s: %+v", name, diags)
		}
	}
}
