package hardwareview

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/spec"
)

func device(index int, name string, mib int) gpu.Device {
	return gpu.Device{Maker: gpu.MakerNVIDIA, GPU: spec.GPU{Index: index, UUID: "GPU-" + string(rune('a'+index)), Name: name, MemoryMiB: mib}}
}

func printed(t *testing.T, d HostDocument) string {
	t.Helper()
	var b strings.Builder
	if err := Detected(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDetectedSaysWhoUsesAGPU(t *testing.T) {
	h := gpu.Host{Devices: []gpu.Device{device(0, "NVIDIA L4", 23034), device(1, "NVIDIA L4", 23034), device(2, "NVIDIA L4", 23034), device(3, "NVIDIA L4", 0)}}
	h.Devices[1].MemoryUsedMiB = gpu.Reading{Value: 20000, Known: true}
	h.Devices[2].Broken = "GPU requires reset"
	holders := map[string]lock.Holder{"GPU-a": {PID: 7, Suite: "chat", Since: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}}
	text := printed(t, Host("node7", "", h, holders))
	for _, part := range []string{"node7: 4 GPUs\n", "reserved by suite chat (process 7, since 2026-11-25T09:00:00Z)", "20000 MiB in use by a process that can not be seen", "broken: GPU requires reset",
		"?          ?      ?       l4      free", "system = \"l4\"\n  gpus   = 3\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

func TestDetectedSaysWhereLinksAreMissing(t *testing.T) {
	h := gpu.Host{Devices: []gpu.Device{device(0, "NVIDIA H200", 143771), device(1, "NVIDIA H200", 143771)}, Links: gpu.Links{{"", "SYS"}, {"SYS", ""}}}
	if text := printed(t, Host("n", "", h, nil)); !strings.Contains(text, "Not all GPUs are linked to each other over NVLink.") {
		t.Error(text)
	}
}

// TestForeignTextIsClean holds what tools and other users wrote to one line and no
// commands for the terminal.
func TestForeignTextIsClean(t *testing.T) {
	h := gpu.Host{Devices: []gpu.Device{device(0, "NVIDIA\x1b[31m X\nfoo", 1)}, Problems: []gpu.Problem{{What: "a GPU", Detail: "bad\x1b[2J"}},
		Tools: []gpu.Tool{{Name: "nvidia-smi", Status: gpu.ToolFailed, Detail: "said\x07 no"}}}
	for _, d := range []HostDocument{Host("n", "0\x1b]", h, nil), Host("n", "", gpu.Host{Tools: h.Tools}, nil)} {
		if text := printed(t, d); strings.ContainsAny(text, "\x1b\x07\r") || strings.Contains(text, "X\nfoo") {
			t.Errorf("%q", text)
		}
	}
}

func TestDocumentsAreJSON(t *testing.T) {
	content, err := json.Marshal(Host("n", "", gpu.Host{Devices: []gpu.Device{device(0, "NVIDIA L4", 23034)}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		GPUs []map[string]any `json:"gpus"`
	}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"index": 0.0, "uuid": "GPU-a", "system": "l4", "memory_mib": 23034.0, "power_w": nil, "maker": "NVIDIA"} {
		if got, there := d.GPUs[0][name]; !there || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
