// Package hardware is the registry of the systems that predictors know: their figures,
// the names by which a driver reports their GPUs, and whether the GPUs of a host are
// those that a suite declares. It reads no device; kit/gpu does.
package hardware

import "fmt"

// System is one GPU of a system that aiconfigurator knows, and the node that it stands
// in. Figures are what the predictor assumes, not a data sheet; where both differ, the
// prediction follows the figure here.
type System struct {
	Name         string `json:"name"`  // aiconfigurator's name: h200_sxm
	Title        string `json:"title"` // for people: "NVIDIA H200 SXM 141 GB"
	Vendor       Vendor `json:"vendor"`
	EstimateOnly bool   `json:"estimate_only"` // the predictor has no measured data for it, only estimates from these figures
	SM           int    `json:"sm,omitempty"`  // compute capability x 10: 90; 0: not an NVIDIA GPU

	Memory          int64  `json:"memory_bytes"`                    // of one GPU, as the predictor assumes
	Reported        int64  `json:"reported_memory_bytes,omitempty"` // in total, as the driver's tool says; 0: not known
	ReportedBy      string `json:"reported_by,omitempty"`           // source of Reported
	MemoryBandwidth int64  `json:"memory_bandwidth_bytes_per_s"`
	Power           int    `json:"power_w"`

	BF16 int64 `json:"bfloat16_ops_per_s"` // dense operations/s of the tensor cores
	INT8 int64 `json:"int8_ops_per_s"`     // 0: none
	FP8  int64 `json:"fp8_ops_per_s"`      // 0: none
	FP4  int64 `json:"fp4_ops_per_s"`      // 0: none

	GPUsPerNode int   `json:"gpus_per_node"`
	Link        Link  `json:"link"`                             // between the GPUs of a node
	IntraNode   int64 `json:"intra_node_bytes_per_s"`           // per GPU in one direction, to the GPUs of its node
	InterNode   int64 `json:"inter_node_bytes_per_s"`           // per GPU in one direction, to other nodes
	PCIe        int64 `json:"pcie_bytes_per_s"`                 // per GPU in one direction, to its host
	GPUsPerRack int   `json:"gpus_per_rack,omitempty"`          // 0: the predictor knows no racks
	InterRack   int64 `json:"inter_rack_bytes_per_s,omitempty"` // per GPU in one direction, to other racks; 0: no racks

	Reserve int64  `json:"engine_reserve_bytes"`  // per GPU, that the predictor keeps for the engine itself
	NCCL    []NCCL `json:"communication_buffers"` // by group size
}

// NCCL is what the predictor takes for communication buffers.
type NCCL struct {
	GPUs  int   `json:"gpus"`          // size of the group
	Bytes int64 `json:"bytes_per_gpu"` //
}

// Vendor made a GPU.
type Vendor string

// The vendors whose GPUs can be recognised.
const (
	NVIDIA Vendor = "NVIDIA"
	AMD    Vendor = "AMD"
	Intel  Vendor = "Intel"
)

// Link is how the GPUs of a node reach each other.
type Link string

// The links.
const (
	NVLink   Link = "NVLink"
	PCIeLink Link = "PCIe"
)

// Format is a number format that tensor cores multiply natively.
type Format string

// The formats, under aiconfigurator's names.
const (
	BF16  Format = "bfloat16"
	INT8  Format = "int8"
	FP8   Format = "fp8"
	NVFP4 Format = "nvfp4"
)

// Formats lists all formats, widest first.
func Formats() []Format { return []Format{BF16, INT8, FP8, NVFP4} }

// Native reports whether the GPU multiplies the format without converting it first.
// FP8 came with compute capability 8.9, NVFP4 with 10.0; the predictor's own figure for
// FP8 is no proof, since it states one for GPUs that fall back to BF16.
func (s System) Native(f Format) bool {
	switch f {
	case BF16:
		return s.BF16 > 0
	case INT8:
		return s.INT8 > 0
	case FP8:
		return s.SM >= 89
	case NVFP4:
		return s.SM >= 100
	}
	return false
}

// ComputeCapability is CUDA's version of the GPU, such as "9.0"; empty where the GPU is
// not NVIDIA's.
func (s System) ComputeCapability() string {
	if s.SM == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", s.SM/10, s.SM%10)
}

// Usable is the memory of one GPU that an engine can use at most, in bytes: what the
// driver reports where that is known, else what the predictor assumes.
func (s System) Usable() int64 {
	if s.Reported > 0 {
		return s.Reported
	}
	return s.Memory
}

// Buffers is what the predictor takes for communication buffers in a group of so many
// GPUs, in bytes per GPU: the entry of the largest group that is not larger.
func (s System) Buffers(gpus int) int64 {
	var bytes int64
	for _, n := range s.NCCL {
		if n.GPUs <= gpus {
			bytes = n.Bytes
		}
	}
	return bytes
}

// Systems lists all systems, sorted by name.
func Systems() []System {
	list := figures()
	for i := range list {
		annotate(&list[i])
	}
	return list
}

// Names lists the systems' names, sorted.
func Names() []string {
	list := figures()
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}

// Lookup finds a system by name.
func Lookup(name string) (System, bool) {
	for _, s := range figures() {
		if s.Name == name {
			annotate(&s)
			return s, true
		}
	}
	return System{}, false
}
