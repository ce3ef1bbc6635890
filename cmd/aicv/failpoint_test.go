package main

import (
	"fmt"
	"os"
	"strconv"

	"aicv/engine"
	"aicv/engine/exec/failpoint"
	"aicv/internal/cli"
)

// The variables by which tests break an apply: where to strike, and a file that
// gets one line per durable call.
const (
	failpointVariable = "AICV_TEST_FAILPOINT"
	traceVariable     = "AICV_TEST_TRACE"
	pagesVariable     = "AICV_TEST_STATE_PAGES"
)

// armFailpoints wraps store and targets as the environment asks.
func armFailpoints(config *cli.Config) error {
	config.MaxStatePages, _ = strconv.Atoi(os.Getenv(pagesVariable))
	text := os.Getenv(failpointVariable)
	if text == "" {
		return nil
	}
	counter, err := failpoint.Parse(text)
	if err != nil {
		return err
	}
	if path := os.Getenv(traceVariable); path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		counter.Trace(func(n int, call string) { fmt.Fprintf(file, "%d %s\n", n, call) })
	}
	config.Registrations = failpoint.Registrations(config.Registrations, counter)
	config.WrapStore = func(s engine.Store) engine.Store { return failpoint.Store(s, counter) }
	return nil
}
