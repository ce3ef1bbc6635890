package hardware

import (
	"slices"
	"strings"
	"testing"
)

func TestSystems(t *testing.T) {
	list := Systems()
	if len(list) != 14 || !slices.IsSorted(Names()) {
		t.Fatalf("%d systems: %v", len(list), Names())
	}
	for _, s := range list {
		if s.Title == "" || s.Vendor == "" || s.Link == "" || s.Memory == 0 || s.MemoryBandwidth == 0 || s.BF16 == 0 || s.Power == 0 || s.GPUsPerNode == 0 || s.Reserve == 0 {
			t.Errorf("%s lacks figures: %+v", s.Name, s)
		}
		if (s.Reported > 0) != (s.ReportedBy != "") {
			t.Errorf("%s: memory reported without a source, or a source without memory", s.Name)
		}
		if s.Vendor == NVIDIA && (len(s.Named()) == 0 || s.SM == 0 || s.Reported == 0) {
			t.Errorf("%s: names %v, SM %d, reports %d", s.Name, s.Named(), s.SM, s.Reported)
		}
		if s.Reported > s.Memory || s.Reported > 0 && s.Reported < s.Memory*85/100 {
			t.Errorf("%s: %d bytes reported, %d assumed", s.Name, s.Reported, s.Memory)
		}
		if (s.GPUsPerRack > 0) != (s.InterRack > 0) {
			t.Errorf("%s: racks of %d GPUs at %d bytes/s", s.Name, s.GPUsPerRack, s.InterRack)
		}
		if got, ok := Lookup(s.Name); !ok || got.Title != s.Title || got.Memory != s.Memory {
			t.Errorf("looking %s up gives %+v", s.Name, got)
		}
	}
	if _, ok := Lookup("h999"); ok {
		t.Error("h999 is known")
	}
	for name := range annotations() {
		if !slices.Contains(Names(), name) {
			t.Errorf("%s is annotated and no system", name)
		}
	}
}

// TestFiguresByHand compares some figures with what was read by eye in the system files.
func TestFiguresByHand(t *testing.T) {
	h200, _ := Lookup("h200_sxm")
	if h200.Memory != 141<<30 || h200.MemoryBandwidth != 4_800_000_000_000 || h200.FP8 != 1_978_000_000_000_000 || h200.IntraNode != 450_000_000_000 || h200.Usable()>>20 != 143771 {
		t.Errorf("%+v", h200)
	}
	gb200, _ := Lookup("gb200")
	if gb200.GPUsPerNode != 4 || gb200.GPUsPerRack != 72 || gb200.EstimateOnly || gb200.ComputeCapability() != "10.0" {
		t.Errorf("%+v", gb200)
	}
	l4, _ := Lookup("l4")
	if !l4.EstimateOnly || l4.Power != 72 || l4.Buffers(1) != 0 || l4.Buffers(3) != 342<<20 || l4.Buffers(16) != 392<<20 {
		t.Errorf("%+v", l4)
	}
	if b60, _ := Lookup("b60"); b60.ComputeCapability() != "" || b60.Usable() != b60.Memory {
		t.Errorf("%+v", b60)
	}
}

// TestNativeFormats agrees with the predictor's figures, but for the one GPU whose figure
// stands for a detour.
func TestNativeFormats(t *testing.T) {
	for _, s := range Systems() {
		for f, figure := range map[Format]int64{BF16: s.BF16, INT8: s.INT8, FP8: s.FP8, NVFP4: s.FP4} {
			if fallback := s.Name == "b60" && f == FP8; s.Native(f) != (figure > 0) != fallback {
				t.Errorf("%s: %s native %v, %d operations/s", s.Name, f, s.Native(f), figure)
			}
		}
		if s.Native("fp2") {
			t.Errorf("%s multiplies fp2", s.Name)
		}
	}
	want := map[string]string{"a100_sxm": "bfloat16 int8", "l40s": "bfloat16 int8 fp8", "h100_sxm": "bfloat16 int8 fp8", "b200_sxm": "bfloat16 int8 fp8 nvfp4", "b60": "bfloat16 int8"}
	for name, formats := range want {
		s, _ := Lookup(name)
		var got []string
		for _, f := range Formats() {
			if s.Native(f) {
				got = append(got, string(f))
			}
		}
		if strings.Join(got, " ") != formats {
			t.Errorf("%s: %v, want %s", name, got, formats)
		}
	}
}
