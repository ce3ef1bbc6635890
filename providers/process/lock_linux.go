package process

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"aicv/spec"
)

// hostLocks is where ports and GPUs are reserved. It is one folder for all users and
// all suites of the host, whatever their environment says of temporary folders.
const hostLocks = "/tmp/aicv-locks"

// errHeld says that somebody else holds a lock.
var errHeld = errors.New("held by another server")

// prepareLocks makes the folder for everybody.
func prepareLocks(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if err == nil {
		err = os.Chmod(dir, 0o777|fs.ModeSticky) // the umask took rights away
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	info, statErr := os.Lstat(dir)
	switch {
	case err != nil:
	case statErr != nil:
		err = statErr
	case !info.IsDir():
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not use the folder of reservations " + dir, Cause: err,
			Fix: "remove it, or give yourself the right to write into it"}
	}
	return nil
}

// tryLock takes the lock of a file, or says that it is held. The lock lives as long
// as any process has this open file.
func tryLock(path string) (*os.File, error) {
	for {
		file, err := openLock(path)
		if err != nil {
			return nil, err
		}
		err = flock(file)
		if err == nil && !sameFile(file, path) { // removed and made anew in between
			_ = file.Close()
			continue
		}
		if err != nil {
			_ = file.Close() // gives up what was not taken
			return nil, err
		}
		return file, nil
	}
}

// openLock opens the file of whoever made it, for reading: that is enough to lock it.
func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = os.OpenFile(path, os.O_RDONLY|os.O_CREATE|unix.O_NOFOLLOW, 0o444)
	}
	return file, err
}

func flock(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return err
}

func sameFile(file *os.File, path string) bool {
	held, errHeld := file.Stat()
	there, errThere := os.Lstat(path)
	return errHeld == nil && errThere == nil && os.SameFile(held, there)
}

// reservePort takes a free port: its lock, and a proof that it can be bound. Servers
// with different keys begin their search at different ports, so that a port that was
// just left is not taken at once.
func (t *target) reservePort(key string) (int, *os.File, error) {
	n := t.last - t.first + 1
	offset := int(hash32(key) % uint32(n))
	for i := range n {
		port := t.first + (offset+i)%n
		file, err := tryLock(filepath.Join(t.locks, "port-"+strconv.Itoa(port)+".lock"))
		if errors.Is(err, errHeld) {
			continue
		}
		if err != nil {
			return 0, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not reserve a port", Cause: err, Fix: "check the folder " + t.locks}
		}
		if t.bindable(port) {
			return port, file, nil
		}
		_ = file.Close() // releases the lock
	}
	return 0, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("%s: no port of %d-%d is free on %s", t.address, t.first, t.last, t.host),
		Fix: "end what holds them, or give the target another port_range"}
}

func (t *target) bindable(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort(t.host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// hash32 is FNV-1a.
func hash32(text string) uint32 {
	h := uint32(2166136261)
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h
}
