package doctor

import (
	"fmt"
	"maps"

	"aicv/metric"
	"aicv/spec"
)

// cells visits each cell that the suite writes down, and of experiments whose rows come
// from elsewhere what their rows share.
func cells(suite *spec.Suite, visit func(*spec.Experiment, *spec.Cell)) {
	for i := range suite.Experiments {
		e := suite.Experiments[i]
		for k := range e.Cells {
			visit(e, &e.Cells[k])
		}
		if len(e.Cells) == 0 {
			visit(e, &e.Base)
		}
	}
}

// offline reports whether a cell is of recorded data: nothing is deployed for it.
func offline(r Request, e *spec.Experiment, c *spec.Cell) bool {
	return e.PointsFrom != nil || c.Benchmark != nil && r.Registry.Offline(c.Benchmark)
}

// undeployed says why nothing of a component is deployed, so that what it would need is not
// needed here: a runtime or target that recorded data alone name, and a runtime whose
// servers all run elsewhere.
func undeployed(r Request) map[*spec.Component]string {
	why := map[*spec.Component]string{}
	used := map[*spec.Component]bool{}
	elsewhere := elsewhere(r)
	cells(r.Suite, func(e *spec.Experiment, c *spec.Cell) {
		switch {
		case offline(r, e, c):
			why[c.Runtime], why[c.Target] = "only recorded data name it: nothing is deployed", "only recorded data name it: nothing is deployed"
		case elsewhere[c.Target]:
			why[c.Runtime], used[c.Target] = "its servers run elsewhere: nothing is deployed", true
		default:
			used[c.Runtime], used[c.Target] = true, true
		}
	})
	maps.DeleteFunc(why, func(c *spec.Component, _ string) bool { return used[c] })
	return why
}

// elsewhere are the targets of cells whose servers somebody else runs; each target is made once.
func elsewhere(r Request) map[*spec.Component]bool {
	found := map[*spec.Component]bool{nil: false}
	cells(r.Suite, func(_ *spec.Experiment, c *spec.Cell) {
		if _, known := found[c.Target]; known {
			return
		}
		target, err := r.Registry.Target(c.Target)
		found[c.Target] = err == nil && !target.Managed()
	})
	return found
}

// requireGPUs fails a target whose check found no GPU where the suite's servers need some.
func requireGPUs(r Request, entries []Entry) []Entry {
	need := map[string]int{} // by target, of its largest server
	cells(r.Suite, func(e *spec.Experiment, c *spec.Cell) {
		if c.Model == nil || c.Runtime == nil || c.Target == nil || offline(r, e, c) {
			return
		}
		runtime, err := r.Registry.Runtime(c.Runtime)
		if err != nil {
			return // its own check says it
		}
		server, _, err := runtime.Render(spec.RenderRequest{Model: *c.Model, Hardware: c.Hardware, Config: c.Config}.One())
		if err == nil {
			need[c.Target.Address()] = max(need[c.Target.Address()], server.GPUs)
		}
	})
	for i := range entries {
		e := &entries[i]
		if n := need[e.What]; e.Name == spec.CheckGPUs && e.Status == spec.CheckSkip && n > 0 {
			e.Status = spec.CheckFail
			e.Found = fmt.Sprintf("no GPU was found, and the suite's largest server needs %s", metric.Count(n, "GPU"))
			e.Fix = "run it on a host that has them, or check the driver with nvidia-smi"
		}
	}
	return entries
}
