package claim

import "testing"

// BenchmarkParse is the cost of one sentence; a suite of 2,500 experiments has 7,500.
func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("throughput within 10% for 90% of cells"); err != nil {
			b.Fatal(err)
		}
	}
}
