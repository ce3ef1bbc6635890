package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"aicv/spec"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Fault is what is wrong with a state file. Every *spec.Error of this package wraps
// one: errors.Is(err, state.FaultFull).
type Fault string

// The faults.
const (
	FaultLocked     Fault = "locked"       // another aicv is writing
	FaultNotState   Fault = "not a state"  // some other file, or another program's database
	FaultDamaged    Fault = "damaged"      // truncated or altered
	FaultNewer      Fault = "newer"        // written by a newer aicv
	FaultReadOnly   Fault = "read-only"    // the file or its folder can not be written
	FaultUnreadable Fault = "unreadable"   // it can not be opened at all
	FaultFull       Fault = "disk full"    //
	FaultBusy       Fault = "busy"         // another program holds the file
	FaultIO         Fault = "input/output" // the device or file system reports an error
	FaultDuplicate  Fault = "duplicate"    // the fact is there already
	FaultMisuse     Fault = "misuse"       // the caller asked for what can not be
	FaultGone       Fault = "gone"         // the file was removed or replaced under a writer
	FaultUnfit      Fault = "unfit"        // the file system can not hold a state
)

// Error returns the fault's name.
func (f Fault) Error() string { return string(f) }

// failure is a fault with the driver's own words, which alone are printed.
type failure struct {
	fault Fault
	cause error
}

func (f *failure) Error() string { return f.cause.Error() }

func (f *failure) Unwrap() []error { return []error{f.fault, f.cause} }

// remedy is what a fault means to the user.
type remedy struct {
	kind    spec.ErrorKind
	summary string // %s: the path
	fix     string
}

func (f Fault) remedy() remedy {
	const usage, infrastructure = spec.ErrUsage, spec.ErrInfrastructure
	switch f {
	case FaultNotState:
		return remedy{usage, "%s is not an aicv state", "name another file with --state"}
	case FaultDamaged:
		return remedy{infrastructure, "the state %s is damaged", "restore a backup (aicv state backup makes them), or move the file away to start afresh"}
	case FaultNewer:
		return remedy{usage, "the state %s was written by a newer aicv", "use that version or a later one"}
	case FaultReadOnly:
		return remedy{usage, "the state %s can not be written", "make the file and its folder writable, or name another with --state"}
	case FaultUnreadable:
		return remedy{usage, "the state %s can not be opened", "check the path and its permissions, or name another with --state"}
	case FaultFull:
		return remedy{infrastructure, "no space is left for the state %s", "free space and apply again: what was committed is kept, and the apply continues"}
	case FaultBusy:
		return remedy{infrastructure, "another program holds the state %s", "close it and try again"}
	case FaultGone:
		return remedy{infrastructure, "the state %s was removed or replaced while aicv wrote to it", "keep the file in its place during an apply; what this one has measured is lost: put a backup back, or apply again"}
	case FaultUnfit:
		return remedy{usage, "the file system of %s can not hold a state", "put the state on a local disk with --state"}
	case FaultDuplicate, FaultMisuse:
		return remedy{usage, "the state %s refused a change", ""}
	}
	return remedy{infrastructure, "the state %s can not be read or written", "check the disk and its file system"}
}

// fail builds the typed error of a fault.
func fail(fault Fault, path string, cause error) error {
	r := fault.remedy()
	return &spec.Error{Kind: r.kind, Summary: fmt.Sprintf(r.summary, path), Fix: r.fix, Cause: &failure{fault, cause}}
}

// explain turns whatever went wrong while doing something into a typed error.
func explain(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var typed *spec.Error
	if errors.As(err, &typed) {
		return err
	}
	err = fmt.Errorf("%s: %w", doing, err)
	var driver *sqlite.Error
	stopped := errors.As(err, &driver) && driver.Code() == sqlite3.SQLITE_INTERRUPT
	if stopped || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &spec.Error{Kind: spec.ErrInterrupted, Summary: "reading the state was interrupted", Cause: err}
	}
	return fail(faultOf(err), path, err)
}

func faultOf(err error) Fault {
	var own Fault
	var driver *sqlite.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &driver):
		return faultOfCode(driver.Code())
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return FaultFull
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return FaultReadOnly
	}
	return FaultIO
}

// faultOfCode sorts SQLite's extended result codes (sqlite.org/rescode.html).
func faultOfCode(code int) Fault {
	switch code {
	case sqlite3.SQLITE_IOERR_SHORT_READ:
		return FaultDamaged
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return FaultDuplicate
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return FaultFull
	case sqlite3.SQLITE_NOTADB:
		return FaultNotState
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH:
		// Our statements are fixed: one that fails to compile met an altered schema.
		return FaultDamaged
	case sqlite3.SQLITE_READONLY:
		return FaultReadOnly
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return FaultUnreadable
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return FaultBusy
	case sqlite3.SQLITE_CONSTRAINT:
		return FaultMisuse
	}
	return FaultIO
}

// misuse is a fault of the caller, with its words.
func misuse(format string, args ...any) error {
	return &failure{FaultMisuse, fmt.Errorf(format, args...)}
}
