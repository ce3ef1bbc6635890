package verify

import (
	"fmt"
	"slices"

	"aicv/metric"
	"aicv/spec"
	"aicv/verify/checks"
)

// selfChecks are the checks under the experiment's guards. They are made when first
// needed: most judges only look whether there is anything to judge.
func (j *Judge) selfChecks() *checks.Rules {
	if j.checks == nil {
		j.checks = checks.NewRules(j.experiment.Guards)
	}
	return j.checks
}

// examine puts runs through the self-checks, and compares them with the prediction.
func (j *Judge) examine(in *CellInput, runs []spec.Run) ([][]spec.Finding, checks.Likeness) {
	findings := make([][]spec.Finding, len(runs))
	for i := range runs {
		findings[i] = j.OfRun(in, &runs[i])
	}
	return findings, j.likeness(in, runs)
}

// OfRun lists a run's findings: the benchmark's own, and those of the self-checks under
// the experiment's guards as they stand.
func (j *Judge) OfRun(in *CellInput, run *spec.Run) []spec.Finding {
	own := run.Result.Findings
	more := j.selfChecks().Run(checks.Input{Run: &run.Result, Load: in.Load, Prediction: in.Prediction, Duration: in.Duration})
	if len(more) == 0 {
		return own
	}
	return append(own[:len(own):len(own)], more...)
}

func (j *Judge) likeness(in *CellInput, runs []spec.Run) checks.Likeness {
	pair := checks.Pair{Config: in.Config, Load: in.Load, Version: in.Version, Accept: j.experiment.Accept, Runs: runs}
	if in.Prediction != nil && in.Prediction.Missing == "" {
		pair.Prediction = in.Prediction
	}
	return j.selfChecks().Likeness(pair)
}

// Examination is everything that makes a cell's numbers doubtful.
type Examination struct {
	Findings []spec.Finding    // of its prediction, of each run in turn, and of how they compare
	Compared []spec.Comparison // every configuration item that the suite or the prediction names
}

// Examine looks at all runs of a cell, whether or not a look was completed.
func (j *Judge) Examine(in CellInput) Examination {
	var e Examination
	if in.Prediction != nil {
		e.Findings = append(e.Findings, in.Prediction.Findings...)
	}
	ofRuns, likeness := j.examine(&in, in.Runs)
	e.Findings, e.Compared = append(e.Findings, likeness.Findings...), likeness.Compared
	e.Findings = append(e.Findings, overRuns(ofRuns)...)
	return e
}

// recurring is a finding that several runs may have, each with figures of its own.
type recurring struct {
	first spec.Finding
	runs  int
	alike bool // all say the same
}

// overRuns lists each finding once, as the first run has it, and says how many runs have
// its like.
func overRuns(ofRuns [][]spec.Finding) []spec.Finding {
	type kind struct {
		check    string
		severity spec.FindingSeverity
		ordinal  int // among its like in one run
	}
	var list []recurring
	if !slices.ContainsFunc(ofRuns, func(findings []spec.Finding) bool { return len(findings) > 0 }) {
		return nil
	}
	at := map[kind]int{}
	for _, findings := range ofRuns {
		seen := map[kind]int{}
		for _, f := range findings {
			k := kind{check: f.Check, severity: f.Severity}
			seen[k]++
			k.ordinal = seen[k]
			i, known := at[k]
			if !known {
				i, at[k] = len(list), len(list)
				list = append(list, recurring{first: f, alike: true})
			}
			list[i].runs++
			list[i].alike = list[i].alike && list[i].first.Message == f.Message
		}
	}
	out := make([]spec.Finding, len(list))
	for i, r := range list {
		out[i] = r.first
		if r.runs < len(ofRuns) || !r.alike {
			out[i].Message += fmt.Sprintf("; so in %d of %s", r.runs, metric.Count(len(ofRuns), "run"))
		}
	}
	return out
}
