//go:build !linux

package process

import (
	"runtime"

	"aicv/spec"
)

func newTarget(c *spec.Component, _ spec.Env) (spec.Target, error) {
	if _, err := parseSettings(c); err != nil {
		return nil, err
	}
	return nil, usage(c.Address()+" can not run servers on "+runtime.GOOS+": it needs Linux",
		`use a target "endpoint" for a server that runs elsewhere, or recorded data`)
}
