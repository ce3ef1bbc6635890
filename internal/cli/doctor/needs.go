package doctor

import (
	"fmt"

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

// undeployed are the runtimes and targets that recorded data alone name: what they need
// is not needed here.
func undeployed(r Request) map[*spec.Component]bool {
	idle := map[*spec.Component]bool{}
	for _, recorded := range []bool{true, false} {
		cells(r.Suite, func(e *spec.Experiment, c *spec.Cell) {
			if offline(r, e, c) == recorded {
				idle[c.Runtime], idle[c.Target] = recorded, recorded
			}
		})
	}
	return idle
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
