package hardwareview

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"aicv/catalog/hardware"
	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/spec"
)

// HostDocument is what a host has, as --json prints it.
type HostDocument struct {
	FormatVersion string         `json:"format_version"`
	Host          string         `json:"host"`
	Driver        string         `json:"driver,omitempty"`
	CUDA          string         `json:"cuda,omitempty"` // newest CUDA version that the driver supports
	GPUs          []GPU          `json:"gpus"`
	Links         gpu.Links      `json:"links,omitempty"`           // between GPUs, by index
	Visible       string         `json:"visible_devices,omitempty"` // CUDA_VISIBLE_DEVICES, where it limits what servers get
	Doubts        []spec.Finding `json:"doubts,omitempty"`
	Tools         []gpu.Tool     `json:"tools"`
	Problems      []gpu.Problem  `json:"problems,omitempty"`
}

// GPU is one device, the system that describes it and who uses it.
type GPU struct {
	gpu.Device
	hardware.Identity
	ReservedBy *lock.Holder `json:"reserved_by,omitempty"`
}

// Host makes the document of a host.
func Host(name, visible string, h gpu.Host, holders map[string]lock.Holder) HostDocument {
	d := HostDocument{Host: name, Driver: h.Driver, CUDA: h.CUDA, GPUs: []GPU{}, Links: h.Links, Visible: visible,
		Doubts: hardware.Doubts(h.GPUs()), Tools: h.Tools, Problems: h.Problems}
	for _, device := range h.Devices {
		g := GPU{Device: device, Identity: hardware.Identify(device.GPU)}
		if holder, held := holders[device.UUID]; held {
			g.ReservedBy = &holder
		}
		d.GPUs = append(d.GPUs, g)
	}
	return d
}

// Detected prints what a host has.
func Detected(w io.Writer, d HostDocument) error {
	if len(d.GPUs) == 0 {
		return nothing(w, d)
	}
	heading := fmt.Sprintf("%s: %s", d.Host, count(len(d.GPUs), "GPU"))
	if d.Driver != "" {
		heading += ", driver " + d.Driver
	}
	if d.CUDA != "" {
		heading += ", CUDA up to " + d.CUDA
	}
	fmt.Fprintf(w, "%s\n\n", heading)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "GPU\tNAME\tMEMORY\tPOWER\tCLOCKS\tSYSTEM\tUSE")
	for _, g := range d.GPUs {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", g.Index, clean(g.Name), sized(g.MemoryMiB), powered(g), clocked(g), cmp.Or(g.System, "none"), use(g))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range remarks(d) {
		fmt.Fprintln(w, line)
	}
	_, err := io.WriteString(w, declarations(d))
	return err
}

// nothing says that there are no GPUs, and what was asked.
func nothing(w io.Writer, d HostDocument) error {
	fmt.Fprintf(w, "%s: no GPU found\n\n", d.Host)
	for _, t := range d.Tools {
		status := map[gpu.ToolStatus]string{gpu.ToolOK: "finds no device", gpu.ToolAbsent: "not installed", gpu.ToolFailed: "fails: " + clean(t.Detail)}[t.Status]
		fmt.Fprintf(w, "  %-10s  %s\n", t.Name, status)
	}
	advice := "Predictions need none."
	if slices.ContainsFunc(d.Tools, func(t gpu.Tool) bool { return t.Status == gpu.ToolFailed }) {
		advice = "Check the driver: its tool must work for this user."
	}
	_, err := fmt.Fprintln(w, "\nServers that need GPUs can not be started here. "+advice)
	return err
}

func sized(mib int) string {
	if mib == 0 {
		return "?"
	}
	return fmt.Sprintf("%d MiB", mib)
}

func powered(g GPU) string {
	if g.PowerLimitW == 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f W", g.PowerLimitW)
}

// clocked is how fast the GPU and its memory can run at most.
func clocked(g GPU) string {
	if g.MaxSMClockMHz == 0 {
		return "?"
	}
	return fmt.Sprintf("%d/%d MHz", g.MaxSMClockMHz, g.MaxMemoryClockMHz)
}

func use(g GPU) string {
	switch {
	case g.ReservedBy != nil:
		return "reserved by " + g.ReservedBy.String()
	case g.MIG:
		return count(len(g.Slices), "MIG instance") + profiles(g.Slices)
	}
	return cmp.Or(clean(g.InUse()), "free")
}

func profiles(list []gpu.Slice) string {
	var out []string
	for _, s := range list {
		if s.Profile != "" {
			out = append(out, s.Profile)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// remarks are the lines below the table: links, limits, what no system describes, what
// makes the GPUs slow, what could not be read.
func remarks(d HostDocument) []string {
	out := []string{""}
	if link := linked(d); link != "" {
		out = append(out, link)
	}
	if d.Visible != "" {
		out = append(out, "CUDA_VISIBLE_DEVICES="+clean(d.Visible)+" limits what servers get.")
	}
	seen := map[string]bool{}
	for _, g := range d.GPUs {
		if text := g.Explain(); text != "" && !seen[g.Name+text] {
			seen[g.Name+text] = true
			out = append(out, clean(g.Name)+": "+text)
		}
		if len(g.Slowdowns) > 0 && g.Slowdowns[0] != "gpu_idle" {
			out = append(out, fmt.Sprintf("GPU %d runs at lowered clocks: %s.", g.Index, strings.Join(g.Slowdowns, ", ")))
		}
	}
	for _, f := range d.Doubts {
		out = append(out, f.Message+".")
	}
	for _, p := range d.Problems {
		out = append(out, "Could not read "+p.What+": "+clean(p.Detail))
	}
	for _, t := range d.Tools {
		if t.Status == gpu.ToolFailed {
			out = append(out, t.Name+" fails: "+clean(t.Detail))
		}
	}
	return out
}

func linked(d HostDocument) string {
	var indexes []int
	for _, g := range d.GPUs {
		if g.Maker == gpu.MakerNVIDIA {
			indexes = append(indexes, g.Index)
		}
	}
	switch {
	case len(indexes) < 2 || d.Links == nil:
		return ""
	case d.Links.NVLinked(indexes):
		return "All GPUs are linked to each other over NVLink."
	}
	return "Not all GPUs are linked to each other over NVLink."
}

// declarations are the hardware blocks that fit what is there.
func declarations(d HostDocument) string {
	var order []string
	counts := map[string]int{}
	for _, g := range d.GPUs {
		if g.System != "" && g.Broken == "" {
			if counts[g.System] == 0 {
				order = append(order, g.System)
			}
			counts[g.System]++
		}
	}
	var b strings.Builder
	for _, system := range order {
		fmt.Fprintf(&b, "\nhardware \"here\" {\n  system = %q\n  gpus   = %d\n}\n", system, counts[system])
	}
	return b.String()
}
