//go:build unix

package loadgen

import "golang.org/x/sys/unix"

// openFiles is how many files this process may have open.
func openFiles() (uint64, bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true
}
