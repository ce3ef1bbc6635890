package process

import (
	"fmt"
	"strings"
	"testing"

	"aicv/spec"
)

// A server's own processes are known by their labels; whoever else computes on its GPUs
// is foreign, and what happens on other GPUs is nobody's business.
func TestSampleGPUs(t *testing.T) {
	made := withGPUs(t, t.TempDir(), t.TempDir())
	server, err := made.Start(noContext(), spec.StartRequest{Suite: "s", Key: "a", Hardware: h200(1), Spec: spec.ServerSpec{
		Command: []string{"sh", "-c", "echo pid $$; exec sleep 60"}, GPUs: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Stop(noContext(), server, 0) }()
	pid := 0
	for log := ""; pid == 0; {
		if log, err = made.Log(noContext(), server, 100); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Sscanf(strings.TrimSpace(log), "pid %d", &pid)
	}
	fakeSMI(t, smiScript(fmt.Sprintf("GPU-aaaa, %d, 4, sleep\\nGPU-aaaa, 1, 9, python\\nGPU-bbbb, 1, 9, other\\n", pid)))
	samples, err := made.SampleGPUs(noContext(), server)
	if err != nil || len(samples) != 1 || samples[0].UUID != "GPU-aaaa" || len(samples[0].Foreign) != 1 || samples[0].Foreign[0] != "python (pid 1)" {
		t.Errorf("samples %+v, %v", samples, err)
	}
	gone := server
	gone.Key = "other"
	if samples, err := made.SampleGPUs(noContext(), gone); err != nil || samples != nil {
		t.Errorf("a server that does not run: %+v, %v", samples, err)
	}
	fakeSMI(t, "echo 'Failed to initialize NVML'; exit 18\n")
	if samples, err := made.SampleGPUs(noContext(), server); err == nil {
		t.Errorf("a broken driver gives %+v", samples)
	}
}
