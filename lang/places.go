package lang

import (
	"aicv/lang/schema"
	"aicv/spec"
)

// placesOf says where the loads of a workload are declared, in this experiment: its axes
// prevail over the workload's own attributes.
func (e *experiment) placesOf(workload *node) *spec.Places {
	if p, known := e.places[workload]; known {
		return p
	}
	p := &spec.Places{Whole: e.b.nameAt, Items: map[string]spec.Range{}}
	if workload != nil && workload.block != nil {
		p.Whole = workload.at
		for name, attr := range workload.block.attrs {
			p.Items[name] = e.l.at(attr.Expr)
		}
	}
	for _, a := range e.axes {
		if a.kind == axisWorkload {
			p.Items[a.name] = a.at
		}
	}
	spreadTraffic(p)
	if e.places == nil {
		e.places = map[*node]*spec.Places{}
	}
	e.places[workload] = p
	return p
}

// spreadTraffic finds the lengths where one attribute gives all of them.
func spreadTraffic(p *spec.Places) {
	at, there := p.Items[schema.ItemTraffic]
	if !there {
		return
	}
	for _, name := range []string{schema.ItemInputTokens, schema.ItemOutputTokens, schema.ItemInputLengths, schema.ItemOutputLengths} {
		if _, own := p.Items[name]; !own {
			p.Items[name] = at
		}
	}
}
