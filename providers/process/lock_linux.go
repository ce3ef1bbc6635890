package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"aicv/kit/lock"
	"aicv/spec"
)

// reservePort takes a free port: its lock, and a proof that it can be bound. Servers
// with different keys begin their search at different ports, so that a port that was
// just left is not taken at once.
func (t *target) reservePort(by lock.Holder) (int, *os.File, error) {
	n := t.last - t.first + 1
	offset := int(hash32(by.Key) % uint32(n))
	for i := range n {
		port := t.first + (offset+i)%n
		file, err := lock.Try(filepath.Join(t.locks, "port-"+strconv.Itoa(port)+".lock"), by)
		if isHeld(err) {
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

// isHeld reports that somebody else holds a lock.
func isHeld(err error) bool {
	held := (*lock.HeldError)(nil)
	return errors.As(err, &held)
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
