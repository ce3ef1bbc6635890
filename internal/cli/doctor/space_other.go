//go:build !linux && !darwin && !freebsd

package doctor

func freeBytes(string) (uint64, bool) { return 0, false }
