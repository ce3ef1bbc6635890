// Package hardwareview prints the hardware registry and what a host has: for people, as
// JSON documents and as the Markdown page of the documentation.
package hardwareview

import (
	"fmt"
	"strings"

	"aicv/catalog/hardware"
)

// memory writes bytes in GiB.
func memory(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// rate writes bytes/s as data sheets do.
func rate(bytes int64) string {
	if bytes >= 1e12 {
		return fmt.Sprintf("%.4g TB/s", float64(bytes)/1e12)
	}
	return fmt.Sprintf("%.4g GB/s", float64(bytes)/1e9)
}

// compute writes operations/s in units of 10^12; a dash where there are none.
func compute(ops int64) string {
	if ops == 0 {
		return "-"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(ops)/1e12), ".0")
}

// data says how the predictor knows a system.
func data(s hardware.System) string {
	if s.EstimateOnly {
		return "estimates only"
	}
	return "measured"
}

// node writes the node that a system's GPUs stand in.
func node(s hardware.System) string {
	text := fmt.Sprintf("%d x %s", s.GPUsPerNode, s.Link)
	if s.GPUsPerRack > 0 {
		text += fmt.Sprintf(", %d in a rack", s.GPUsPerRack)
	}
	return text
}

// native lists the formats that a system multiplies natively.
func native(s hardware.System) []string {
	var out []string
	for _, f := range hardware.Formats() {
		if s.Native(f) {
			out = append(out, string(f))
		}
	}
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// clean keeps what a tool or another user wrote from commanding the terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}
