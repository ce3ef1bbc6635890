//go:build !unix

package loadgen

// cpuSeconds is unknown here.
func cpuSeconds() float64 { return 0 }
