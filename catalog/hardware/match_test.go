package hardware

import (
	"errors"
	"strings"
	"testing"

	"aicv/spec"
)

// host has groups of GPUs: a count, a name and a memory size each.
type group struct {
	n    int
	name string
	mib  int
}

func host(groups ...group) spec.Inventory {
	there := spec.Inventory{Host: "node7", Driver: "570.86.15"}
	for _, g := range groups {
		for range g.n {
			there.GPUs = append(there.GPUs, spec.GPU{Index: len(there.GPUs), Name: g.name, MemoryMiB: g.mib})
		}
	}
	return there
}

func declared(system string, n int) *spec.Hardware {
	return &spec.Hardware{Name: "pool", System: system, GPUs: n}
}

func TestMatch(t *testing.T) {
	h100, h200 := group{4, "NVIDIA H100 80GB HBM3", 81559}, group{8, "NVIDIA H200", 143771}
	mixed := host(h100, h200)
	for _, c := range []struct {
		name  string
		want  *spec.Hardware
		there spec.Inventory
		first int // index of the first GPU; -1: refused
		n     int
	}{
		{"exact", declared("h200_sxm", 8), host(h200), 0, 8},
		{"more than declared", declared("h200_sxm", 2), host(h200), 0, 8},
		{"the right ones of a mixed host", declared("h200_sxm", 4), mixed, 4, 8},
		{"too few of a mixed host", declared("h100_sxm", 8), mixed, -1, 0},
		{"another system", declared("h200_sxm", 8), host(h100), -1, 0},
		{"no GPUs", declared("h200_sxm", 1), host(), -1, 0},
		{"a system of one's own", declared("our_box", 8), mixed, 4, 8},
		{"too few for a system of one's own", declared("our_box", 9), mixed, -1, 0},
		{"a maker that can not be listed", declared("b60", 1), host(), -1, 0},
	} {
		got, err := Match(c.want, c.there)
		if c.first < 0 {
			if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || got != nil {
				t.Errorf("%s: %v, error %v", c.name, got, err)
			}
			continue
		}
		if err != nil || len(got) != c.n || got[0].Index != c.first {
			t.Errorf("%s: %v, error %v", c.name, got, err)
		}
	}
}

func TestMatchIsByIndex(t *testing.T) {
	there := host(group{3, "NVIDIA L4", 23034})
	there.GPUs[0], there.GPUs[2] = there.GPUs[2], there.GPUs[0]
	got, err := Match(declared("l4", 3), there)
	if err != nil || got[0].Index != 0 || got[2].Index != 2 || there.GPUs[0].Index != 2 {
		t.Errorf("%v, error %v, host %v", got, err, there.GPUs)
	}
}

func TestMismatchSaysWhatIsThere(t *testing.T) {
	mig := host(group{2, "NVIDIA H100 80GB HBM3", 81559})
	mig.GPUs[0].MIG, mig.GPUs[1].MIG = true, true
	failing := spec.Inventory{Host: "node7", Driver: "unreadable: nvidia-smi: exit status 9"}
	for _, c := range []struct {
		want    *spec.Hardware
		there   spec.Inventory
		message string
		detail  string
	}{
		{declared("h200_sxm", 8), host(group{4, "NVIDIA H100 80GB HBM3", 81559}),
			`hardware.pool declares 8 x h200_sxm, found 4 x NVIDIA H100 80GB HBM3 (h100_sxm) on node7 (run it on a host that has them, or declare system = "h100_sxm" and gpus = 4)`, ""},
		{declared("h100_sxm", 8), host(group{4, "NVIDIA H100 80GB HBM3", 81559}, group{5, "NVIDIA L4", 23034}),
			`hardware.pool declares 8 x h100_sxm, found 4 x NVIDIA H100 80GB HBM3 (h100_sxm), 5 x NVIDIA L4 (l4) on node7 (run it on a host that has them, or declare gpus = 4)`, ""},
		{declared("h100_sxm", 2), host(group{2, "NVIDIA H100 NVL", 95830}),
			`hardware.pool declares 2 x h100_sxm, found 2 x NVIDIA H100 NVL (no system describes it) on node7 (run it on a host that has them)`,
			"NVIDIA H100 NVL: It is a PCIe card with 94 GB of faster memory than the H100 PCIe, linked to one neighbour at most. The nearest system is h100_sxm; predictions for it are not for this GPU."},
		{declared("a100_sxm", 1), host(group{1, "NVIDIA A100-SXM4-40GB", 40960}),
			`hardware.pool declares 1 x a100_sxm, found 1 x NVIDIA A100-SXM4-40GB (no system describes it) on node7 (run it on a host that has them)`, "NVIDIA A100-SXM4-40GB: It has 40 GB"},
		{declared("h100_sxm", 1), mig,
			`hardware.pool declares 1 x h100_sxm, found 2 x NVIDIA H100 80GB HBM3 in MIG mode (no system describes it) on node7 (run it on a host that has them, or take these out of MIG mode)`, ""},
		{declared("h100_sxm", 1), failing,
			`hardware.pool declares 1 x h100_sxm, found no GPU on node7 (driver: unreadable: nvidia-smi: exit status 9) (run it on a host that has them, or check the driver with nvidia-smi)`, ""},
		{declared("b60", 2), host(), `hardware.pool declares 2 x b60: GPUs of Intel can not be listed here, so that nobody can say whether they are there (measure it as an endpoint)`, ""},
	} {
		_, err := Match(c.want, c.there)
		e := (*spec.Error)(nil)
		if !errors.As(err, &e) || e.Error() != c.message || !strings.HasPrefix(e.Detail, c.detail) || (c.detail == "") != (e.Detail == "") {
			t.Errorf("got  %v\nwant %s\ndetail %q", err, c.message, e.Detail)
		}
	}
}

func TestDoubts(t *testing.T) {
	there := host(group{3, "NVIDIA H100 80GB HBM3", 81559}, group{1, "NVIDIA GeForce RTX 4090", 24564})
	there.GPUs[0].PowerLimitW, there.GPUs[1].PowerLimitW, there.GPUs[3].PowerLimitW = 500, 700, 100
	doubts := Doubts(there.GPUs)
	if len(doubts) != 1 || doubts[0].Check != "gpu_power_limit" || doubts[0].Message != "GPU 0 is limited to 500 W; h100_sxm is predicted at 700 W" {
		t.Errorf("%+v", doubts)
	}
}
