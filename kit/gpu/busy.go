package gpu

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// maxIdleMiB is the memory in use up to which a GPU without a visible process counts as
// idle: drivers keep some hundred MiB for themselves.
const maxIdleMiB = 1024

// use is how a GPU is used now; the zero value stands for one that the driver does not
// list.
type use struct {
	there  bool
	mig    bool
	broken bool
	busy   string // why it can not be taken
}

// against says why a GPU can not be taken, if so.
func (u use) against(g spec.GPU) (obstacle, bool) {
	switch {
	case !u.there:
		return obstacle{g, "the driver does not list it", false}, true
	case u.mig:
		return obstacle{g, "split into MIG instances", false}, true
	}
	return obstacle{g, u.busy, !u.broken}, u.busy != ""
}

// look asks how the GPUs are used, by UUID.
func (p Pool) look(ctx context.Context) (map[string]use, error) {
	table, err := Query(ctx, p.Run)
	if err != nil {
		return nil, err
	}
	processes, err := Processes(ctx, p.Run)
	if err != nil {
		return nil, err
	}
	out := map[string]use{}
	for _, d := range table.Devices {
		d.Processes = processes[d.UUID]
		out[d.UUID] = use{true, d.MIG, d.Broken != "", d.InUse()}
	}
	return out, nil
}

// InUse says why a device is not free for a server: its driver can not use it, processes
// compute on it, or memory is taken by processes that can not be seen from here, as in a
// container. Empty: it is free.
func (d Device) InUse() string {
	switch {
	case d.Broken != "":
		return "broken: " + d.Broken
	case len(d.Processes) > 0:
		return "used by " + describeProcesses(d.Processes)
	case d.MemoryUsedMiB.Known && d.MemoryUsedMiB.Value > maxIdleMiB:
		return fmt.Sprintf("%.0f MiB in use by a process that can not be seen from here", d.MemoryUsedMiB.Value)
	}
	return ""
}

func describeProcesses(list []Process) string {
	const most = 3
	var out []string
	for _, p := range list[:min(len(list), most)] {
		text := fmt.Sprintf("process %d", p.PID)
		var more []string
		if p.Name != "" {
			more = append(more, p.Name)
		}
		if p.MemoryMiB.Known {
			more = append(more, fmt.Sprintf("%.0f MiB", p.MemoryMiB.Value))
		}
		if len(more) > 0 {
			text += " (" + strings.Join(more, ", ") + ")"
		}
		out = append(out, text)
	}
	if n := len(list) - most; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

// choose picks n of the GPUs, which are in order of their index, and returns their places.
// It looks for the smallest group that is connected by the nearest links, so that larger
// groups stay whole; of equals the first counts.
func choose(gpus []spec.GPU, links Links, n int) []int {
	for level := nearest; level > 0; level-- {
		var best []int
		for _, group := range connected(gpus, links, level) {
			if len(group) >= n && (best == nil || len(group) < len(best)) {
				best = group
			}
		}
		if best != nil {
			return best[:n]
		}
	}
	first := make([]int, n)
	for i := range first {
		first[i] = i
	}
	return first
}

// connected splits GPUs into groups whose members reach each other over links that are at
// least so near, members and groups in order.
func connected(gpus []spec.GPU, links Links, level int) [][]int {
	var groups [][]int
	seen := make([]bool, len(gpus))
	for i := range gpus {
		if seen[i] {
			continue
		}
		group := []int{i}
		seen[i] = true
		for at := 0; at < len(group); at++ {
			for j := range gpus {
				if !seen[j] && nearness(links.Between(gpus[group[at]].Index, gpus[j].Index)) >= level {
					seen[j], group = true, append(group, j)
				}
			}
		}
		slices.Sort(group)
		groups = append(groups, group)
	}
	return groups
}
