package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

const smiOutput = `1, GPU-bbbb, NVIDIA H200, 143771, 570.86.15
0, GPU-aaaa, NVIDIA H200, [N/A], 570.86.15
2, GPU-cccc, NVIDIA H200, 143771, 570.86.15
`

func TestParseSMI(t *testing.T) {
	found, err := parseSMI(smiOutput)
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.GPU{{Index: 0, UUID: "GPU-aaaa", Name: "NVIDIA H200"}, {Index: 1, UUID: "GPU-bbbb", Name: "NVIDIA H200", MemoryMiB: 143771},
		{Index: 2, UUID: "GPU-cccc", Name: "NVIDIA H200", MemoryMiB: 143771}}
	if diff := cmp.Diff(want, found.gpus); diff != "" || found.driver != "570.86.15" {
		t.Errorf("driver %q, GPUs (-want +got)\n%s", found.driver, diff)
	}
	for _, text := range []string{"x, GPU-a, H200, 1, 2\n", "0, , H200, 1, 2\n", "0, GPU-a\n", "No devices were found\n"} {
		if got, err := parseSMI(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

// fakeSMI puts a tool on PATH that behaves as told.
func fakeSMI(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestInventory(t *testing.T) {
	fakeSMI(t, "cat <<'E'\n"+smiOutput+"E\n")
	found, err := newTest(t, t.TempDir(), t.TempDir(), nil).Inventory(noContext())
	if err != nil || len(found.GPUs) != 3 || found.Driver != "570.86.15" || found.Host == "" || found.CPUs == 0 || !strings.Contains(found.OS, "kernel") {
		t.Errorf("%+v, error %v", found, err)
	}
}

func TestInventoryWithABrokenDriver(t *testing.T) {
	fakeSMI(t, "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18\n")
	found, err := newTest(t, t.TempDir(), t.TempDir(), nil).Inventory(noContext())
	if err != nil || len(found.GPUs) != 0 || !strings.Contains(found.Driver, "version mismatch") {
		t.Errorf("%+v, error %v", found, err)
	}
}

func TestInventoryWithoutADriver(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	found, err := newTest(t, t.TempDir(), t.TempDir(), nil).Inventory(noContext())
	if err != nil || len(found.GPUs) != 0 || found.Driver != "" {
		t.Errorf("%+v, error %v", found, err)
	}
}

// withGPUs is a host with the GPUs of smiOutput.
func withGPUs(t *testing.T, work, locks string) *target {
	made := newTest(t, work, locks, ports("19280-19289"))
	made.smi = func(context.Context) (smi, error) { return parseSMI(smiOutput) }
	return made
}

func TestGPUsAreReserved(t *testing.T) {
	work, locks := t.TempDir(), t.TempDir()
	made := withGPUs(t, work, locks)
	start := func(made *target, key string, gpus int) (spec.Server, error) {
		return made.Start(noContext(), spec.StartRequest{Suite: "s", Key: key, Spec: spec.ServerSpec{
			Command: []string{"sh", "-c", "echo devices $CUDA_VISIBLE_DEVICES; exec sleep 60"}, GPUs: gpus}})
	}
	first, err := start(made, "a", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Stop(noContext(), first, 0) }()
	for log := ""; log != "devices GPU-aaaa,GPU-bbbb\n"; {
		if log, err = made.Log(noContext(), first, 100); err != nil {
			t.Fatal(err)
		}
	}
	other := withGPUs(t, t.TempDir(), locks) // another suite of the host
	_, err = start(other, "b", 2)
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), "1 of 3 are free") {
		t.Fatalf("more GPUs than are free: %v", err)
	}
	second, err := start(other, "b", 1)
	if err != nil {
		t.Fatalf("the refused server kept a GPU: %v", err)
	}
	if err := errors.Join(other.Stop(noContext(), second, 0), made.Stop(noContext(), first, 0)); err != nil {
		t.Fatal(err)
	}
	third, err := start(other, "c", 3)
	if err != nil {
		t.Fatalf("stopped servers kept GPUs: %v", err)
	}
	if err := other.Stop(noContext(), third, 0); err != nil {
		t.Fatal(err)
	}
}

func TestGPUsWithoutADriver(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), ports("19280-19289"))
	made.smi = func(context.Context) (smi, error) { return smi{}, exec.ErrNotFound }
	_, err := made.Start(noContext(), spec.StartRequest{Suite: "s", Key: "k", Spec: spec.ServerSpec{Command: []string{"sleep", "60"}, GPUs: 1}})
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), "nvidia-smi") {
		t.Errorf("error %v", err)
	}
}

func TestRestrict(t *testing.T) {
	found, err := parseSMI(smiOutput)
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{"": "", "2,0": "GPU-cccc GPU-aaaa", "GPU-bb": "GPU-bbbb", "1,-1,2": "GPU-bbbb", "NoDevFiles": "", "GPU-": "", " 1 , 0": "GPU-bbbb GPU-aaaa"} {
		var got []string
		for _, gpu := range restrict(found.gpus, list) {
			got = append(got, gpu.UUID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("1 (a) b) S 1 2 3"))
	f.Add([]byte(")"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, ok := parseStat(7, content)
		if ok && p.pid != 7 {
			t.Errorf("%q: %+v", content, p)
		}
	})
}

func FuzzParseSMI(f *testing.F) {
	f.Add(smiOutput)
	f.Add("0, GPU-a, \"H\"200, 1, 2")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parseSMI(text)
		if err != nil && len(found.gpus) > 0 {
			t.Errorf("%q: GPUs and the error %v", text, err)
		}
	})
}

func TestIdentityText(t *testing.T) {
	id := identity{"b-1", 12, 345}
	if got := parseIdentity(id.String()); got != id {
		t.Errorf("%q was read as %+v", id, got)
	}
	for _, text := range []string{"", "1/2", "x/2/b", "1/x/b", "-1/2/b", "no-such-id"} {
		if got := parseIdentity(text); got != (identity{}) {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}
