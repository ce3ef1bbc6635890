package loadgen

import (
	"context"
	"fmt"

	"aicv/spec"
)

// enoughFiles is the limit of open files from which on nothing is said: each request in
// flight is a connection, and thus an open file.
const enoughFiles = 4096

// Check looks at the limit of open files and at the API key.
func (b *benchmark) Check(context.Context) []spec.Check {
	checks := []spec.Check{checkFiles(openFiles())}
	if b.apiKey.IsNull() {
		return checks
	}
	return append(checks, b.env.CheckAPIKey(b.address, b.apiKey))
}

func checkFiles(limit uint64, known bool) spec.Check {
	c := spec.Check{Name: "open files", Status: spec.CheckOK, Found: fmt.Sprintf("%d may be open at once", limit)}
	switch {
	case !known:
		c.Status, c.Found = spec.CheckSkip, "this system does not say its limit"
	case limit < enoughFiles:
		c.Status, c.Fix = spec.CheckWarn, fmt.Sprintf("ulimit -n %d, where more requests than that are in flight", enoughFiles)
	case limit > 1<<30:
		c.Found = "without limit"
	}
	return c
}
