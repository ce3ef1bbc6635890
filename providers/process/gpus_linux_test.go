package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// smiScript answers as nvidia-smi does on a host with three H200; extra are the lines of
// processes that compute on them.
func smiScript(processes string) string {
	return `case "$1" in
--query-gpu=*)
  for gpu in "1 GPU-bbbb" "0 GPU-aaaa" "2 GPU-cccc"; do
    set -- "$1" $gpu
    line=
    for field in $(echo "${1#--query-gpu=}" | tr , ' '); do
      case "$field" in
        index) value=$2 ;; uuid) value=$3 ;; name) value="NVIDIA H200" ;; memory.total) value=143771 ;; memory.used) value=4 ;;
        driver_version) value=570.86.15 ;; mig.mode.current) value=Disabled ;; *) value="[N/A]" ;;
      esac
      line="$line, $value"
    done
    echo "${line#, }"
  done ;;
--query-compute-apps=*) printf '` + processes + `' ;;
-q) echo "<nvidia_smi_log><cuda_version>12.8</cuda_version></nvidia_smi_log>" ;;
*) exit 6 ;;
esac
`
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
	fakeSMI(t, smiScript(""))
	found, err := newTest(t, t.TempDir(), t.TempDir(), nil).Inventory(noContext())
	if err != nil || len(found.GPUs) != 3 || found.Driver != "570.86.15" || found.CUDA != "12.8" || found.Host == "" || found.CPUs == 0 || !strings.Contains(found.OS, "kernel") {
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

// withGPUs is a host with the GPUs of smiScript.
func withGPUs(t *testing.T, work, locks string) *target {
	fakeSMI(t, smiScript(""))
	return newTest(t, work, locks, ports(180, 10))
}

// h200 is hardware that smiScript's host has three GPUs of.
func h200(gpus int) *spec.Hardware {
	return &spec.Hardware{Name: "box", System: "h200_sxm", GPUs: gpus}
}

func TestGPUsAreReserved(t *testing.T) {
	work, locks := t.TempDir(), t.TempDir()
	made := withGPUs(t, work, locks)
	start := func(made *target, key string, gpus int) (spec.Server, error) {
		return made.Start(noContext(), spec.StartRequest{Suite: "s", Key: key, Hardware: h200(gpus), Spec: spec.ServerSpec{
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
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), "1 of 3 are free") || !strings.Contains(err.Error(), "suite s") {
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

func TestGPUsThatServersCanNotHave(t *testing.T) {
	for _, test := range []struct {
		name, script, visible string
		declared              *spec.Hardware
		want                  string
	}{
		{"no driver", "exit 127\n", "", h200(1), "found no GPU"},
		{"another system", smiScript(""), "", &spec.Hardware{Name: "box", System: "h100_sxm", GPUs: 1}, `hardware.box declares 1 x h100_sxm, found 3 x NVIDIA H200 (h200_sxm)`},
		{"too few", smiScript(""), "", h200(4), "declare gpus = 3"},
		{"busy", smiScript(`GPU-aaaa, 4711, python3, 70000\nGPU-bbbb, 4712, python3, 1\nGPU-cccc, 4713, train, 1\n`), "", h200(1), "4711"},
		{"not visible", smiScript(""), "NoDevFiles", h200(1), "CUDA_VISIBLE_DEVICES=NoDevFiles leaves 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeSMI(t, test.script)
			if test.visible != "" {
				t.Setenv(visibleDevices, test.visible)
			}
			made := newTest(t, t.TempDir(), t.TempDir(), ports(180, 10))
			made.patience = 0
			_, err := made.Start(noContext(), spec.StartRequest{Suite: "s", Key: "k", Hardware: test.declared, Spec: spec.ServerSpec{Command: []string{"sleep", "60"}, GPUs: 1}})
			if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestSuitesDoNotShareTheHost: a server's lock outlives the aicv that started it.
func TestSuitesDoNotShareTheHost(t *testing.T) {
	locks := t.TempDir()
	first := newTest(t, t.TempDir(), locks, ports(190, 10))
	sleeper := spec.ServerSpec{Command: []string{"sleep", "60"}}
	one := mustStart(t, first, "one", "k", sleeper)
	second := mustStart(t, first, "one", "k2", sleeper) // of the same suite
	first.held.LetGo(first.folder("one", "k"))          // as a killed aicv would
	first.held.LetGo(first.folder("one", "k2"))
	other := newTest(t, t.TempDir(), locks, ports(190, 10))
	start := func(made *target, s spec.ServerSpec) (spec.Server, error) {
		return made.Start(noContext(), spec.StartRequest{Suite: "two", Key: "k", Spec: s})
	}
	if _, err := start(other, sleeper); err == nil || !strings.Contains(err.Error(), "suite one") || !strings.Contains(err.Error(), "host_wait") {
		t.Errorf("another suite's server beside it: %v", err)
	}
	shared := sharing(newTest(t, t.TempDir(), locks, ports(190, 10)))
	mustStart(t, shared, "three", "k", sleeper)
	simulated := sleeper
	simulated.Simulated = true
	mustStart(t, other, "four", "k", simulated)
	if err := errors.Join(first.Stop(noContext(), one, 0), first.Stop(noContext(), second, 0)); err != nil {
		t.Fatal(err)
	}
	mustStart(t, other, "two", "k", sleeper)
}

func TestNUMABinding(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"bound $1 $2\"\nshift 3\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "numactl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	attrs := ports(200, 10)
	attrs["numa_node"] = spec.IntValue(1)
	made := newTest(t, t.TempDir(), t.TempDir(), attrs)
	server := mustStart(t, made, "s", "k", spec.ServerSpec{Command: []string{"sleep", "60"}})
	for log := ""; log != "bound --cpunodebind=1 --membind=1\n"; {
		var err error
		if log, err = made.Log(noContext(), server, 100); err != nil {
			t.Fatal(err)
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
