package plan

import (
	"context"
	"fmt"

	"aicv/catalog/fit"
	"aicv/catalog/models"
	"aicv/engine"
	"aicv/spec"
)

// fit looks whether what would be deployed fits on its GPUs. A cell that does not is not
// deployed, unless its experiment says so: the engine would refuse it after minutes of
// loading, or could not run the load as it was predicted. What was measured already fits.
func (b *builder) fit(context.Context) error {
	f := &fitter{b: b, servers: map[spec.ID]*fit.Server{}, models: map[*spec.Model]described{}}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		if b.offline(i) || !works(c) {
			continue
		}
		server, err := f.server(i)
		if err != nil {
			return err
		}
		if server == nil {
			continue
		}
		r := server.At(c.Cell.Load)
		c.Fit = &r
		if r.Verdict == fit.DoesNotFit && !b.experiment(c).source.DeployUnfit && !b.past(c).Measured() {
			c.Action, c.Why, c.RunsMin, c.RunsMax = engine.ActionRefused, "it does not fit on the GPUs", 0, 0
		}
	}
	return nil
}

// serverOf identifies the deployment that a cell needs.
func (b *builder) serverOf(i int) spec.ID {
	if b.servers == nil {
		b.servers = make([]spec.ID, len(b.plan.Cells))
	}
	if b.servers[i] == "" {
		b.servers[i] = b.ids.Deployment(&b.plan.Cells[i].Cell)
	}
	return b.servers[i]
}

// fitter looks into each deployment once.
type fitter struct {
	b       *builder
	servers map[spec.ID]*fit.Server // nil: nothing is deployed on GPUs
	models  map[*spec.Model]described
}

// described is what is known of a model, or why nothing is.
type described struct {
	models.Description
	unknown string
}

func (f *fitter) server(i int) (*fit.Server, error) {
	id := f.b.serverOf(i)
	server, known := f.servers[id]
	if known {
		return server, nil
	}
	c := &f.b.plan.Cells[i].Cell
	uses, err := f.b.usesGPUs(c)
	if err != nil {
		return nil, err
	}
	if uses {
		model := f.describe(c.Model)
		server = fit.Inspect(fit.Question{Model: model.Description, ModelUnknown: model.unknown, Hardware: c.Hardware,
			Runtime: c.Runtime.Kind, Config: c.Config, Assumed: f.b.plan.Cells[i].Assumed})
	}
	f.servers[id] = server
	return server, nil
}

// usesGPUs reports whether a cell's server is ours to start and takes GPUs. A server
// that can not be rendered is reported where deployments are placed.
func (b *builder) usesGPUs(c *spec.Cell) (bool, error) {
	target, err := b.makers.target(c.Target)
	if err != nil || !target.Managed() {
		return false, err
	}
	runtime, err := b.makers.runtime(c.Runtime)
	if err != nil {
		return false, err
	}
	server, _, err := runtime.Render(requestOf(c).One())
	return err == nil && server.GPUs > 0, nil
}

func (f *fitter) describe(m *spec.Model) described {
	d, known := f.models[m]
	if known {
		return d
	}
	found, known, err := models.Describe(*m)
	switch {
	case err != nil:
		d.unknown = fmt.Sprintf("the checkpoint of model.%s can not be read: %v", m.Name, err)
	case !known:
		d.unknown = fmt.Sprintf("the table of models has no %q, and model.%s has no path to a checkpoint", m.ID, m.Name)
	default:
		d.Description = found
	}
	f.models[m] = d
	return d
}
