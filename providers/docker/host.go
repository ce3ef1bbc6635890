package docker

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"aicv/catalog/hardware"
	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/spec"
)

func holder(request *spec.StartRequest) lock.Holder {
	return lock.Holder{PID: os.Getpid(), Suite: request.Suite, Key: request.Key}
}

// takeHost keeps servers of other suites from the daemon's host, and refuses to start
// beside one that wants it alone.
func (t *target) takeHost(ctx context.Context, request *spec.StartRequest, name string) error {
	if t.share || request.Spec.Simulated {
		return nil
	}
	if t.at.local() {
		file, err := lock.Host(ctx, t.locks, holder(request), t.wait, request.Tell)
		if err != nil {
			return err
		}
		if file != nil {
			t.held.Hold(name, file)
		}
	}
	for began := time.Now(); ; {
		by, err := t.occupant(ctx, request.Suite)
		if err != nil || by == "" {
			return err
		}
		if time.Since(began) >= t.wait {
			return lock.Occupied(by)
		}
		tell(request, "waiting for the host: "+by)
		select {
		case <-ctx.Done():
			return interrupted(ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// occupant is a container of another suite that wants the host alone; empty: none runs.
func (t *target) occupant(ctx context.Context, suite string) (string, error) {
	all, err := t.containers(ctx, map[string]string{labelAlone: "true"})
	if err != nil {
		return "", err
	}
	for i := range all {
		if l := all[i].labels; all[i].running() && l[labelSuite] != suite {
			return "container " + strings.TrimPrefix(all[i].name, "/") + " of " + l[labelUser] + ", " + l[labelWork], nil
		}
	}
	return "", nil
}

// takeGPUs reserves GPUs: of this host by its locks, which others of the host heed, and
// everywhere by the labels of the containers that have some.
func (t *target) takeGPUs(ctx context.Context, request *spec.StartRequest, name string) ([]string, error) {
	if request.Spec.GPUs == 0 {
		return nil, nil
	}
	taken, err := t.takenGPUs(ctx)
	if err != nil {
		return nil, err
	}
	if len(t.gpus) > 0 || !t.at.local() {
		return t.declaredGPUs(request, taken)
	}
	pool := gpu.Pool{Dir: t.locks, Run: t.run, Wait: 10 * time.Second}
	r, err := pool.Claim(ctx, gpu.Claim{Count: request.Spec.GPUs, Taken: taken, For: holder(request), Fit: fit(request)})
	if err != nil {
		return nil, err
	}
	t.held.Hold(name, r.Files()...)
	return r.UUIDs(), nil
}

// fit chooses the GPUs of the declared hardware.
func fit(request *spec.StartRequest) func(spec.Inventory) ([]spec.GPU, error) {
	declared := request.Hardware
	if declared == nil {
		declared = &spec.Hardware{Name: "undeclared", System: "undeclared", GPUs: request.Spec.GPUs}
	}
	return func(there spec.Inventory) ([]spec.GPU, error) { return hardware.Match(declared, there) }
}

// takenGPUs are those of running containers, by UUID.
func (t *target) takenGPUs(ctx context.Context) (map[string]string, error) {
	all, err := t.containers(ctx, map[string]string{labelGPUs: ""})
	if err != nil {
		return nil, err
	}
	taken := map[string]string{}
	for i := range all {
		if !all[i].running() {
			continue
		}
		for uuid := range strings.SplitSeq(all[i].labels[labelGPUs], ",") {
			taken[uuid] = "container " + strings.TrimPrefix(all[i].name, "/") + " has it"
		}
	}
	return taken, nil
}

// declaredGPUs chooses among those that the target names.
func (t *target) declaredGPUs(request *spec.StartRequest, taken map[string]string) ([]string, error) {
	if len(t.gpus) == 0 {
		return nil, usage(t.address+": the GPUs of a daemon on another host can not be listed from here", "name them in gpu_uuids (nvidia-smi -L on that host)")
	}
	free := slices.DeleteFunc(slices.Clone(t.gpus), func(uuid string) bool { return taken[uuid] != "" })
	if len(free) >= request.Spec.GPUs {
		return free[:request.Spec.GPUs], nil
	}
	summary := t.address + ": too few of gpu_uuids are free"
	for _, uuid := range t.gpus {
		if taken[uuid] != "" {
			summary += "; " + uuid + ": " + taken[uuid]
		}
	}
	return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Fix: "end what uses them or wait for it, or ask for fewer GPUs"}
}
