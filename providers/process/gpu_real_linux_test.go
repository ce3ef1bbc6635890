package process

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aicv/catalog/hardware"
	"aicv/spec"
)

// TestRealGPU reserves a real GPU: the server sees the one that it got, nobody else gets
// it, and a wrong declaration is refused.
func TestRealGPU(t *testing.T) {
	if _, err := exec.LookPath("nvidia-smi"); err != nil || os.Getenv("AICV_REAL") == "" {
		t.Skip("needs a host with an NVIDIA GPU, and AICV_REAL=1")
	}
	made := newTest(t, t.TempDir(), t.TempDir(), ports(220, 10))
	there, err := made.Inventory(noContext())
	if err != nil || len(there.GPUs) == 0 {
		t.Fatalf("%+v, error %v", there, err)
	}
	system := hardware.Identify(there.GPUs[0]).System
	t.Logf("%+v is %q", there, system)
	start := func(made *target, key, system string, gpus int) (spec.Server, error) {
		return made.Start(noContext(), spec.StartRequest{Suite: "s", Key: key, Hardware: &spec.Hardware{Name: "box", System: system, GPUs: gpus},
			Spec: spec.ServerSpec{Command: []string{"sh", "-c", "echo devices $CUDA_VISIBLE_DEVICES; exec sleep 60"}, GPUs: gpus}})
	}
	all := len(there.GPUs)
	server, err := start(made, "a", system, all)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Stop(noContext(), server, 0) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		log, err := made.Log(noContext(), server, 4096)
		if err == nil && strings.Contains(log, there.GPUs[0].UUID) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("log %q, error %v", log, err)
		}
	}
	other := newTest(t, t.TempDir(), made.locks, ports(220, 10))
	other.patience = 0
	if _, err := start(other, "b", system, 1); err == nil || !strings.Contains(err.Error(), "suite s") {
		t.Errorf("a GPU that is taken: %v", err)
	}
	for system, gpus := range map[string]int{"gb200": 1, system: all + 1} {
		if _, err := start(other, "c", system, gpus); err == nil || !strings.Contains(err.Error(), "hardware.box declares") {
			t.Errorf("%d x %s: %v", gpus, system, err)
		} else {
			t.Log(err)
		}
	}
	if err := made.Stop(noContext(), server, 0); err != nil {
		t.Fatal(err)
	}
	again, err := start(other, "d", system, all)
	if err != nil {
		t.Fatalf("what was given back: %v", err)
	}
	if err := other.Stop(noContext(), again, 0); err != nil {
		t.Error(err)
	}
}
