package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"aicv/spec"
)

// Host takes a whole host for the servers of one suite, because servers of another would
// disturb what is measured. It waits for another suite at most as long as it is told to,
// telling whom it waits for. The file is nil where an earlier server of the same suite,
// which outlived its aicv, holds the host.
func Host(ctx context.Context, dir string, by Holder, wait time.Duration, tell func(string)) (*os.File, error) {
	const pause = 200 * time.Millisecond
	if err := Prepare(dir); err != nil {
		return nil, err
	}
	for began, told := time.Now(), false; ; {
		file, err := Try(filepath.Join(dir, "host.lock"), by)
		held := (*HeldError)(nil)
		switch {
		case err == nil:
			return file, nil
		case !errors.As(err, &held):
			return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not reserve the host", Cause: err, Fix: "check the folder " + dir}
		case held.Holder.Suite != "" && held.Holder.Suite == by.Suite:
			return nil, nil
		case time.Since(began) >= wait:
			return nil, Occupied(held.Holder.String())
		}
		if !told && tell != nil {
			told = true
			tell("waiting for the host: held by " + held.Holder.String())
		}
		select {
		case <-ctx.Done():
			return nil, &spec.Error{Kind: spec.ErrInterrupted, Summary: "waiting for the host was interrupted", Cause: ctx.Err(), Fix: "apply again"}
		case <-time.After(pause):
		}
	}
}

// Occupied is the error of a host that servers of another suite occupy.
func Occupied(by string) error {
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the host is taken by a server of another suite: " + by,
		Fix: "wait until it is done (host_wait in the target waits for it), end it (aicv state orphans finds it), or set share_host = true and accept that they disturb each other"}
}
