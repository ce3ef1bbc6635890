//go:build !unix

package loadgen

func openFiles() (uint64, bool) { return 0, false }
