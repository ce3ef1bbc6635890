package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aicv/spec"
	"golang.org/x/sys/unix"
)

// lockSuffix names the lock file beside the state. The file stays: removing it would
// let two processes lock two files of one name.
const lockSuffix = ".lock"

// Holder is the process that writes to a state.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	BootID  string    `json:"boot_id,omitempty"` // of the host's kernel, so that a reused pid is not taken for the holder
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// LockedError says who holds the state.
type LockedError struct {
	Path   string
	Holder Holder // zero where the holder has not written its name yet
}

// Error names the holder.
func (e *LockedError) Error() string { return e.typed().Error() }

// Unwrap returns a *spec.Error of kind usage that wraps FaultLocked.
func (e *LockedError) Unwrap() error { return e.typed() }

func (e *LockedError) typed() *spec.Error {
	who := "another process"
	if h := e.Holder; h.PID != 0 {
		who = fmt.Sprintf("process %d on %s (%s, since %s)", h.PID, h.Host, h.Command, h.Since.UTC().Format(time.RFC3339))
	}
	return &spec.Error{
		Kind:    spec.ErrUsage,
		Summary: fmt.Sprintf("the state %s is locked by %s", e.Path, who),
		Fix:     "wait until it ends; reading commands work meanwhile",
		Cause:   FaultLocked,
	}
}

// lock takes the state's lock, or fails with a *LockedError where somebody has it.
func lock(path, command string) (*os.File, error) {
	file, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, explain(path, "open the lock file", err)
	}
	if err := flockPatiently(file); err != nil {
		defer file.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &LockedError{Path: path, Holder: readHolder(path)}
		}
		return nil, fail(FaultUnfit, path, fmt.Errorf("lock: %w", err))
	}
	writeHolder(file, command)
	return file, nil
}

// flockPatiently tries for a tenth of a second: LockedBy holds the lock for a moment, which
// a busy machine draws out.
func flockPatiently(file *os.File) error {
	var err error
	for range 25 {
		if err = flock(file); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		time.Sleep(4 * time.Millisecond)
	}
	return err
}

func flock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// writeHolder names this process in the lock file. The lock holds without it, so a
// full disk does not stop an apply here.
func writeHolder(file *os.File, command string) {
	host, _ := os.Hostname() // a name to print
	content, err := json.Marshal(Holder{os.Getpid(), host, bootID(), command, time.Now().UTC()})
	if err != nil || file.Truncate(0) != nil {
		return
	}
	_, _ = file.WriteAt(append(content, '\n'), 0)
}

// readHolder waits a little for a holder that has only just taken the lock.
func readHolder(path string) Holder {
	var h Holder
	for range 10 {
		content, err := os.ReadFile(path + lockSuffix)
		if err == nil && json.Unmarshal(content, &h) == nil && h.PID != 0 {
			return h
		}
		time.Sleep(5 * time.Millisecond)
	}
	return Holder{}
}

func unlock(file *os.File) error {
	truncated := file.Truncate(0)
	return errors.Join(truncated, file.Close()) // closing frees the lock
}

// LockedBy tells who holds the state now; false where nobody does.
func LockedBy(path string) (Holder, bool) {
	file, err := os.OpenFile(path+lockSuffix, os.O_RDWR, 0)
	if err != nil {
		return Holder{}, false
	}
	defer file.Close() // nothing was written
	if err := flock(file); !errors.Is(err, unix.EWOULDBLOCK) {
		return Holder{}, false
	}
	return readHolder(path), true
}

func bootID() string {
	content, err := os.ReadFile(filepath.FromSlash("/proc/sys/kernel/random/boot_id"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
