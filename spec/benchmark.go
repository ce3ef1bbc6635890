package spec

import (
	"context"
	"time"
)

// Benchmark drives a server at one load point.
type Benchmark interface {
	// Budget estimates how long one run takes when a request takes latency.
	Budget(request RunRequest, latency time.Duration) time.Duration
	// Run executes one run. Failed requests are rows, not errors; an error means that
	// nothing was measured.
	Run(ctx context.Context, request RunRequest, emit Emit) (RunResult, error)
}

// RunRequest is one run's order.
type RunRequest struct {
	Server   Server
	Model    Model // as the suite declares it
	GPUs     int   // of the deployment, all replicas; 0: unknown, per-GPU metrics are left out
	Load     Load
	Sampling Sampling // every field resolved, the seed varied per run
	SLO      SLO      // for goodput; empty: none
	// RunClient runs the benchmark's client where its declaration names an image; nil in a
	// request that is only estimated, and where there is no image.
	RunClient RunClient
}

// LoadChecker is an optional ability of a benchmark: it says of a load, before anything is
// deployed, whether it can drive it as the suite means it. A plan asks for every load that
// it would measure, validate for all of a suite. It may read files that the load names; it
// starts no tool and asks no server. The error's Attribute names the item of the workload
// that is in the way.
type LoadChecker interface {
	CheckLoad(load Load) error
}

// Recording is an offline benchmark: measurements that somebody took before.
type Recording interface {
	// Lookup finds each point's runs, in order; a point without data has none.
	Lookup(ctx context.Context, points []Point) ([]Recorded, error)
	// Points lists every point of the data, for points_from.
	Points(ctx context.Context) ([]Row, error)
	// Notes lists what was merged or set aside when the data was read.
	Notes(ctx context.Context) ([]Finding, error)
}

// Recorded is what a recording holds for one point.
type Recorded struct {
	Runs    []RunResult
	Missing string // why there is nothing; empty where there is
}
