package gpu

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestReadJoinsWhatTheToolsSay(t *testing.T) {
	tools := fakeTools{
		"nvidia-smi --query-gpu": says(lineOf("uuid", "GPU-mig", "mig.mode.current", "Enabled") + lineOf("index", "1", "uuid", "GPU-busy")),
		"nvidia-smi -q -x":       says(detailsXML),
		"nvidia-smi -L":          says(instancesList),
		"nvidia-smi topo -m":     says(topology),
		"amd-smi static":         says(amdStatic),
	}
	h, err := Read(noContext(), tools.run)
	if err != nil || len(h.Problems) != 0 || h.Failure() != "" {
		t.Fatalf("problems %+v, failure %q, error %v", h.Problems, h.Failure(), err)
	}
	if len(h.Devices) != 4 || h.Driver != "570.86.15" || h.CUDA != "12.8" || h.Links.Between(0, 1) != "NV12" || len(h.Tools) != 2 {
		t.Errorf("%d devices, driver %q, CUDA %q, links %v, tools %+v", len(h.Devices), h.Driver, h.CUDA, h.Links, h.Tools)
	}
	if s := h.Devices[0].Slices; !h.Devices[0].MIG || len(s) != 2 || s[1] != (Slice{"1g.10gb+me", "MIG-GPU-mig/4/0", 9856}) {
		t.Errorf("instances %+v", s)
	}
	if got := h.Devices[1].InUse(); got != "used by process 116860 (/opt/venv/bin/python3, 65710 MiB), process 77" {
		t.Errorf("in use: %q", got)
	}
	if h.Devices[2].Maker != MakerAMD || h.Devices[2].InUse() != "" {
		t.Errorf("%+v", h.Devices[2])
	}
	if _, err := json.Marshal(h); err != nil {
		t.Error(err)
	}
}

func TestReadOfAHostWithoutGPUs(t *testing.T) {
	h, err := Read(noContext(), fakeTools{}.run)
	if err != nil || len(h.Devices) != 0 || h.Failure() != "" || len(h.Tools) != 2 || h.Tools[0] != (Tool{Name: "nvidia-smi", Status: ToolAbsent}) || h.Tools[1].Status != ToolAbsent {
		t.Errorf("%+v, error %v", h, err)
	}
}

// TestPartsThatCanNotBeRead loses a part and keeps the rest.
func TestPartsThatCanNotBeRead(t *testing.T) {
	h, err := Read(noContext(), fakeTools{"nvidia-smi --query-gpu": says(linesOf(2)), "nvidia-smi -q -x": says("<html>"), "rocm-smi": says("Driver not initialized")}.run)
	if err != nil || len(h.Devices) != 2 || len(h.Problems) != 2 || h.Links != nil {
		t.Errorf("%+v, error %v", h, err)
	}
	if h.Tools[1].Name != "rocm-smi" || h.Tools[1].Status != ToolFailed || !strings.Contains(h.Failure(), "its JSON can not be read") {
		t.Errorf("tools %+v", h.Tools)
	}
}

// onPath puts tools of the test's own on PATH, as shell scripts.
func onPath(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
}

func TestToolsThatFail(t *testing.T) {
	onPath(t, map[string]string{
		"nvidia-smi": "echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\"; echo; exit 9",
		"amd-smi":    "echo 'AMDSMI_STATUS_DRIVER_NOT_LOADED \033[31mred' >&2; exit 1"})
	h, err := Read(noContext(), Run)
	if err != nil || len(h.Devices) != 0 || len(h.Tools) != 2 {
		t.Fatalf("%+v, error %v", h, err)
	}
	if d := h.Tools[0].Detail; h.Tools[0].Status != ToolFailed || !strings.Contains(d, "exit status 9: NVIDIA-SMI has failed because it couldn't communicate") {
		t.Errorf("%+v", h.Tools[0])
	}
	if d := h.Tools[1].Detail; !strings.Contains(d, "DRIVER_NOT_LOADED [31mred") || strings.Contains(d, "\x1b") {
		t.Errorf("%+v", h.Tools[1])
	}
}

func TestToolsThatHang(t *testing.T) {
	defer goleak.VerifyNone(t)
	onPath(t, map[string]string{"nvidia-smi": "trap '' TERM; exec sleep 600"})
	began := time.Now()
	_, err := runWithin(noContext(), 200*time.Millisecond, "nvidia-smi")
	if err == nil || !strings.Contains(err.Error(), "did not answer within 200ms") || time.Since(began) > time.Minute {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	ctx, cancel := context.WithCancel(noContext())
	cancel()
	if _, err := Run(ctx, "nvidia-smi"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Read(ctx, Run); !errors.Is(err, context.Canceled) {
		t.Errorf("read, cancelled: %v", err)
	}
}

// TestAToolThatCanNotBeKilled does not hold either: a process that is stuck in the kernel
// never ends.
func TestAToolThatCanNotBeKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(noContext())
	cancel()
	if _, over := await(ctx, make(chan error), time.Millisecond); over {
		t.Error("it ended")
	}
}

// TestAHungChildDoesNotHold ends at the limit though a child of the tool keeps its output
// open.
func TestAHungChildDoesNotHold(t *testing.T) {
	onPath(t, map[string]string{"nvidia-smi": "sleep 50 & echo started; wait"})
	began := time.Now()
	if out, err := runWithin(noContext(), 200*time.Millisecond, "nvidia-smi"); err == nil || time.Since(began) > 40*time.Second {
		t.Errorf("after %s: %q, %v", time.Since(began), out, err)
	}
}

func TestToolsThatSayTooMuch(t *testing.T) {
	onPath(t, map[string]string{"nvidia-smi": "head -c 20000000 /dev/zero | tr '\\0' x"})
	if out, err := Run(noContext(), "nvidia-smi"); err == nil || !strings.Contains(err.Error(), "too long") || len(out) > maxSaid {
		t.Errorf("%d bytes, error %v", len(out), err)
	}
}

func TestVisible(t *testing.T) {
	for list, want := range map[string]string{"": "", "2,0": "GPU-2 GPU-0", "GPU-1": "GPU-1", "1,-1,2": "GPU-1", "NoDevFiles": "", "GPU-": "", " 1 , 0": "GPU-1 GPU-0"} {
		var got []string
		for _, g := range Visible(gpusOf(3), list) {
			got = append(got, g.UUID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
