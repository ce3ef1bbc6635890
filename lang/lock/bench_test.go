package lock_test

import (
	"fmt"
	"testing"

	"aicv/lang/lock"
)

// BenchmarkLock10000 writes, reads and compares the pins of 10,000 predictions.
func BenchmarkLock10000(b *testing.B) {
	list := make([]lock.Entry, 10_000)
	for i := range list {
		list[i] = lock.Entry{Name: "predictor.recorded.sheet", What: fmt.Sprintf("prediction_%016x", i*7919), Value: fmt.Sprintf("%016x", i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		read, diags := lock.Parse(lock.Format(list), ".aicv.lock")
		if diags.HasErrors() || len(lock.Compare(read, list)) != 0 {
			b.Fatal(diags)
		}
	}
}
