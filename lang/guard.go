package lang

import (
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// declareGuard takes a guard of the whole suite.
func (l *loader) declareGuard(b *block) {
	if first := sameLabels(l.guardBlocks, b); first != nil {
		l.duplicate(b.nameAt, first.nameAt, "A second guard "+quoted(b.name()), "Each name may stand once in a suite, over all its files.")
		return
	}
	l.guardBlocks = append(l.guardBlocks, b)
}

// readGuards takes the suite's guards, then the experiment's own, which prevail, and the
// items that it accepts.
func (e *experiment) readGuards() {
	if e.l.suiteGuards == nil {
		e.l.suiteGuards, e.l.guardsGood = e.l.guards(e.l.guardBlocks)
	}
	own, ok := e.l.guards(e.b.nested[schema.Guard])
	e.out.Guards = append(slices.Clip(e.l.suiteGuards), own...)
	e.ok = e.ok && ok && e.l.guardsGood
	attr := e.b.attrs[schema.Accept]
	if attr == nil {
		return
	}
	_, v, ok := e.l.attribute(e.b.typ.rows[schema.Accept], attr, false)
	e.ok = e.ok && ok
	for _, item := range v.Items() {
		e.out.Accept = append(e.out.Accept, item.Text())
	}
	slices.Sort(e.out.Accept)
	e.out.Accept = slices.Compact(e.out.Accept)
}

// guards evaluates guard blocks. The list is never nil.
func (l *loader) guards(blocks []*block) ([]spec.Guard, bool) {
	guards, ok := []spec.Guard{}, true
	for _, b := range blocks {
		d, good := l.attributes(b, false)
		ok = ok && good
		if !good {
			continue
		}
		g := spec.Guard{Name: b.name(), Severity: spec.FindingSeverity(d.attrs.Text("severity")), Range: b.nameAt}
		if g.Thresholds, good = l.thresholds(b, d.attrs); !good {
			ok = false
			continue
		}
		if len(g.Thresholds) == 0 {
			l.fail(b.nameAt, "Guard "+quoted(b.name())+" guards nothing", "It sets no threshold. Set one, such as prefix_cache_hits_max = \"1%\", or remove the block.")
			ok = false
			continue
		}
		guards = append(guards, g)
	}
	return guards, ok
}

// thresholds reads what a guard sets, sorted by name. Of a requirement, 1 stands for true.
func (l *loader) thresholds(b *block, attrs spec.Attrs) ([]spec.Threshold, bool) {
	var list []spec.Threshold
	for _, row := range spec.GuardThresholds() {
		if !attrs.Has(row.Name) {
			continue
		}
		t := spec.Threshold{Name: row.Name}
		if row.Type == spec.TypeBool {
			if attrs.Bool(row.Name) {
				t.Limit = metric.DecimalFromInt(1)
			}
			list = append(list, t)
			continue
		}
		var err error
		if t.Limit, err = attrs[row.Name].Decimal(); err != nil {
			l.wrongValue(row.Name, l.at(b.attrs[row.Name].Expr), &mismatch{expected: "a number with at most 18 digits"})
			return nil, false
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(x, y spec.Threshold) int { return strings.Compare(x.Name, y.Name) })
	return list, true
}
