// Package gpu reads what GPUs a host has from the tools of their drivers, and reserves
// GPUs for servers. It knows what the tools print, not which system a GPU belongs to;
// catalog/hardware does.
package gpu

import (
	"encoding/json"

	"aicv/spec"
)

// Host is what the drivers' tools say of a host. A part that could not be read is empty,
// and Tools or Problems say why.
type Host struct {
	Driver   string    `json:"driver,omitempty"` // version of the GPUs' driver
	CUDA     string    `json:"cuda,omitempty"`   // newest CUDA version that the driver supports
	Devices  []Device  `json:"gpus"`             // sorted by maker and index
	Links    Links     `json:"links,omitempty"`  // empty: not known
	Tools    []Tool    `json:"tools"`            // which tools were asked
	Problems []Problem `json:"problems,omitempty"`
}

// Tool is one driver's tool and how it did.
type Tool struct {
	Name   string     `json:"name"`
	Status ToolStatus `json:"status"`
	Detail string     `json:"detail,omitempty"` // of a failure: what it said
}

// ToolStatus is how a tool did.
type ToolStatus string

// The states of a tool.
const (
	ToolOK     ToolStatus = "ok"
	ToolAbsent ToolStatus = "absent" // not installed
	ToolFailed ToolStatus = "failed" // installed, and it does not answer
)

// Problem is something that could not be read while the rest could.
type Problem struct {
	What   string `json:"what"`   // "MIG instances", "GPU 3"
	Detail string `json:"detail"` // what the tool said
}

// Device is one GPU.
type Device struct {
	spec.GPU
	Maker         string    `json:"maker"`
	BusID         string    `json:"bus_id,omitempty"`             // PCI address
	ComputeCap    string    `json:"compute_capability,omitempty"` // CUDA's version of the GPU, "9.0"
	Broken        string    `json:"broken,omitempty"`             // the driver can not use it, and says so
	MemoryUsedMiB Reading   `json:"memory_used_mib"`
	PowerW        Reading   `json:"power_w"`
	SMClockMHz    Reading   `json:"sm_clock_mhz"`
	MemClockMHz   Reading   `json:"memory_clock_mhz"`
	TemperatureC  Reading   `json:"temperature_c"`
	Utilization   Reading   `json:"utilization_percent"`
	Slowdowns     []string  `json:"slowdowns,omitempty"` // why its clocks are lowered now, in the driver's words
	Slices        []Slice   `json:"mig_instances,omitempty"`
	Processes     []Process `json:"processes,omitempty"` // that compute on it
}

// The makers of GPUs.
const (
	MakerNVIDIA = "NVIDIA"
	MakerAMD    = "AMD"
)

// Slice is one MIG instance of a GPU.
type Slice struct {
	Profile   string `json:"profile,omitempty"` // "1g.10gb"
	UUID      string `json:"uuid,omitempty"`
	MemoryMiB int    `json:"memory_mib"` // 0: not reported
}

// Process is one process that computes on a GPU.
type Process struct {
	GPU       string  `json:"-"` // UUID
	PID       int     `json:"pid"`
	Name      string  `json:"name,omitempty"`
	MemoryMiB Reading `json:"memory_mib"` // not reported to users who may not see it
}

// Reading is a figure that a device may not report.
type Reading struct {
	Value float64
	Known bool
}

// MarshalJSON writes the figure, null where it is not known.
func (r Reading) MarshalJSON() ([]byte, error) {
	if !r.Known {
		return []byte("null"), nil
	}
	return json.Marshal(r.Value)
}

// GPUs are the devices that servers can be placed on, as an inventory lists them. GPUs
// that their driver can not use are left out.
func (h Host) GPUs() []spec.GPU {
	var out []spec.GPU
	for _, d := range h.Devices {
		if d.Broken == "" {
			out = append(out, d.GPU)
		}
	}
	return out
}

// Failure says why a tool that is there does not answer; empty where all do.
func (h Host) Failure() string {
	for _, t := range h.Tools {
		if t.Status == ToolFailed {
			return t.Detail
		}
	}
	return ""
}
