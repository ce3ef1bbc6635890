package spec

import (
	"context"
	"time"
)

// Target is where servers run.
type Target interface {
	// Inventory looks at the host: GPUs, driver, name.
	Inventory(ctx context.Context) (Inventory, error)
	// Start brings a server up, or returns the one that already runs under the key.
	// It returns once the server was started, not once it is ready.
	Start(ctx context.Context, request StartRequest) (Server, error)
	// Find lists the servers of a suite that run or left something behind. An empty
	// key means all.
	Find(ctx context.Context, suite, key string) ([]Server, error)
	// Status says whether the server still runs, and if not how it ended.
	Status(ctx context.Context, server Server) (ServerStatus, error)
	// Log returns the last bytes of the server's log.
	Log(ctx context.Context, server Server, bytes int) (string, error)
	// Stop ends the server with everything that it started, and removes what the
	// target keeps of it. Stopping what is gone is no error.
	Stop(ctx context.Context, server Server, grace time.Duration) error
	// Managed is false where somebody else runs the servers (endpoint): one
	// deployment, never started or stopped by us.
	Managed() bool
}

// StartRequest asks a target for a server.
type StartRequest struct {
	Suite    string // suite identity, kept as a label
	Key      string // idempotency key
	Spec     ServerSpec
	Digest   string             // content that the image must have, as Server.Image says it; empty: any
	Hardware *Hardware          // declared for the server: its GPUs must be of that system; nil: not declared
	Tell     func(phase string) // hears what takes long, such as the pull of an image; nil: nobody does
}

// GPUSampler is an optional ability of a target: it looks at the GPUs of a running
// server. It is asked every few seconds during a run; of a server without GPUs there are
// no samples.
type GPUSampler interface {
	SampleGPUs(ctx context.Context, server Server) ([]GPUSample, error)
}

// GPUSample is one look at one GPU.
type GPUSample struct {
	Index      int
	UUID       string
	SMClockMHz float64  // 0: not reported
	PowerW     float64  // 0: not reported
	MemoryMiB  int      // in use; 0: not reported
	Slowdowns  []string // heat or power that holds its clocks down now
	Foreign    []string // processes on it that are none of the server's
}

// Lister is an optional ability of a target: it lists what any aicv left on it.
type Lister interface {
	// List finds the servers of all suites, running or not.
	List(ctx context.Context) ([]Owned, error)
}

// Owned is a server with who started it.
type Owned struct {
	Server  Server `json:"server"`
	Running bool   `json:"running"`
	Owner   Owner  `json:"owner"`
}

// Owner says which aicv started a server, as far as the server's labels tell.
type Owner struct {
	Host string `json:"host,omitempty"` // where that aicv ran
	User string `json:"user,omitempty"`
	Work string `json:"work,omitempty"` // the folder beside its state
}

// Inventory is what a target's host has.
type Inventory struct {
	Host   string `json:"host"`
	OS     string `json:"os"`
	CPUs   int    `json:"cpus"`
	GPUs   []GPU  `json:"gpus,omitempty"`
	Driver string `json:"driver,omitempty"` // of the GPUs; where it can not be read, why
	CUDA   string `json:"cuda,omitempty"`   // newest CUDA version that the driver supports: an engine built for a newer one does not start
}

// GPU is one device. What can change its speed from one day to the next is part of it,
// so that a measurement says under which limits it was taken.
type GPU struct {
	Index             int     `json:"index"`
	UUID              string  `json:"uuid"`
	Name              string  `json:"name"`                           // as the driver reports it
	MemoryMiB         int     `json:"memory_mib"`                     // in total; 0: not reported
	PowerLimitW       float64 `json:"power_limit_w,omitempty"`        // that is enforced; 0: not reported
	MaxSMClockMHz     int     `json:"max_sm_clock_mhz,omitempty"`     // 0: not reported
	MaxMemoryClockMHz int     `json:"max_memory_clock_mhz,omitempty"` // 0: not reported
	ECC               string  `json:"ecc,omitempty"`                  // "enabled" or "disabled"; empty: not reported
	MIG               bool    `json:"mig,omitempty"`                  // split into MIG instances: it can not be used whole
}
