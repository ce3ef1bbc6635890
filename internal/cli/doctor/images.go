package doctor

import (
	"context"

	"aicv/spec"
)

// images asks each target that runs images for those of the runtimes that it is to run.
func images(ctx context.Context, r Request) []Entry {
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	defer stop()
	var entries []Entry
	seen := map[[2]string]bool{}
	for _, e := range r.Suite.Experiments {
		for i := range e.Cells {
			c := &e.Cells[i]
			if c.Target == nil || c.Runtime == nil || seen[[2]string{c.Target.Address(), c.Runtime.Address()}] {
				continue
			}
			seen[[2]string{c.Target.Address(), c.Runtime.Address()}] = true
			if check, ok := image(ctx, r, c); ok {
				entries = append(entries, Entry{c.Runtime.Address(), check})
			}
		}
	}
	return entries
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
