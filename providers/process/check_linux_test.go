package process

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"aicv/spec"
)

// checked finds a check by name.
func checked(t *testing.T, target *target, name string) spec.Check {
	t.Helper()
	for _, c := range target.Check(noContext()) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %q", name)
	return spec.Check{}
}

func TestCheckPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	full := newTest(t, t.TempDir(), t.TempDir(), spec.Attrs{"port_range": spec.StringValue(fmt.Sprintf("%d-%d", port, port))})
	if c := checked(t, full, "ports"); c.Status != spec.CheckFail || c.Fix == "" {
		t.Errorf("%+v", c)
	}
	away := newTest(t, t.TempDir(), t.TempDir(), spec.Attrs{"host": spec.StringValue("203.0.113.7")})
	if c := checked(t, away, "ports"); c.Status != spec.CheckFail || !strings.Contains(c.Found, "203.0.113.7") {
		t.Errorf("%+v", c)
	}
	good := newTest(t, t.TempDir(), t.TempDir(), nil)
	if c := checked(t, good, "ports"); c.Status != spec.CheckOK || !strings.Contains(c.Found, "18000 to 18999") {
		t.Errorf("%+v", c)
	}
	if c := checked(t, good, "/proc"); c.Status != spec.CheckOK {
		t.Errorf("%+v", c)
	}
}

func TestCheckGPUs(t *testing.T) {
	for script, want := range map[string]spec.Check{
		smiScript(""): {Status: spec.CheckOK, Found: "3 with driver 570.86.15: 3 x NVIDIA H200 (h200_sxm)"},
		"echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18\n": {Status: spec.CheckWarn, Found: "version mismatch"},
	} {
		fakeSMI(t, script)
		if c := checked(t, newTest(t, t.TempDir(), t.TempDir(), nil), "GPUs"); c.Status != want.Status || !strings.Contains(c.Found, want.Found) {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if c := checked(t, newTest(t, t.TempDir(), t.TempDir(), nil), "GPUs"); c.Status != spec.CheckSkip {
		t.Errorf("%+v", c)
	}
}
