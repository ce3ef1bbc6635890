package gpu

import (
	"context"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// details is what only the tool's XML says, of each GPU by UUID.
type details struct {
	cuda      string
	slices    map[string][]Slice
	processes map[string][]Process
}

// smiLog is the part of the XML that is read. Sizes carry units.
type smiLog struct {
	XMLName xml.Name `xml:"nvidia_smi_log"`
	CUDA    string   `xml:"cuda_version"`
	GPUs    []struct {
		UUID   string `xml:"uuid"`
		Slices []struct {
			Index  string `xml:"index"`
			Memory string `xml:"fb_memory_usage>total"`
		} `xml:"mig_devices>mig_device"`
		Processes []struct {
			PID    string `xml:"pid"`
			Type   string `xml:"type"`
			Name   string `xml:"process_name"`
			Memory string `xml:"used_memory"`
		} `xml:"processes>process_info"`
	} `xml:"gpu"`
}

// queryDetails asks for everything about all NVIDIA GPUs.
func queryDetails(ctx context.Context, run Runner) (details, error) {
	out, err := run(ctx, smi, "-q", "-x")
	if err != nil {
		return details{}, fmt.Errorf("%s: %w", smi, err)
	}
	return parseDetails(out)
}

// parseDetails reads the XML. Its document type is not followed, entities of its own do
// not exist, and depth is bounded by the decoder.
func parseDetails(text []byte) (details, error) {
	var log smiLog
	if err := xml.Unmarshal(text, &log); err != nil {
		return details{}, fmt.Errorf("%s: its XML can not be read: %w", smi, err)
	}
	d := details{cuda: version(printable(log.CUDA)), slices: map[string][]Slice{}, processes: map[string][]Process{}}
	for _, g := range log.GPUs {
		uuid := printable(g.UUID)
		for _, s := range g.Slices {
			d.slices[uuid] = append(d.slices[uuid], Slice{MemoryMiB: whole(printable(s.Memory), 0)})
		}
		for _, p := range g.Processes {
			pid := whole(printable(p.PID), 0)
			if pid == 0 || !strings.Contains(p.Type, "C") {
				continue // graphics only, or nothing to name
			}
			d.processes[uuid] = append(d.processes[uuid], Process{GPU: uuid, PID: pid, Name: known(printable(p.Name)), MemoryMiB: reading(printable(p.Memory))})
		}
	}
	return d, nil
}

// queryInstances asks for the names of MIG instances, by UUID of their GPU in order.
func queryInstances(ctx context.Context, run Runner) (map[string][]Slice, error) {
	out, err := run(ctx, smi, "-L")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", smi, err)
	}
	return parseInstances(string(out)), nil
}

// parseInstances reads the list of GPUs with the MIG instances below each.
func parseInstances(text string) map[string][]Slice {
	board := regexp.MustCompile(`^GPU \d+: .*\(UUID: (GPU-[0-9A-Za-z-]+)\)\s*$`)
	instance := regexp.MustCompile(`^\s+MIG (\S{1,40})\s+Device\s+\d+: \(UUID: (MIG-[0-9A-Za-z/-]{1,120})\)\s*$`)
	out, gpu := map[string][]Slice{}, ""
	for line := range strings.Lines(text) {
		if m := board.FindStringSubmatch(line); m != nil {
			gpu = m[1]
		} else if m := instance.FindStringSubmatch(line); m != nil && gpu != "" {
			out[gpu] = append(out[gpu], Slice{Profile: printable(m[1]), UUID: m[2]})
		}
	}
	return out
}

// merged joins what the XML and the list say of a GPU's instances; both have them in the
// same order.
func merged(sized, named []Slice) []Slice {
	if len(named) != len(sized) {
		return append(named, sized[min(len(named), len(sized)):]...)
	}
	for i := range named {
		named[i].MemoryMiB = sized[i].MemoryMiB
	}
	return named
}

// Processes asks which processes compute on NVIDIA GPUs, by UUID of the GPU. In a
// container it may see none of them.
func Processes(ctx context.Context, run Runner) (map[string][]Process, error) {
	out, err := run(ctx, smi, "--query-compute-apps=gpu_uuid,pid,used_memory,process_name", smiFormat)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", smi, err)
	}
	return parseProcesses(string(out))
}

// parseProcesses reads the table of processes. The name stands last, because it is not
// quoted and may hold commas.
func parseProcesses(text string) (map[string][]Process, error) {
	out := map[string][]Process{}
	for line := range strings.Lines(text) {
		line = printable(line)
		if line == "" || strings.HasPrefix(line, "No ") {
			continue // "No running processes found", "No devices were found"
		}
		cells := strings.SplitN(line, ",", 4)
		if len(cells) < 4 {
			return nil, fmt.Errorf("%s: line %q names no process", smi, firstLine(line))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		pid, err := strconv.Atoi(cells[1])
		if err != nil || pid < 0 || cells[0] == "" {
			return nil, fmt.Errorf("%s: line %q names no process", smi, firstLine(line))
		}
		out[cells[0]] = append(out[cells[0]], Process{GPU: cells[0], PID: pid, Name: known(cells[3]), MemoryMiB: reading(cells[2])})
	}
	return out, nil
}
