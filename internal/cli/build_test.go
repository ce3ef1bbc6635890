package cli

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestBuildIdentity(t *testing.T) {
	if got := buildIdentity(); !strings.HasPrefix(got, Version) || got != buildIdentity() {
		t.Errorf("%q", got)
	}
	if runtime.GOOS != "linux" {
		t.Skip("the linker's mark is read on Linux alone")
	}
	if mark := linkMark("/proc/self/exe"); mark == "" || mark == linkMark("/bin/sh") {
		t.Errorf("this binary's mark is %q", mark)
	}
	if mark := linkMark(os.DevNull); mark != "" {
		t.Errorf("a file that is no binary has the mark %q", mark)
	}
}
