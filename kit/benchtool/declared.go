package benchtool

import (
	"cmp"

	"aicv/kit/pytool"
	"aicv/spec"
)

// Resolved fills in what a suite and the plan left open with what is usual. A duration is
// only usual where no number of requests was asked for either.
func Resolved(s, usual spec.Sampling) spec.Sampling {
	if s.Requests == 0 {
		s.Requests = usual.Requests
		if s.Duration == 0 {
			s.Duration = usual.Duration
		}
	}
	if s.Warmup == 0 {
		s.Warmup = usual.Warmup
	}
	return s
}

// checkRelease checks a tool that was found against the release that aicv was tested with.
// release is the tool's own, as far as it is compared; install says how to get the tested one.
func checkRelease(name string, tool *pytool.Tool, release, tested, install string) spec.Check {
	found := spec.Check{Name: name, Status: spec.CheckOK, Found: tool.Version() + " at " + cmp.Or(tool.Command, tool.Python)}
	switch release {
	case tested:
	case "":
		found.Status, found.Found, found.Fix = spec.CheckWarn, tool.Command+" does not say its version", "set venv to the virtual environment that has it"
	default:
		found.Status, found.Fix = spec.CheckWarn, "this aicv was tested with "+tested+"; "+install
	}
	return found
}
