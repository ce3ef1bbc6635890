package autotuner

import (
	"math/big"
	"strings"

	"aicv/metric"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// limit reads one limit of the slo. Beyond fail_ratio over its threshold a hard one fails
// the tool's experiment; here that is a claim that decides.
func (t *task) limit(r *rule, field string, n *tree.Node) {
	name := strings.ReplaceAll(strings.TrimPrefix(field, "slo."), ".", "_")
	m, known := metric.Lookup(metric.Name(name))
	threshold := n.Get("threshold")
	switch {
	case !known:
		t.row(r, field, n, "", spec.FidelityUnsupported, "aicv has no metric "+name)
		return
	case threshold == nil:
		t.row(r, field, n, "", spec.FidelityUnsupported, "it has no threshold")
		return
	}
	seconds, quoted := decimalOf(threshold)
	if seconds == nil || seconds.Sign() <= 0 {
		t.problem(field+".threshold", threshold, "seconds above 0")
		return
	}
	limit := quantity(seconds)
	t.e.Limits = append(t.e.Limits, translate.Limit{Metric: string(m.Name), Quantity: limit})
	t.soft = append(t.soft, string(m.Name)+" <= "+limit)
	why := r.Why
	if hard := n.Get("hard_fail"); hard != nil && hard.Text == "true" {
		ratio, _ := decimalOf(n.Get("fail_ratio"))
		if ratio == nil {
			ratio = big.NewRat(1, 2) // the tool's default
		}
		most := new(big.Rat).Mul(seconds, ratio.Add(ratio, big.NewRat(1, 1)))
		t.hard = append(t.hard, string(m.Name)+" <= "+quantity(most))
		why += "; hard beyond " + quantity(most)
	}
	if quoted {
		why += "; " + flags.Quoted
	}
	t.row(r, field, n, "slo."+string(m.Name), r.Fidelity, why+"; weights have no counterpart")
}

// decimalOf reads an exact decimal, perhaps written as a text; nil where there is none.
func decimalOf(n *tree.Node) (r *big.Rat, quoted bool) {
	if n == nil || n.Kind != tree.Number && n.Kind != tree.String || len(n.Text) > 30 {
		return nil, false
	}
	if f, ok := tree.Num(strings.TrimSpace(n.Text)).Float(); !ok || f-f != 0 || f > 1e9 || f < -1e9 {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(strings.TrimSpace(n.Text))
	if !ok {
		return nil, false
	}
	return r, n.Kind == tree.String
}

// quantity writes seconds as the language has them, to the microsecond.
func quantity(seconds *big.Rat) string {
	unit, value := "s", seconds
	if seconds.Cmp(big.NewRat(1, 1)) < 0 {
		unit, value = "ms", new(big.Rat).Mul(seconds, big.NewRat(1000, 1))
	}
	text := value.FloatString(6)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + unit
}

// claims writes the asserts: what is hard decides, all thresholds are reported.
func (t *task) claims() {
	if len(t.hard) > 0 {
		t.e.Asserts = append(t.e.Asserts, translate.Assert{Name: "hard_limits", Severity: spec.AssertError, Expect: t.hard})
	}
	if len(t.soft) > 0 {
		t.e.Asserts = append(t.e.Asserts, translate.Assert{Name: "slo", Severity: spec.AssertWarn, Expect: t.soft})
	}
}
