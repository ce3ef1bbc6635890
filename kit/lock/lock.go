// Package lock reserves things of a host, such as a GPU or a port, among all users and
// all suites on it. A reservation is the kernel's lock (flock) on a file: it lives as
// long as any process has the file open, so a killed process frees what it held, and a
// server that inherits the open file holds it for as long as it lives itself.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"aicv/spec"
)

// Folder is where a host's reservations are. It depends on the host alone, never on the
// user or the environment, because everybody must find the same: the folder for locks
// that systems keep in memory, where everybody may write into it, else one in /tmp.
func Folder() string {
	const common = "/run/lock"
	info, err := os.Lstat(common)
	if err == nil && info.IsDir() && info.Mode()&fs.ModeSticky != 0 && info.Mode().Perm()&0o002 != 0 {
		return common + "/aicv"
	}
	return "/tmp/aicv-locks"
}

// Prepare makes a folder of reservations that everybody may use, or checks the one that
// is there: a link, or a folder in which others could remove our locks, is refused.
func Prepare(dir string) error {
	err := os.Mkdir(dir, 0o700) // others who look just now must not find it open without the sticky bit
	switch {
	case err == nil:
		err = os.Chmod(dir, 0o777|fs.ModeSticky)
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	info, statErr := os.Lstat(dir)
	switch {
	case err != nil:
	case statErr != nil:
		err = statErr
	case !info.IsDir():
		err = errors.New("it is not a folder")
	case info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		err = errors.New("others may remove what is in it, because it lacks the sticky bit")
	}
	if err == nil {
		return nil
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not use the folder of reservations " + dir, Cause: err,
		Fix: "remove it, or ask its owner to; it is made anew with the right mode"}
}

// HeldError says that somebody else holds a lock.
type HeldError struct {
	Holder Holder // zero where the holder is not known
}

// Error names the holder.
func (e *HeldError) Error() string { return "held by " + e.Holder.String() }

// Try takes the lock of a file for a holder and describes that in it, or fails at once:
// with a *HeldError where somebody holds it. Closing the file gives the lock up, once all
// processes that inherited it have ended.
func Try(path string, holder Holder) (*os.File, error) {
	const attempts = 16 // somebody removes the file again and again
	for range attempts {
		file, err := open(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			continue // removed or made by somebody in between
		}
		if err != nil {
			return nil, fmt.Errorf("open the lock: %w", err)
		}
		err = take(file, path)
		if err == nil {
			Describe(file, holder)
			return file, nil
		}
		_ = file.Close() // nothing was taken
		if !errors.Is(err, errRemoved) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the lock %s is removed again and again", path)
}

// Peek reports whether somebody holds a lock, and who. For a moment it may be in the way
// of others who try to take it.
func Peek(path string) (Holder, bool) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Holder{}, false
	}
	defer func() { _ = file.Close() }() // gives up what was taken
	if !errors.Is(flock(file), unix.EWOULDBLOCK) {
		return Holder{}, false
	}
	return Read(path), true
}

// open opens the file of whoever made it. Making one must fail where one is there, since
// kernels protect folders for everybody from files that are opened as if they were new.
// Where the file can not be written, reading is enough to lock it.
func open(path string) (*os.File, error) {
	const flags = unix.O_NOFOLLOW | unix.O_NONBLOCK // no links, and no waiting for a pipe's other end
	file, err := os.OpenFile(path, os.O_RDWR|flags, 0)
	if errors.Is(err, fs.ErrPermission) {
		file, err = os.OpenFile(path, os.O_RDONLY|flags, 0)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|flags, 0o666)
	if err == nil {
		err = file.Chmod(0o666) // the umask took rights away, and others must lock it later
	}
	return file, err
}

// errRemoved says that the file was removed before it was locked.
var errRemoved = errors.New("the lock's file was removed")

// take locks an open file. A file with further names may be another user's, linked here
// so that we write into it.
func take(file *os.File, path string) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return fmt.Errorf("look at the lock: %w", err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Nlink > 1 {
		return fmt.Errorf("%s is not a lock of aicv: remove it", path)
	}
	if err := flock(file); errors.Is(err, unix.EWOULDBLOCK) {
		return &HeldError{Read(path)}
	} else if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	held, errHeld := file.Stat()
	there, errThere := os.Lstat(path)
	if errHeld != nil || errThere != nil || !os.SameFile(held, there) {
		return errRemoved
	}
	return nil
}

func flock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
