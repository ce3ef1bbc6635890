package exec

import (
	"context"
	"errors"
	"slices"
	"sync"

	"aicv/spec"
)

// sampler looks at a server's GPUs while a run goes on.
type sampler struct {
	target spec.GPUSampler
	server spec.Server
	uses   []spec.GPUUse // in order of appearance
	err    error         // why it could not look
}

// sample begins to look, where the server has GPUs and the target can. It ends with
// ctx; what it saw is there once done was waited for.
func (x *executor) sample(ctx context.Context, g *group, done *sync.WaitGroup) *sampler {
	s := &sampler{server: g.up.server}
	looks, ok := g.target.Target.(spec.GPUSampler)
	if ok && g.spec.GPUs > 0 {
		s.target = looks
		done.Go(func() { s.watch(ctx) })
	}
	return s
}

func (s *sampler) watch(ctx context.Context) {
	every(ctx, sampleEvery, func() bool { return s.look(ctx) })
}

// look takes one sample. A target that can not look once is not asked again: its tool
// takes time that the run needs.
func (s *sampler) look(ctx context.Context) bool {
	samples, err := ask(ctx, func(ctx context.Context) ([]spec.GPUSample, error) { return s.target.SampleGPUs(ctx, s.server) })
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, errors.ErrUnsupported) {
			s.err = err
		}
		return false
	}
	for i := range samples {
		s.add(&samples[i])
	}
	return len(samples) > 0
}

func (s *sampler) add(sample *spec.GPUSample) {
	at := slices.IndexFunc(s.uses, func(u spec.GPUUse) bool { return u.UUID == sample.UUID })
	if at < 0 {
		at = len(s.uses)
		s.uses = append(s.uses, spec.GPUUse{Index: sample.Index, UUID: sample.UUID})
	}
	u := &s.uses[at]
	held := 0.0
	if len(sample.Slowdowns) > 0 {
		held = 1
	}
	n := float64(u.Samples)
	u.SMClockMHz = (u.SMClockMHz*n + sample.SMClockMHz) / (n + 1)
	u.PowerW = (u.PowerW*n + sample.PowerW) / (n + 1)
	u.Throttled = (u.Throttled*n + held) / (n + 1)
	u.MemoryMiB = max(u.MemoryMiB, sample.MemoryMiB)
	u.Samples++
	u.Reasons, u.Foreign = addNew(u.Reasons, sample.Slowdowns), addNew(u.Foreign, sample.Foreign)
}

func addNew(list, more []string) []string {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}
