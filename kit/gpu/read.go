package gpu

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"aicv/spec"
)

// Read looks at all GPUs of a host, with every tool that is installed. What can not be
// read is named in the answer and does not lose the rest; the error is the context's.
func Read(ctx context.Context, run Runner) (Host, error) {
	h := Host{Devices: []Device{}}
	h.readNVIDIA(ctx, run)
	h.readAMD(ctx, run)
	return h, ctx.Err()
}

// tool records how a tool did, and reports whether it can be asked for more.
func (h *Host) tool(name string, err error) bool {
	switch {
	case err == nil:
		h.Tools = append(h.Tools, Tool{Name: name, Status: ToolOK})
	case errors.Is(err, exec.ErrNotFound):
		h.Tools = append(h.Tools, Tool{Name: name, Status: ToolAbsent})
	default:
		h.Tools = append(h.Tools, Tool{Name: name, Status: ToolFailed, Detail: err.Error()})
	}
	return err == nil
}

func (h *Host) readNVIDIA(ctx context.Context, run Runner) {
	table, err := Query(ctx, run)
	if !h.tool(smi, err) {
		return
	}
	h.Devices, h.Driver, h.Problems = append(h.Devices, table.Devices...), table.Driver, append(h.Problems, table.Problems...)
	if len(table.Devices) == 0 {
		return
	}
	d, err := queryDetails(ctx, run)
	h.problem("CUDA version, MIG instances and processes", err)
	h.CUDA = d.cuda
	var named map[string][]Slice
	if slices.ContainsFunc(h.Devices, func(d Device) bool { return d.MIG }) {
		named, err = queryInstances(ctx, run)
		h.problem("names of MIG instances", err)
	}
	for i := range h.Devices {
		g := &h.Devices[i]
		g.Processes, g.Slices = d.processes[g.UUID], merged(d.slices[g.UUID], named[g.UUID])
	}
	if len(table.Devices) > 1 {
		h.Links, err = queryLinks(ctx, run)
		h.problem("links between GPUs", err)
	}
}

func (h *Host) problem(what string, err error) {
	if err != nil {
		h.Problems = append(h.Problems, Problem{what, err.Error()})
	}
}

func (h *Host) readAMD(ctx context.Context, run Runner) {
	tool, devices, driver, err := queryAMD(ctx, run)
	if !h.tool(tool, err) {
		return
	}
	h.Devices = append(h.Devices, devices...)
	if h.Driver == "" {
		h.Driver = driver
	}
}

// Visible keeps the GPUs that a list of indexes or UUIDs names, in its order, as CUDA
// reads CUDA_VISIBLE_DEVICES: up to the first entry that names none.
func Visible(gpus []spec.GPU, list string) []spec.GPU {
	var kept []spec.GPU
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		at := slices.IndexFunc(gpus, func(g spec.GPU) bool {
			return strconv.Itoa(g.Index) == entry || len(entry) > len("GPU-") && strings.HasPrefix(g.UUID, entry)
		})
		if at < 0 {
			break
		}
		kept = append(kept, gpus[at])
	}
	return kept
}
