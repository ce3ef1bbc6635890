package gpu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

func TestSample(t *testing.T) {
	driver := func(apps string) fakeTools {
		return fakeTools{
			"nvidia-smi --query-gpu":          says("0, GPU-a, NVIDIA H200, 143771, 120000, 00000000:18:00.0, 700, 695.5, 1410, 3201, 1980, 3201, Enabled, 70, 99, Disabled, 0x0000000000000004, 9.0, 570.1\n1, GPU-b, NVIDIA H200, 143771, 0, 00000000:2A:00.0, 700, 75, 345, 3201, 1980, 3201, Enabled, 30, 0, Disabled, 0x0000000000000001, 9.0, 570.1\n"),
			"nvidia-smi --query-compute-apps": says(apps),
		}
	}
	own := func(pid int) bool { return pid == 10 }
	for name, c := range map[string]struct {
		apps  string
		uuids []string
		want  []spec.GPUSample
	}{
		"a busy neighbour": {"GPU-a, 10, 1000, engine\nGPU-a, 11, 500, python\nGPU-b, 12, 5, other\n", []string{"GPU-a"},
			[]spec.GPUSample{{Index: 0, UUID: "GPU-a", SMClockMHz: 1410, PowerW: 695.5, MemoryMiB: 120000, Slowdowns: []string{"sw_power_cap"}, Foreign: []string{"python (pid 11)"}}}},
		"strange process ids": {"GPU-a, 77, 1000, engine\n", []string{"GPU-a"},
			[]spec.GPUSample{{Index: 0, UUID: "GPU-a", SMClockMHz: 1410, PowerW: 695.5, MemoryMiB: 120000, Slowdowns: []string{"sw_power_cap"}}}},
		"an idle GPU": {"GPU-b, 10, 5, engine\n", []string{"GPU-b"},
			[]spec.GPUSample{{Index: 1, UUID: "GPU-b", SMClockMHz: 345, PowerW: 75}}},
		"none of the server's": {"", []string{"GPU-z"}, nil},
	} {
		got, err := Sample(t.Context(), driver(c.apps).run, c.uuids, own)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := Sample(t.Context(), fakeTools{}.run, []string{"GPU-a"}, own); err == nil {
		t.Error("a host without the tool has samples")
	}
}
