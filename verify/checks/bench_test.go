package checks

import (
	"testing"

	"aicv/spec"
)

// BenchmarkLikeness compares a cell of ten items over ten runs that report them all.
func BenchmarkLikeness(b *testing.B) {
	p := pair(8192, 8192)
	for _, row := range spec.ConfigurationItems()[:10] {
		for _, c := range []*spec.Configuration{&p.Config, &p.Prediction.Modelled, &p.Runs[0].Result.Seen.Server.Effective} {
			*c = c.With(row.Name, spec.IntValue(8))
		}
	}
	for range 9 {
		copied := *p.Runs[0].Result.Seen.Server
		p.Runs = append(p.Runs, spec.Run{Result: spec.RunResult{Seen: &spec.Observation{Server: &copied}}})
	}
	rules := NewRules(nil)
	b.ReportAllocs()
	for b.Loop() {
		if l := rules.Likeness(p); len(l.Findings) > 0 {
			b.Fatal(l.Findings)
		}
	}
}

// BenchmarkRun makes all checks of one healthy run.
func BenchmarkRun(b *testing.B) {
	run, prediction := healthy()
	rules := NewRules(nil)
	b.ReportAllocs()
	for b.Loop() {
		if found := rules.Run(Input{Run: run, Load: load(), Prediction: prediction}); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
