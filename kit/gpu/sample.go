package gpu

import (
	"context"
	"fmt"
	"slices"

	"aicv/spec"
)

// Sample looks once at the NVIDIA GPUs of a server, by UUID. own tells the server's
// processes. Where none of the processes on its GPUs is, as in a container that sees
// the host's process ids, nobody can tell whose they are, and none counts as foreign.
func Sample(ctx context.Context, run Runner, uuids []string, own func(pid int) bool) ([]spec.GPUSample, error) {
	table, err := Query(ctx, run)
	if err != nil {
		return nil, err
	}
	processes, err := Processes(ctx, run)
	if err != nil {
		processes = nil // a driver that does not tell processes still tells clocks
	}
	if !anyOwn(processes, uuids, own) {
		processes = nil
	}
	var samples []spec.GPUSample
	for _, d := range table.Devices {
		if !slices.Contains(uuids, d.UUID) {
			continue
		}
		samples = append(samples, spec.GPUSample{Index: d.Index, UUID: d.UUID, SMClockMHz: d.SMClockMHz.Value, PowerW: d.PowerW.Value,
			MemoryMiB: int(d.MemoryUsedMiB.Value), Slowdowns: held(d.Slowdowns), Foreign: foreign(processes[d.UUID], own)})
	}
	return samples, nil
}

func anyOwn(processes map[string][]Process, uuids []string, own func(pid int) bool) bool {
	return slices.ContainsFunc(uuids, func(uuid string) bool {
		return slices.ContainsFunc(processes[uuid], func(p Process) bool { return own(p.PID) })
	})
}

// held keeps the reasons that are heat or power. Idle GPUs and clocks that somebody set
// are none.
func held(reasons []string) []string {
	bad := []string{"sw_power_cap", "hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"}
	var kept []string
	for _, r := range reasons {
		if slices.Contains(bad, r) {
			kept = append(kept, r)
		}
	}
	return kept
}

func foreign(processes []Process, own func(pid int) bool) []string {
	var names []string
	for _, p := range processes {
		if !own(p.PID) {
			name := p.Name
			if name == "" {
				name = "a process"
			}
			names = append(names, fmt.Sprintf("%s (pid %d)", name, p.PID))
		}
	}
	return names
}
