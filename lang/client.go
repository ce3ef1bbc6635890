package lang

import "aicv/spec"

// clientProblem is a benchmark in an image on a target that runs none.
func (l *loader) clientProblem(c *spec.Cell) *cellFault {
	if spec.ClientImageOf(c.Benchmark) == "" || c.Target == nil || l.offline(c.Benchmark) || l.canRunClients(c.Target) {
		return nil
	}
	unfit := spec.ClientImageUnfit(c)
	return &cellFault{"No target for the benchmark's image", unfit.Summary, upperFirst(unfit.Fix) + "."}
}

// offline reports whether a benchmark is recorded: nothing runs then.
func (l *loader) offline(c *spec.Component) bool {
	return l.providers[string(c.Role)+"."+c.Kind].New.Recording != nil
}

// canRunClients has a target made, once, to see whether it runs benchmarks' clients. Its
// declaration was found good before.
func (l *loader) canRunClients(c *spec.Component) bool {
	able, known := l.runsClients[c]
	if construct := l.providers[string(c.Role)+"."+c.Kind].New.Target; construct != nil && !known {
		made, err := construct(c, l.env())
		_, able = made.(spec.ClientRunner)
		l.runsClients[c] = able && err == nil
	}
	return able
}
