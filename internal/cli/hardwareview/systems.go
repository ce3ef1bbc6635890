package hardwareview

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"aicv/catalog/hardware"
)

// SystemDocument is a system as --json prints it: its figures, and what follows from them.
type SystemDocument struct {
	hardware.System
	Usable            int64    `json:"usable_memory_bytes"` // that an engine can use at most
	ComputeCapability string   `json:"compute_capability,omitempty"`
	Native            []string `json:"native_formats"`
	Names             []string `json:"driver_names"` // by which drivers report the GPU
}

// Document makes the document of a system.
func Document(s hardware.System) SystemDocument {
	return SystemDocument{s, s.Usable(), s.ComputeCapability(), native(s), append([]string{}, s.Named()...)}
}

// List prints a line per system.
func List(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SYSTEM\tMEMORY\tBANDWIDTH\tBF16\tFP8\tFP4\tPOWER\tNODE\tDATA")
	for _, s := range hardware.Systems() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d W\t%s\t%s\n", s.Name, memory(s.Usable()), rate(s.MemoryBandwidth),
			compute(s.BF16), compute(s.FP8), compute(s.FP4), s.Power, node(s), data(s))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nFigures of one GPU, as aiconfigurator %s assumes them; BF16, FP8 and FP4 in 10^12 dense operations/s.\n", hardware.ToolVersion)
	return err
}

// Show prints everything about one system.
func Show(w io.Writer, s hardware.System) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\n\n", s.Name, s.Title)
	for _, row := range rows(s) {
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nFigures are what aiconfigurator %s assumes of one GPU, not a data sheet.\n", hardware.ToolVersion)
	return err
}

// rows are the figures of a system with their names.
func rows(s hardware.System) [][2]string {
	list := [][2]string{{"memory", memory(s.Memory)}}
	if s.Reported > 0 {
		list = append(list, [2]string{"memory reported by the driver", fmt.Sprintf("%d MiB (%s)", s.Reported>>20, s.ReportedBy)})
	}
	list = append(list, [2]string{"memory bandwidth", rate(s.MemoryBandwidth)},
		[2]string{"compute, 10^12 dense operations/s", computeRow(s)}, [2]string{"native formats", strings.Join(native(s), ", ")})
	if c := s.ComputeCapability(); c != "" {
		list = append(list, [2]string{"compute capability", c})
	}
	list = append(list, [2]string{"power", fmt.Sprintf("%d W", s.Power)}, [2]string{"GPUs of a node", node(s)},
		[2]string{"to the GPUs of its node", rate(s.IntraNode)}, [2]string{"to other nodes", rate(s.InterNode)}, [2]string{"to its host", rate(s.PCIe)})
	if s.InterRack > 0 {
		list = append(list, [2]string{"to other racks", rate(s.InterRack)})
	}
	list = append(list, [2]string{"kept for the engine", memory(s.Reserve)}, [2]string{"communication buffers", buffers(s)},
		[2]string{"data of the predictor", data(s)})
	if names := s.Named(); len(names) > 0 {
		list = append(list, [2]string{"reported as", string(s.Vendor) + " " + strings.Join(names, ", "+string(s.Vendor)+" ")})
	}
	return list
}

func computeRow(s hardware.System) string {
	return "bfloat16 " + compute(s.BF16) + ", int8 " + compute(s.INT8) + ", fp8 " + compute(s.FP8) + ", fp4 " + compute(s.FP4)
}

func buffers(s hardware.System) string {
	var out []string
	for _, n := range s.NCCL {
		out = append(out, fmt.Sprintf("%d MiB with %s", n.Bytes>>20, count(n.GPUs, "GPU")))
	}
	return strings.Join(out, ", ")
}
