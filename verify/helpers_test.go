package verify

import (
	"aicv/metric"
	"aicv/spec"
)

// experiment has one assert of severity error with the claims.
func experiment(repeats spec.Repeats, claims ...spec.Claim) *spec.Experiment {
	return &spec.Experiment{Name: "e", Repeats: repeats,
		Asserts: []spec.Assert{{Name: "a", Severity: spec.AssertError, Claims: claims}}}
}

func repeated(least, most int) spec.Repeats { return spec.Repeats{Min: least, Max: most, Starts: 1} }

func within(subject metric.Name, tolerance string) spec.Claim {
	return relativeClaim(subject, spec.ClaimWithin, tolerance)
}

func relativeClaim(subject metric.Name, form spec.ClaimForm, amount string) spec.Claim {
	return spec.Claim{Text: string(subject) + " " + string(form) + " " + amount, Subject: subject, Form: form,
		Amount: metric.MustDecimal(amount), Reference: spec.ReferencePredicted}
}

func compareClaim(subject metric.Name, op, amount string) spec.Claim {
	return spec.Claim{Text: string(subject) + " " + op + " " + amount, Subject: subject, Form: spec.ClaimCompare,
		Op: op, Amount: metric.MustDecimal(amount)}
}

// ofRuns makes runs of one start with one metric.
func ofRuns(name metric.Name, values ...float64) []spec.Run {
	runs := make([]spec.Run, len(values))
	for i, v := range values {
		runs[i] = spec.Run{Index: i + 1, Start: 1, Result: spec.RunResult{
			Values: metric.Values{{Metric: name, Value: v}}, Window: spec.WindowSteady, Requests: 400}}
	}
	return runs
}

// inStarts assigns the runs' starts.
func inStarts(runs []spec.Run, starts ...int64) []spec.Run {
	for i := range runs {
		runs[i].Start = starts[i]
	}
	return runs
}

func predicts(name metric.Name, v float64) *spec.Prediction {
	return &spec.Prediction{Values: metric.Values{{Metric: name, Value: v}}}
}

// measured is a cell with a prediction and runs.
func measured(name metric.Name, predicted float64, values ...float64) CellInput {
	return CellInput{Address: "c", Measurement: "m", Prediction: predicts(name, predicted), Runs: ofRuns(name, values...), GPUsKnown: true}
}

// judgeFirst judges the first claim of the experiment on one cell.
func judgeFirst(e *spec.Experiment, in CellInput) spec.Judgement {
	return judgeCell(e, 0, in)
}

// judgeCell judges a claim of the experiment's first assert on one cell.
func judgeCell(e *spec.Experiment, claim int, in CellInput) spec.Judgement {
	j := NewJudge(e)
	r := j.rule(&e.Asserts[0], &e.Asserts[0].Claims[claim])
	return j.cell(&r, j.viewOf(&in))
}

func decided(e *spec.Experiment, in CellInput) bool { return NewJudge(e).Decided(in) }
