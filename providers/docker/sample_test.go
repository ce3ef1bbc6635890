package docker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

// smi answers as nvidia-smi does on a host with two GPUs, on the first of which an
// engine and somebody else compute.
func smi(_ context.Context, _ string, args ...string) ([]byte, error) {
	switch args[0][:13] {
	case "--query-gpu=i":
		return []byte("0, GPU-a, NVIDIA H200, 143771, 120000, 00000000:18:00.0, 700, 695.5, 1410, 3201, 1980, 3201, Enabled, 70, 99, Disabled, 0x0000000000000004, 9.0, 570.1\n" +
			"1, GPU-b, NVIDIA H200, 143771, 0, 00000000:2A:00.0, 700, 75, 345, 3201, 1980, 3201, Enabled, 30, 0, Disabled, 0x0000000000000001, 9.0, 570.1\n"), nil
	case "--query-compu":
		return []byte("GPU-a, 10, 1000, engine\nGPU-a, 11, 500, python\n"), nil
	}
	return nil, errors.New("exit status 1")
}

func TestSampleGPUs(t *testing.T) {
	f := newFake()
	f.containers["c"] = &found{id: "c", status: "running", labels: map[string]string{labelGPUs: "GPU-a"}}
	f.containers["none"] = &found{id: "none", status: "running", labels: map[string]string{labelGPUs: ""}}
	f.containers["over"] = &found{id: "over", status: "exited", labels: map[string]string{labelGPUs: "GPU-a"}}
	f.pids = []int{10}
	made := over(t, f, nil)
	made.run = smi
	got, err := made.SampleGPUs(t.Context(), spec.Server{ID: "c"})
	want := []spec.GPUSample{{UUID: "GPU-a", SMClockMHz: 1410, PowerW: 695.5, MemoryMiB: 120000, Slowdowns: []string{"sw_power_cap"}, Foreign: []string{"python (pid 11)"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	for _, id := range []string{"none", "over", "gone"} {
		if got, err := made.SampleGPUs(t.Context(), spec.Server{ID: id}); err != nil || got != nil {
			t.Errorf("%s: %+v, error %v", id, got, err)
		}
	}
	f.pids = nil // of a daemon that shows no processes
	if got, err := made.SampleGPUs(t.Context(), spec.Server{ID: "c"}); err != nil || len(got) != 1 || got[0].Foreign != nil {
		t.Errorf("nobody knows whose the processes are: %+v, error %v", got, err)
	}
	far := over(t, f, spec.Attrs{"host": spec.StringValue("tcp://far:2375")})
	if _, err := far.SampleGPUs(t.Context(), spec.Server{ID: "c"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a daemon on another host: %v", err)
	}
}

// TestRealProcesses wants the process ids as this host counts them: that of a container's
// engine is one of its own.
func TestRealProcesses(t *testing.T) {
	needDaemon(t)
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true)})
	r := badRequest(t, "")
	r.Spec.Env = []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}
	server, err := made.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := made.known.processes(t.Context(), server.ID)
	if err != nil || len(ids) != 1 || ids[0] < 2 {
		t.Errorf("processes %v, error %v", ids, err)
	}
	if err := made.Stop(t.Context(), server, time.Second); err != nil {
		t.Error(err)
	}
	if _, err := made.known.processes(t.Context(), server.ID); !errors.Is(err, errNoContainer) {
		t.Errorf("of a container that is gone: %v", err)
	}
}
