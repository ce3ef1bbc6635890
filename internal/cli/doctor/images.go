package doctor

import (
	"context"

	"aicv/spec"
)

// images asks each target that runs images for those of the runtimes that it is to run,
// and of the benchmarks whose client it is to run.
func images(ctx context.Context, r Request) []Entry {
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	defer stop()
	var entries []Entry
	seen := map[[2]string]bool{}
	add := func(target, of *spec.Component, look func() (spec.Check, bool)) {
		pair := [2]string{target.Address(), of.Address()}
		if seen[pair] {
			return
		}
		seen[pair] = true
		if check, ok := look(); ok {
			entries = append(entries, Entry{of.Address(), check})
		}
	}
	for _, e := range r.Suite.Experiments {
		for i := range e.Cells {
			c := &e.Cells[i]
			if c.Target == nil || c.Runtime == nil {
				continue
			}
			add(c.Target, c.Runtime, func() (spec.Check, bool) { return image(ctx, r, c) })
			if ref := spec.ClientImageOf(c.Benchmark); ref != "" {
				add(c.Target, c.Benchmark, func() (spec.Check, bool) { return clientImage(ctx, r, c.Target, ref) })
			}
		}
	}
	return entries
}

// clientImage is false where the target runs no images: validate says so.
func clientImage(ctx context.Context, r Request, c *spec.Component, reference string) (spec.Check, bool) {
	target, err := r.Registry.Target(c)
	checker, ok := target.(spec.ImageChecker)
	if err != nil || !ok {
		return spec.Check{}, false
	}
	return checker.CheckImage(ctx, &spec.ServerSpec{Image: reference, Contained: true}, r.Pinned[reference]), true
}

// image is false where the target runs none, and where the runtime refuses the cell: the
// plan says so.
func image(ctx context.Context, r Request, c *spec.Cell) (spec.Check, bool) {
	target, err := r.Registry.Target(c.Target)
	checker, ok := target.(spec.ImageChecker)
	if err != nil || !ok {
		return spec.Check{}, false
	}
	runtime, err := r.Registry.Runtime(c.Runtime)
	if err != nil {
		return spec.Check{}, false
	}
	server, _, err := runtime.Render(spec.RenderRequest{Model: *c.Model, Hardware: c.Hardware, Config: c.Config}.One())
	if err != nil {
		return spec.Check{}, false
	}
	return checker.CheckImage(ctx, &server, r.Pinned[server.Image]), true
}
