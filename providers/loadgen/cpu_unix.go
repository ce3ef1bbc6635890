//go:build unix

package loadgen

import (
	"syscall"
	"time"
)

// cpuSeconds is what this process has used, user and system; 0 where nobody says.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
