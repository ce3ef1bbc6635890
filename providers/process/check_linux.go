package process

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

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
	const name = "GPUs"
	found, err := t.smi(ctx)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return spec.Check{Name: name, Status: spec.CheckSkip, Found: "nvidia-smi is not on PATH, so this host has no NVIDIA GPU that servers could get"}
	case err != nil:
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: err.Error(), Fix: "repair the driver; without it no server gets a GPU"}
	}
	var names []string
	for _, g := range found.gpus {
		names = append(names, g.Name)
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("%d with driver %s: %s", len(names), found.driver, strings.Join(names, ", "))}
}
