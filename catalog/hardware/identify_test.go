package hardware

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aicv/spec"
)

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		name    string
		mib     int
		system  string
		nearest string
		why     string // part of it
	}{
		{"NVIDIA H100 80GB HBM3", 81559, "h100_sxm", "", ""},
		{"NVIDIA H100 80GB HBM3", 0, "h100_sxm", "", ""},
		{"nvidia h100  80gb hbm3", 81559, "h100_sxm", "", ""},
		{"NVIDIA H100 PCIe", 81559, "h100_pcie", "", ""},
		{"NVIDIA H100 NVL", 95830, "", "h100_sxm", "94 GB"},
		{"NVIDIA H100 80GB HBM2e", 81559, "", "h100_pcie", "slower memory"},
		{"NVIDIA H100", 65247, "", "h100_sxm", "variant"},
		{"NVIDIA H100 80GB HBM3", 65247, "", "h100_sxm", "reports 65247 MiB of memory, and h100_sxm has 81559"},
		{"NVIDIA H200", 143771, "h200_sxm", "", ""},
		{"NVIDIA H200 NVL", 143771, "", "h200_sxm", "PCIe card"},
		{"NVIDIA H800", 81559, "", "h100_sxm", "slower NVLink"},
		{"NVIDIA H800 PCIe", 81559, "", "h100_pcie", "slower NVLink"},
		{"NVIDIA H20", 97871, "", "", "compute"},
		{"NVIDIA H20-3e", 143771, "", "", "compute"},
		{"NVIDIA H20 NVL16", 97871, "", "", "compute"},
		{"NVIDIA GH200 480GB", 97871, "", "h100_sxm", "Grace Hopper"},
		{"NVIDIA GH200 144G HBM3e", 146831, "", "h200_sxm", "Grace Hopper"},
		{"NVIDIA A100-SXM4-80GB", 81920, "a100_sxm", "", ""},
		{"A100-SXM4-80GB", 81920, "a100_sxm", "", ""}, // drivers before 470 name no maker
		{"NVIDIA A100-SXM4-40GB", 40960, "", "a100_sxm", "40 GB"},
		{"NVIDIA A100 80GB PCIe", 81920, "a100_pcie", "", ""},
		{"NVIDIA A100-PCIE-40GB", 40960, "", "a100_pcie", "40 GB"},
		{"NVIDIA A100-SXM-64GB", 65536, "", "a100_sxm", "variant"},
		{"NVIDIA A800-SXM4-80GB", 81920, "", "a100_sxm", "slower NVLink"},
		{"NVIDIA A800 80GB PCIe", 81920, "", "a100_pcie", "slower NVLink"},
		{"NVIDIA A30", 24576, "a30", "", ""},
		{"NVIDIA A10G", 23028, "", "a30", "bandwidth"},
		{"NVIDIA L4", 23034, "l4", "", ""},
		{"NVIDIA L40S", 46068, "l40s", "", ""},
		{"NVIDIA L40S", 49140, "l40s", "", ""}, // ECC off
		{"NVIDIA L40", 46068, "", "l40s", "half"},
		{"NVIDIA B200", 183359, "b200_sxm", "", ""},
		{"NVIDIA B300 SXM6 AC", 275040, "b300_sxm", "", ""},
		{"NVIDIA GB200", 189471, "gb200", "", ""},
		{"NVIDIA GB300", 284208, "gb300", "", ""},
		{"NVIDIA GB10", 0, "", "", "shares its memory"},
		{"NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, "rtx_pro_6000_server", "", ""},
		{"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 97887, "", "rtx_pro_6000_server", "workstation"},
		{"NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 97887, "", "rtx_pro_6000_server", "workstation"},
		{"NVIDIA RTX PRO 4500 Blackwell", 32623, "", "rtx_pro_6000_server", "smaller"},
		{"NVIDIA RTX 6000 Ada Generation", 49140, "", "l40s", "workstation"},
		{"NVIDIA RTX A6000", 49140, "", "", "workstation"},
		{"NVIDIA GeForce RTX 4090", 24564, "", "l40s", "consumer"},
		{"NVIDIA GeForce RTX 5090", 32607, "", "rtx_pro_6000_server", "consumer"},
		{"NVIDIA GeForce GTX 1070 Ti", 8192, "", "", "consumer"},
		{"Tesla T4", 15360, "", "", "older"},
		{"Tesla V100-SXM2-32GB", 32510, "", "", "older"},
		{"MIG 1g.10gb", 9856, "", "", "MIG instance"},
		{"GRID A100D-10C", 10240, "", "", "virtual"},
		{"NVIDIA A100D-1-20C", 20480, "", "", "virtual"},
		{"NVIDIA H100XM-80C", 81920, "", "", "virtual"},
		{"NVIDIA L40S-48Q", 49152, "", "", "virtual"},
		{"AMD Instinct MI300X", 196592, "", "", "no system with AMD"},
		{"NVIDIA X9000", 1, "", "", "No system is known"},
		{"", 0, "", "", "no name"},
		{"NVIDIA ", 0, "", "", "No system is known"},
	} {
		id := Identify(spec.GPU{Name: c.name, MemoryMiB: c.mib})
		if id.System != c.system || id.Nearest != c.nearest || !strings.Contains(id.Why, c.why) || (id.Why == "") != (id.System != "") {
			t.Errorf("%q with %d MiB: %+v", c.name, c.mib, id)
		}
		if explained := id.Explain(); (id.Nearest != "") != strings.Contains(explained, "The nearest system is "+id.Nearest+";") && id.System == "" && id.Nearest != "" {
			t.Errorf("%q: %s", c.name, explained)
		}
	}
}

func TestAGPUInMIGModeIsNoSystem(t *testing.T) {
	id := Identify(spec.GPU{Name: "NVIDIA H100 80GB HBM3", MemoryMiB: 81559, MIG: true})
	if id.System != "" || id.Nearest != "h100_sxm" || !strings.Contains(id.Why, "MIG") {
		t.Errorf("%+v", id)
	}
}

// TestProducts holds the table to itself: every system that it names exists, every row has
// either a system or a reason, and no row hides another of the same name.
func TestProducts(t *testing.T) {
	var seen []string
	for _, p := range Products() {
		for _, system := range []string{p.System, p.Nearest} {
			if system != "" && !slices.Contains(Names(), system) {
				t.Errorf("%s: no system %s", p.Name, system)
			}
		}
		if (p.System == "") == (p.Why == "") || p.System != "" && p.Nearest != "" {
			t.Errorf("%+v", p)
		}
		if strings.Count(p.Name, "*") > 1 || slices.Contains(seen, strings.ToLower(p.Name)) {
			t.Errorf("%s stands twice, or has two stars", p.Name)
		}
		seen = append(seen, strings.ToLower(p.Name))
		whole := strings.ReplaceAll(p.Name, "*", "x")
		if got, known := product(whole); !known || fits(got.Name, whole) < fits(p.Name, whole) {
			t.Errorf("%s is found as %+v", whole, got)
		}
	}
}

func TestAWholeNameHoldsBeforeAPattern(t *testing.T) {
	if fits("B200", "b200") <= fits("B200*", "B200") || fits("H20", "H200") >= 0 || fits("RTX * Ada Generation", "RTX Ada Generation") >= 0 {
		t.Error("names are not told apart")
	}
}

// TestNamesAreSafe identifies anything, and never gives both a system and a reason.
func TestNamesAreSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := spec.GPU{Name: rapid.String().Draw(t, "name"), MemoryMiB: rapid.Int().Draw(t, "MiB"), MIG: rapid.Bool().Draw(t, "MIG")}
		if id := Identify(g); (id.System == "") == (id.Why == "") {
			t.Fatalf("%+v", id)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	f.Add("NVIDIA H100 80GB HBM3", 81559)
	f.Add("GRID A100D-10C", -1)
	f.Add("RTX  Ada Generation", 1<<40)
	f.Fuzz(func(t *testing.T, name string, mib int) {
		id := Identify(spec.GPU{Name: name, MemoryMiB: mib})
		if s, ok := Lookup(id.System); id.System != "" && (!ok || !likeMemory(s, mib)) {
			t.Errorf("%q with %d MiB: %+v", name, mib, id)
		}
	})
}

func TestGuess(t *testing.T) {
	for word, want := range map[string]string{
		"h200": "h200_sxm", "H200": "h200_sxm", "h100": "h100_pcie h100_sxm", "a100-sxm": "a100_sxm", "H100 SXM": "h100_sxm", "h100_sxm5": "h100_sxm", "NVIDIA H100 PCIe": "h100_pcie",
		"H100 80GB HBM3": "h100_sxm", "l40": "l40s", "l-4": "l4", "rtx_pro_6000": "rtx_pro_6000_server", "gb200_nvl72": "gb200", "": "", "_": "", "our_cluster": "", "mi300x": "", "h100_sxm": "h100_sxm",
	} {
		if got := strings.Join(Guess(word), " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
