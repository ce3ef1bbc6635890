package spec

import "aicv/metric"

// ClaimForm is the shape of a claim's sentence.
type ClaimForm string

// The forms: SUBJECT within TOLERANCE of REFERENCE; SUBJECT at least|at most SHARE
// of REFERENCE; SUBJECT OP QUANTITY.
const (
	ClaimWithin  ClaimForm = "within"
	ClaimAtLeast ClaimForm = "at_least"
	ClaimAtMost  ClaimForm = "at_most"
	ClaimCompare ClaimForm = "compare"
)

// Claim is one sentence to check, parsed.
type Claim struct {
	Text      string         // the sentence as written, escapes decoded
	Subject   metric.Name    // what is judged
	Form      ClaimForm      //
	Op        string         // of ClaimCompare: < <= > >= ==
	Amount    metric.Decimal // tolerance or share (0.1 for 10%); of ClaimCompare the quantity in the metric's unit
	Reference Reference      // what a relative claim compares with
	Quantile  metric.Decimal // `for 90% of cells`: 0.9; zero: every cell
	Range     Range          `json:"-"` // the sentence in its file
}

// Reference is what a relative claim compares with.
type Reference string

// ReferencePredicted is the only reference of relative claims so far; a baseline
// and other cells are refused by validation until they can be judged.
const ReferencePredicted Reference = "predicted"

// Verdict is the outcome of a claim.
type Verdict string

// The verdicts.
const (
	VerdictPass          Verdict = "pass"
	VerdictFail          Verdict = "fail"
	VerdictInconclusive  Verdict = "inconclusive"
	VerdictNotComparable Verdict = "not_comparable"
	VerdictNoData        Verdict = "no_data"
)

// Rank orders verdicts by precedence: of a claim over many cells the one with the
// highest rank stands (fail, not_comparable, no_data, inconclusive, pass).
func (v Verdict) Rank() int {
	switch v {
	case VerdictFail:
		return 4
	case VerdictNotComparable:
		return 3
	case VerdictNoData:
		return 2
	case VerdictInconclusive:
		return 1
	}
	return 0
}
