package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"aicv/spec"
	"aicv/state"
)

// The bounds below which a host is worth a warning.
const (
	fewBytes  = 1 << 30          // free beside the state
	clockSlip = 10 * time.Minute // by which what lies beside the state may be ahead of the clock
)

// birth is a time before aicv: a clock that shows an earlier one was never set.
func birth() time.Time { return time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC) }

// host looks at the machine.
func host(now time.Time, state string) []Entry {
	return []Entry{{"host", system()}, {"host", clock(now, state)}}
}

func system() spec.Check {
	c := spec.Check{Name: "system", Status: spec.CheckOK, Found: distribution() + ", " + runtime.GOARCH}
	if runtime.GOOS != "linux" {
		c.Status, c.Fix = spec.CheckWarn, "run aicv on Linux where servers shall run as its processes; endpoints and recorded data work here"
	}
	return c
}

// distribution is the name that the system gives itself.
func distribution() string {
	content, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	for line := range strings.Lines(string(content)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return runtime.GOOS
}

// clock compares with what can not be in the future. Measurements are dated by it.
func clock(now time.Time, state string) spec.Check {
	const fix = "set the clock: timedatectl set-ntp true"
	c := spec.Check{Name: "clock", Status: spec.CheckOK, Found: now.Format("2006-01-02 15:04:05 MST")}
	info, err := os.Stat(state)
	switch {
	case now.Before(birth()):
		c.Status, c.Fix = spec.CheckWarn, fix
		c.Found += ", which is before this program was written"
	case err == nil && info.ModTime().Sub(now) > clockSlip:
		c.Status, c.Fix = spec.CheckWarn, fix
		c.Found += fmt.Sprintf(", and the state was written %s later", info.ModTime().Sub(now).Round(time.Minute))
	}
	return c
}

// stateChecks looks at the state and at the folder that it lies in.
func stateChecks(ctx context.Context, path string) []Entry {
	folder := filepath.Dir(path)
	return []Entry{{"state", database(ctx, path)}, {"state", writable(folder)}, {"state", space(folder)}}
}

func database(ctx context.Context, path string) spec.Check {
	const name = "database"
	reader, err := state.OpenReader(ctx, path)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	defer func() { _ = reader.Close() }() // only read
	revision, err := reader.Revision(ctx)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	if revision == 0 {
		return spec.Check{Name: name, Status: spec.CheckSkip, Found: "there is none yet; the first apply makes it"}
	}
	measurements, err := reader.Measurements(ctx)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("%s, measurements: %d", path, len(measurements))}
}

// existing is the folder, or the nearest above it that is there.
func existing(folder string) string {
	for {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) || folder == filepath.Dir(folder) {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

// writable tries: rights alone do not tell of full disks, quotas and read-only mounts.
func writable(folder string) spec.Check {
	const name = "folder"
	there := existing(folder)
	file, err := os.CreateTemp(there, ".aicv-doctor-")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return spec.FailedCheck(name, &spec.Error{Summary: there + " can not be written", Cause: err,
			Fix: "give yourself the right to write there, free space, or name another place with --state"})
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: there + " can be written"}
}

func space(folder string) spec.Check {
	free, known := freeBytes(existing(folder))
	c := spec.Check{Name: "disk space", Status: spec.CheckOK, Found: fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))}
	switch {
	case !known:
		c.Status, c.Found = spec.CheckSkip, "this system does not say"
	case free < fewBytes:
		c.Status, c.Fix = spec.CheckWarn, "free some space, or name a place with more with --state"
	}
	return c
}
