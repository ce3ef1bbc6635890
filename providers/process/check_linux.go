package process

import (
	"context"
	"fmt"
	"strings"

	"aicv/catalog/hardware"
	"aicv/kit/gpu"
	"aicv/spec"
)

// Check looks for a free port, for what finding servers needs, and for GPUs.
func (t *target) Check(ctx context.Context) []spec.Check {
	return []spec.Check{t.checkPorts(), checkProc(), t.checkGPUs(ctx)}
}

func (t *target) checkPorts() spec.Check {
	for port := t.first; port <= t.last; port++ {
		if t.bindable(port) {
			return spec.Check{Name: "ports", Status: spec.CheckOK, Found: fmt.Sprintf("%d to %d at %s, %d is free", t.first, t.last, t.host, port)}
		}
	}
	return spec.Check{Name: "ports", Status: spec.CheckFail, Found: fmt.Sprintf("no port from %d to %d at %s can be listened on", t.first, t.last, t.host),
		Fix: "set port_range to free ports, and host to an address of this machine"}
}

// checkProc tries what servers are found again by.
func checkProc() spec.Check {
	_, err := bootID()
	if err == nil {
		_, err = processes()
	}
	if err != nil {
		return spec.FailedCheck("/proc", broken("servers could not be found again", err))
	}
	return spec.Check{Name: "/proc", Status: spec.CheckOK, Found: "readable"}
}

func (t *target) checkGPUs(ctx context.Context) spec.Check {
	const name = spec.CheckGPUs
	found, err := gpu.Read(ctx, t.run)
	if err != nil {
		return spec.FailedCheck(name, interrupted(err))
	}
	if why := found.Failure(); why != "" {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: why, Fix: "repair the driver; without it no server gets a GPU"}
	}
	if len(found.Devices) == 0 {
		return spec.Check{Name: name, Status: spec.CheckSkip, Found: "no driver's tool (nvidia-smi) is on PATH or lists a GPU, so servers can get none"}
	}
	c := spec.Check{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("%d with driver %s: %s", len(found.Devices), found.Driver, strings.Join(hardware.Describe(found.GPUs()), ", "))}
	for _, d := range found.Devices {
		if busy := d.InUse(); busy != "" {
			c.Status, c.Fix = spec.CheckWarn, "end what uses them before servers need them"
			c.Found += fmt.Sprintf("; GPU %d: %s", d.Index, busy)
		}
	}
	return c
}
