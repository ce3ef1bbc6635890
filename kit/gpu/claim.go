package gpu

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/kit/lock"
	"aicv/spec"
)

// Claim is what a server wants of the GPUs of this host.
type Claim struct {
	Count int // GPUs
	// Fit chooses those that the server may run on, or says why there are too few.
	Fit     func(there spec.Inventory) ([]spec.GPU, error)
	Visible *string           // list that this process was restricted to (CUDA_VISIBLE_DEVICES); nil: it may see all
	Taken   map[string]string // who has a GPU whose lock does not say so, by UUID
	For     lock.Holder
}

// Claim looks at the host's GPUs and reserves some of those that fit and that this process
// may see. The error names what is there, or who has them.
func (p Pool) Claim(ctx context.Context, c Claim) (*Reservation, error) {
	host, err := Read(ctx, p.Run)
	if err != nil {
		return nil, interrupted(ctx)
	}
	there := spec.Inventory{GPUs: host.GPUs(), Driver: host.Driver, CUDA: host.CUDA}
	if why := host.Failure(); why != "" {
		there.Driver = why
	}
	fit, err := c.Fit(there)
	if err != nil {
		return nil, err
	}
	if c.Visible != nil {
		fit = among(fit, Visible(there.GPUs, *c.Visible))
		if len(fit) < c.Count {
			return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("the server needs %d GPUs, and CUDA_VISIBLE_DEVICES=%s leaves %d that fit", c.Count, *c.Visible, len(fit)),
				Fix: "let aicv see more of them: unset it, or name their UUIDs"}
		}
	}
	free := slices.DeleteFunc(slices.Clone(fit), func(g spec.GPU) bool { return c.Taken[g.UUID] != "" })
	if len(free) < c.Count {
		return nil, taken(c, fit, free)
	}
	return p.Reserve(ctx, Want{Count: c.Count, From: free, For: c.For})
}

// among keeps the GPUs that the others are too, in the order of those.
func among(gpus, others []spec.GPU) []spec.GPU {
	return slices.DeleteFunc(slices.Clone(others), func(o spec.GPU) bool {
		return !slices.ContainsFunc(gpus, func(g spec.GPU) bool { return g.UUID == o.UUID })
	})
}

func taken(c Claim, fit, free []spec.GPU) error {
	var who []string
	for _, g := range fit {
		if by := c.Taken[g.UUID]; by != "" {
			who = append(who, fmt.Sprintf("GPU %d: %s", g.Index, by))
		}
	}
	summary := fmt.Sprintf("the server needs %d GPUs, and %d of %d are free", c.Count, len(free), len(fit))
	if len(who) > 0 {
		summary += " (" + strings.Join(who, "; ") + ")"
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Fix: "end what uses them or wait for it, or ask for fewer GPUs"}
}
