package verify

import (
	"math/big"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// aggregate joins a claim's judgements over all cells into one.
func (j *Judge) aggregate(r *rule, cells []spec.Judgement) spec.Judgement {
	counts := make(map[spec.Verdict]int)
	for i := range cells {
		counts[cells[i].Verdict]++
	}
	var o outcome
	if r.claim.Quantile.Sign() > 0 {
		o = overShare(r.claim.Quantile, counts, len(cells))
	} else {
		o = overAll(counts, len(cells))
	}
	judgement := j.judgement(r, o)
	judgement.Counts, judgement.Marks = counts, marksOf(cells)
	return judgement
}

// precedence lists the verdicts as they outweigh one another over many cells.
func precedence() []spec.Verdict {
	return []spec.Verdict{spec.VerdictFail, spec.VerdictNotComparable, spec.VerdictNoData, spec.VerdictInconclusive, spec.VerdictPass}
}

// overAll wants every cell to pass; the gravest verdict stands.
func overAll(counts map[spec.Verdict]int, cells int) outcome {
	for _, v := range precedence() {
		if counts[v] > 0 {
			return outcome{verdict: v, reason: summary(counts, cells)}
		}
	}
	return outcome{verdict: spec.VerdictNoData, reason: "the experiment has no cells"}
}

// overShare wants a share of all declared cells to pass. It fails only when the
// share is out of reach even if every undecided cell passed.
func overShare(share metric.Decimal, counts map[spec.Verdict]int, cells int) outcome {
	if cells == 0 {
		return overAll(counts, cells)
	}
	need := cellsNeeded(share, cells)
	o := outcome{reason: summary(counts, cells) + "; asked for " +
		string(metric.AppendPercent(nil, share.Float64())) + ", that is " + metric.Count(need, "cell")}
	switch passed := counts[spec.VerdictPass]; {
	case passed >= need:
		o.verdict = spec.VerdictPass
	case cells-counts[spec.VerdictFail] < need:
		o.verdict = spec.VerdictFail
	default:
		o.verdict = gravestUndecided(counts)
	}
	return o
}

// cellsNeeded is the smallest number of cells that makes up the share.
func cellsNeeded(share metric.Decimal, cells int) int {
	product := new(big.Rat).Mul(share.Rat(), big.NewRat(int64(cells), 1))
	whole, rest := new(big.Int).QuoRem(product.Num(), product.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		return int(whole.Int64()) + 1
	}
	return int(whole.Int64())
}

func gravestUndecided(counts map[spec.Verdict]int) spec.Verdict {
	for _, v := range precedence()[1:] {
		if counts[v] > 0 && v != spec.VerdictPass {
			return v
		}
	}
	return spec.VerdictInconclusive
}

// summary writes "9 of 12 cells pass, 1 fails, 2 are inconclusive".
func summary(counts map[spec.Verdict]int, cells int) string {
	passed := counts[spec.VerdictPass]
	var b strings.Builder
	b.WriteString(metric.Whole(passed))
	b.WriteString(" of ")
	b.WriteString(metric.Count(cells, "cell"))
	b.WriteString(inNumber(passed, " passes", " pass"))
	for _, v := range precedence()[:4] {
		n := counts[v]
		if n == 0 {
			continue
		}
		b.WriteString(", ")
		b.WriteString(metric.Whole(n))
		b.WriteString(phrase(v, n))
	}
	return b.String()
}

// phrase says what n cells did, for each verdict but pass.
func phrase(v spec.Verdict, n int) string {
	switch v {
	case spec.VerdictFail:
		return inNumber(n, " fails", " fail")
	case spec.VerdictNotComparable:
		return inNumber(n, " is not comparable", " are not comparable")
	case spec.VerdictNoData:
		return inNumber(n, " has no data", " have no data")
	}
	return inNumber(n, " is inconclusive", " are inconclusive")
}

func inNumber(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// marksOf joins the marks of all cells, in order of appearance.
func marksOf(cells []spec.Judgement) []string {
	var marks []string
	for i := range cells {
		for _, mark := range cells[i].Marks {
			if !slices.Contains(marks, mark) {
				marks = append(marks, mark)
			}
		}
	}
	return marks
}
