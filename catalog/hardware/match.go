package hardware

import (
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// Match checks declared hardware against a host, and returns the GPUs that are of the
// declared system, by index: servers are to run on those. Of a system that is not in the
// registry it takes the largest group of like GPUs. The error, of kind infrastructure,
// says what was declared and what is there.
func Match(declared *spec.Hardware, there spec.Inventory) ([]spec.GPU, error) {
	s, known := Lookup(declared.System)
	if known && s.Vendor != NVIDIA {
		return nil, &spec.Error{Kind: spec.ErrInfrastructure, Fix: "measure it as an endpoint",
			Summary: declaration(declared) + ": GPUs of " + string(s.Vendor) + " can not be listed here, so that nobody can say whether they are there"}
	}
	fit := likeGPUs(there.GPUs)
	if known {
		fit = slices.DeleteFunc(byIndex(there.GPUs), func(g spec.GPU) bool { return Identify(g).System != declared.System })
	}
	if len(fit) >= declared.GPUs {
		return fit, nil
	}
	return nil, mismatch(declared, there, len(fit))
}

func declaration(declared *spec.Hardware) string {
	return fmt.Sprintf("hardware.%s declares %d x %s", declared.Name, declared.GPUs, declared.System)
}

// mismatch says what is there in place of what was declared, and what could be declared
// instead. Of what was declared, fit GPUs are there.
func mismatch(declared *spec.Hardware, there spec.Inventory, fit int) error {
	e := &spec.Error{Kind: spec.ErrInfrastructure, Summary: declaration(declared) + ", found " + found(there),
		Fix: "run it on a host that has them"}
	largest := likeGPUs(there.GPUs)
	switch {
	case len(there.GPUs) == 0:
		e.Fix += ", or check the driver with nvidia-smi"
		return e
	case len(largest) == 0:
		e.Fix += ", or take these out of MIG mode"
		return e
	}
	id := Identify(largest[0])
	switch {
	case fit > 0:
		e.Fix += fmt.Sprintf(", or declare gpus = %d", fit)
	case id.System != "":
		e.Fix += fmt.Sprintf(", or declare system = %q and gpus = %d", id.System, len(largest))
	default:
		e.Detail = largest[0].Name + ": " + id.Explain()
	}
	return e
}

// found says what a host has.
func found(there spec.Inventory) string {
	what := "no GPU"
	if len(there.GPUs) > 0 {
		what = strings.Join(Describe(there.GPUs), ", ")
	}
	if there.Host != "" {
		what += " on " + there.Host
	}
	if len(there.GPUs) == 0 && there.Driver != "" {
		what += " (driver: " + there.Driver + ")"
	}
	return what
}

// Describe writes what GPUs are, in groups of like ones, in order of their first index:
// "4 x NVIDIA H100 80GB HBM3 (h100_sxm)".
func Describe(gpus []spec.GPU) []string {
	var out []string
	for _, group := range groups(gpus) {
		id := Identify(group[0])
		system := id.System
		if system == "" {
			system = "no system describes it"
		}
		mig := ""
		if group[0].MIG {
			mig = " in MIG mode"
		}
		out = append(out, fmt.Sprintf("%d x %s%s (%s)", len(group), group[0].Name, mig, system))
	}
	return out
}

// groups sorts GPUs by index into groups of one name, memory and mode.
func groups(gpus []spec.GPU) [][]spec.GPU {
	var out [][]spec.GPU
	for _, g := range byIndex(gpus) {
		at := slices.IndexFunc(out, func(o []spec.GPU) bool {
			return o[0].Name == g.Name && o[0].MemoryMiB == g.MemoryMiB && o[0].MIG == g.MIG
		})
		if at < 0 {
			out = append(out, []spec.GPU{g})
			continue
		}
		out[at] = append(out[at], g)
	}
	return out
}

// likeGPUs is the largest group of like GPUs that can be used whole, the first of equals.
func likeGPUs(gpus []spec.GPU) []spec.GPU {
	var best []spec.GPU
	for _, group := range groups(gpus) {
		if len(group) > len(best) && !group[0].MIG {
			best = group
		}
	}
	return best
}

// byIndex copies GPUs in order of their index.
func byIndex(gpus []spec.GPU) []spec.GPU {
	return slices.SortedStableFunc(slices.Values(gpus), func(a, b spec.GPU) int { return a.Index - b.Index })
}

// Doubts lists what makes the GPUs slower than those that the predictor was made for: a
// power limit below the system's.
func Doubts(gpus []spec.GPU) []spec.Finding {
	var out []spec.Finding
	for _, g := range byIndex(gpus) {
		s, known := Lookup(Identify(g).System)
		if known && g.PowerLimitW > 0 && g.PowerLimitW < float64(s.Power) {
			out = append(out, spec.Finding{Check: "gpu_power_limit", Severity: spec.FindingWarn,
				Message: fmt.Sprintf("GPU %d is limited to %.0f W; %s is predicted at %d W", g.Index, g.PowerLimitW, s.Name, s.Power)})
		}
	}
	return out
}
