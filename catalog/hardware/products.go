package hardware

import "slices"

// Product is a GPU as its driver names it, and the system that describes it.
type Product struct {
	Name    string // as the driver's tool prints it, without the maker; a trailing * stands for any ending
	System  string // empty: no system describes it
	Why     string // why none does
	Nearest string // the system most like it where none describes it; empty: none is
}

// Products lists the names that are known; where two fit a GPU, the longer one holds. From
// Turing on they are those of the open GPU kernel modules' list of compatible GPUs
// (github.com/NVIDIA/open-gpu-kernel-modules, README of the drivers 515 to 595); older
// GPUs and AMD's are told by the beginning of their name.
func Products() []Product {
	return slices.Concat(described(), hopper(), ampere(), ada(), blackwell(), others())
}

// described are the GPUs that are exactly those of a system.
func described() []Product {
	return []Product{
		{Name: "A100 80GB PCIe", System: "a100_pcie"},
		{Name: "A100-PCIE-80GB", System: "a100_pcie"},
		{Name: "A100-SXM4-80GB", System: "a100_sxm"},
		{Name: "A30", System: "a30"},
		{Name: "B200", System: "b200_sxm"},
		{Name: "B300 SXM6 AC", System: "b300_sxm"},
		{Name: "GB200", System: "gb200"},
		{Name: "GB300", System: "gb300"},
		{Name: "H100 80GB HBM3", System: "h100_sxm"},
		{Name: "H100 PCIe", System: "h100_pcie"},
		{Name: "H200", System: "h200_sxm"},
		{Name: "L4", System: "l4"},
		{Name: "L40S", System: "l40s"},
		{Name: "RTX PRO 6000 Blackwell Server Edition", System: "rtx_pro_6000_server"},
	}
}

func hopper() []Product {
	const (
		h800 = "The H800 is an H100 with slower NVLink."
		h20  = "The H20 has the memory of an H100 or H200 and about a seventh of its compute."
		gh   = "Grace Hopper pairs one Hopper GPU of its own memory size with a Grace CPU."
	)
	return []Product{
		{Name: "H100 NVL", Why: "It is a PCIe card with 94 GB of faster memory than the H100 PCIe, linked to one neighbour at most.", Nearest: "h100_sxm"},
		{Name: "H100 80GB HBM2e", Why: "It has slower memory than the GPU of h100_sxm.", Nearest: "h100_pcie"},
		{Name: "H100*", Why: "It is a variant of the H100 with memory of another size or speed.", Nearest: "h100_sxm"},
		{Name: "H200 NVL", Why: "It is a PCIe card with less power than the SXM module, linked to three neighbours at most.", Nearest: "h200_sxm"},
		{Name: "H800 PCIe", Why: h800, Nearest: "h100_pcie"},
		{Name: "H800*", Why: h800, Nearest: "h100_sxm"},
		{Name: "H20", Why: h20},
		{Name: "H20-*", Why: h20},
		{Name: "H20 *", Why: h20},
		{Name: "GH200 144G*", Why: gh, Nearest: "h200_sxm"},
		{Name: "GH200*", Why: gh, Nearest: "h100_sxm"},
	}
}

func ampere() []Product {
	const a800 = "The A800 is an A100 with slower NVLink."
	return []Product{
		{Name: "A100-SXM4-40GB", Why: "It has 40 GB of slower memory; a100_sxm is the GPU with 80 GB.", Nearest: "a100_sxm"},
		{Name: "A100-PCIE-40GB", Why: "It has 40 GB of slower memory; a100_pcie is the GPU with 80 GB.", Nearest: "a100_pcie"},
		{Name: "A100*", Why: "It is a variant of the A100 with memory of another size or speed.", Nearest: "a100_sxm"},
		{Name: "A800-SXM4*", Why: a800, Nearest: "a100_sxm"},
		{Name: "A800*", Why: a800, Nearest: "a100_pcie"},
		{Name: "A10", Why: "No system has its memory bandwidth and compute.", Nearest: "a30"},
		{Name: "A10G", Why: "No system has its memory bandwidth and compute.", Nearest: "a30"},
		{Name: "A40", Why: "No system has its memory bandwidth and compute."},
		{Name: "RTX A*", Why: "It is a workstation card."},
		{Name: "GeForce RTX 30*", Why: "It is a consumer card."},
	}
}

func ada() []Product {
	return []Product{
		{Name: "L40", Why: "It has half the compute of the L40S.", Nearest: "l40s"},
		{Name: "L20", Why: "It has a third of the compute of the L40S.", Nearest: "l40s"},
		{Name: "L2", Why: "It has the memory of the L4 and other compute.", Nearest: "l4"},
		{Name: "RTX 6000 Ada Generation", Why: "It is a workstation card with the chip of the L40S.", Nearest: "l40s"},
		{Name: "RTX * Ada Generation", Why: "It is a workstation card."},
		{Name: "GeForce RTX 40*", Why: "It is a consumer card.", Nearest: "l40s"},
	}
}

func blackwell() []Product {
	return []Product{
		{Name: "B200*", Why: "It is a variant of the B200 that is not listed.", Nearest: "b200_sxm"},
		{Name: "B300*", Why: "It is a variant of the B300 that is not listed.", Nearest: "b300_sxm"},
		{Name: "GB10", Why: "It shares its memory with the CPU."},
		{Name: "RTX PRO 6000 Blackwell*", Why: "It is a workstation card with the chip of the server card, at other clocks and power.", Nearest: "rtx_pro_6000_server"},
		{Name: "RTX PRO *", Why: "It is smaller than the RTX PRO 6000.", Nearest: "rtx_pro_6000_server"},
		{Name: "RTX 6000D", Why: "It has less memory and bandwidth than the RTX PRO 6000.", Nearest: "rtx_pro_6000_server"},
		{Name: "GeForce RTX 50*", Why: "It is a consumer card.", Nearest: "rtx_pro_6000_server"},
	}
}

func others() []Product {
	const old = "It is older than the predictor's oldest GPU, the A100."
	return []Product{
		{Name: "GeForce *", Why: "It is a consumer card."},
		{Name: "Quadro *", Why: "It is a workstation card."},
		{Name: "T4", Why: old},
		{Name: "V100*", Why: old},
		{Name: "P100*", Why: old},
		{Name: "P40", Why: old},
		{Name: "AMD *", Why: "aiconfigurator " + ToolVersion + " has no system with AMD GPUs."},
	}
}
