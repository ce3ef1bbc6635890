package verify

import (
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
	"aicv/verify/checks"
)

// The marks that warn on a verdict. Findings of severity warn add their own names.
const (
	MarkOneRun  = "n=1"               // a point verdict, by one run alone
	MarkEdited  = "edited after data" // the claim's rule changed once there was data
	MarkDerived = "derived"           // a value was computed from others, not measured or predicted
	MarkWindow  = "window="           // followed by the kind: predictions are of a steady state, this window was not
	MarkLost    = "lost requests"     // some requests failed, and the metric is of the others
	MarkCount   = "requests unknown"  // a percentile of recorded data that does not say its requests
	MarkAccept  = "accepted"          // what was measured differs from what was predicted, and the suite accepts it
)

// marks lists what a reader of the verdict must know, in a fixed order.
func (j *Judge) marks(r *rule, v *view, o *outcome) []string {
	var marks []string
	if o.point {
		marks = append(marks, MarkOneRun)
	}
	if j.edited(r, v.in) {
		marks = append(marks, MarkEdited)
	}
	if o.evidence == nil {
		return marks
	}
	if derived(r, v) {
		marks = append(marks, MarkDerived)
	}
	if relative(r.claim) && windowed(r.metric) && v.window != spec.WindowSteady {
		marks = append(marks, MarkWindow+string(v.window))
	}
	if v.lost && ofRequests(r.metric) {
		marks = append(marks, MarkLost)
	}
	if r.metric.Percentile > 0 && v.runs[0].Result.Requests == 0 {
		marks = append(marks, MarkCount)
	}
	return appendWarnings(marks, r, v)
}

// edited reports that the claim was judged by another rule once there was data. A
// past rule that another present claim still has is no edit of this one.
func (j *Judge) edited(r *rule, in *CellInput) bool {
	for _, past := range in.Past {
		if past.Subject == r.past.Subject && past.Rules.Form == r.past.Rules.Form && past != r.past && !j.present(past, in) {
			return true
		}
	}
	return false
}

func (j *Judge) present(past spec.PastRule, in *CellInput) bool {
	for i := range j.rules {
		if j.rules[i].past == past {
			return true
		}
	}
	return slices.Contains(in.Others, past)
}

func derived(r *rule, v *view) bool {
	if relative(r.claim) && slices.Contains(v.in.Prediction.Derived, r.claim.Subject) {
		return true
	}
	for i := range v.runs {
		if slices.Contains(v.runs[i].Result.Derived, r.claim.Subject) {
			return true
		}
	}
	return false
}

// appendWarnings adds the names of the warnings that concern the metric.
func appendWarnings(marks []string, r *rule, v *view) []string {
	if relative(r.claim) {
		marks = appendChecks(marks, v.in.Prediction.Findings, r.metric, spec.FindingWarn)
		marks = appendChecks(marks, v.likeness.Findings, r.metric, spec.FindingWarn)
		if v.likeness.Accepted {
			marks = append(marks, MarkAccept)
		}
	} else {
		marks = appendUnlikeAsked(marks, v.likeness.Findings)
	}
	for i := range v.runs {
		marks = appendChecks(marks, v.findings[i], r.metric, spec.FindingWarn)
	}
	return marks
}

// appendUnlikeAsked marks a claim that no prediction takes part in: it stands for what
// runs, which is not what the suite asked for.
func appendUnlikeAsked(marks []string, findings []spec.Finding) []string {
	for i := range findings {
		f := &findings[i]
		if f.Severity == spec.FindingNote || f.Check != checks.NotAsAsked && f.Check != checks.Unsupported {
			continue
		}
		if mark := strings.ReplaceAll(f.Check, "_", " "); !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return marks
}

func appendChecks(marks []string, findings []spec.Finding, m metric.Metric, severity spec.FindingSeverity) []string {
	for i := range findings {
		f := &findings[i]
		if f.Severity != severity || !concerns(f, m) {
			continue
		}
		if mark := strings.ReplaceAll(f.Check, "_", " "); !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return marks
}
