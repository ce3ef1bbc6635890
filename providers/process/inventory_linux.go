package process

import (
	"bufio"
	"context"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aicv/catalog/hardware"
	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/spec"
)

// Inventory looks at this host. A host without the driver's tool has no GPUs; where
// the tool fails, the driver's entry says so.
func (t *target) Inventory(ctx context.Context) (spec.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return spec.Inventory{}, interrupted(err)
	}
	host, err := os.Hostname()
	if err != nil {
		return spec.Inventory{}, broken("can not read the host's name", err)
	}
	found, err := gpu.Read(ctx, t.run)
	if err != nil {
		return spec.Inventory{}, interrupted(err)
	}
	if why := found.Failure(); why != "" {
		found.Driver = "unreadable: " + why
	}
	return spec.Inventory{Host: host, OS: osName(), CPUs: runtime.NumCPU(), GPUs: found.GPUs(), Driver: found.Driver, CUDA: found.CUDA}, nil
}

// osName is the distribution and the kernel.
func osName() string {
	name := "Linux"
	if file, err := os.Open("/etc/os-release"); err == nil {
		defer func() { _ = file.Close() }() // only read
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
				name = strings.Trim(value, `"`)
			}
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		name += ", kernel " + unix.ByteSliceToString(u.Release[:])
	}
	return name
}

// visibleDevices is the variable by which a process is given GPUs.
const visibleDevices = "CUDA_VISIBLE_DEVICES"

// gpuPatience is how long to wait for processes that are just leaving a GPU.
const gpuPatience = 10 * time.Second

// reserveGPUs takes GPUs of the declared hardware for the whole host, out of those that
// this process may see itself.
func (t *target) reserveGPUs(ctx context.Context, request *spec.StartRequest) (*gpu.Reservation, error) {
	declared := request.Hardware
	if declared == nil {
		declared = &spec.Hardware{Name: "undeclared", System: "undeclared", GPUs: request.Spec.GPUs}
	}
	claim := gpu.Claim{Count: request.Spec.GPUs, For: holder(request),
		Fit: func(there spec.Inventory) ([]spec.GPU, error) { return hardware.Match(declared, there) }}
	if list, restricted := os.LookupEnv(visibleDevices); restricted {
		claim.Visible = &list
	}
	return gpu.Pool{Dir: t.locks, Run: t.run, Wait: t.patience}.Claim(ctx, claim)
}

func holder(request *spec.StartRequest) lock.Holder {
	return lock.Holder{PID: os.Getpid(), Suite: request.Suite, Key: request.Key}
}
