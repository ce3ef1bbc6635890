package verify

import "aicv/spec"

// The exit codes that verdicts lead to.
const (
	ExitPass      = 0 // all claims that gate pass
	ExitFailed    = 3 // a claim failed
	ExitUndecided = 4 // a claim is inconclusive, not comparable or without data
)

// Undecided policies of a suite: what `on_undecided` may say.
const warnOnly = "warn"

// ExitCode is what a suite's judgements lead to. Only claims over all cells count
// (Cell empty), and of them only those of asserts with severity error. An undecided
// claim gates unless onUndecided is "warn".
func ExitCode(judgements []spec.Judgement, onUndecided string) int {
	code := ExitPass
	for i := range judgements {
		j := &judgements[i]
		if j.Cell != "" || j.Severity == spec.AssertWarn || j.Severity == spec.AssertInfo {
			continue
		}
		switch {
		case j.Verdict == spec.VerdictFail:
			return ExitFailed
		case j.Verdict != spec.VerdictPass && onUndecided != warnOnly:
			code = ExitUndecided
		}
	}
	return code
}
