package docker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"aicv/kit/gpu"
	"aicv/spec"
)

// SampleGPUs looks at the GPUs that a container was given. Those of a daemon on another
// host can not be looked at from here.
func (t *target) SampleGPUs(ctx context.Context, server spec.Server) ([]spec.GPUSample, error) {
	d, err := t.reach(ctx)
	if err != nil {
		return nil, err
	}
	if !t.at.local() {
		return nil, errors.ErrUnsupported
	}
	f, err := d.inspect(ctx, server.ID)
	if errors.Is(err, errNoContainer) || err == nil && (!f.running() || f.labels[labelGPUs] == "") {
		return nil, nil
	}
	if err != nil {
		return nil, t.explain(ctx, "look at "+server.Key, err)
	}
	own, err := d.processes(ctx, f.id)
	if err != nil {
		own = nil // clocks and heat are told all the same, and nobody counts as foreign
	}
	return gpu.Sample(ctx, t.run, strings.Split(f.labels[labelGPUs], ","), func(pid int) bool { return slices.Contains(own, pid) })
}
