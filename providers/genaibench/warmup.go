package genaibench

import (
	"context"
	"math/rand/v2"

	"aicv/kit/benchtool"
	"aicv/spec"
)

// warmUp sends the warm-up, with prompts of their own each time.
func (b *benchmark) warmUp(ctx context.Context, o *order, s spec.Sampling, emit spec.Emit) (*benchtool.Warmed, error) {
	w := &benchtool.Warmup{URL: o.URL, Key: o.Key, Model: o.model, Concurrency: o.load.Concurrency, Load: o.load, Requests: s.Warmup, Least: s.WarmupTime, Seed: uint64(s.Seed) ^ rand.Uint64()}
	return w.Run(ctx, emit)
}
