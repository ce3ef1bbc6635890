package srcpos

import (
	"github.com/apparentlymart/go-textseg/v15/textseg"

	"aicv/spec"
)

// positions returns the position of every byte of source and of its end. All bytes of
// a grapheme cluster have the column of the cluster but for those that follow the
// first, which stand at the next one: a range that ends there covers the cluster.
func positions(source []byte, at spec.Pos) []spec.Pos {
	places := make([]spec.Pos, 0, len(source)+1)
	for rest := source; len(rest) > 0; {
		n := clusterLength(rest)
		next := after(at, rest[:n])
		places = append(places, at)
		for i := 1; i < n; i++ {
			inside := next
			inside.Byte = at.Byte + i
			places = append(places, inside)
		}
		at, rest = next, rest[n:]
	}
	return append(places, at)
}

// after advances a position over one grapheme cluster.
func after(at spec.Pos, cluster []byte) spec.Pos {
	at.Byte += len(cluster)
	if cluster[len(cluster)-1] == '\n' {
		at.Line++
		at.Column = 1
		return at
	}
	at.Column++
	return at
}

// clusterLength measures the first grapheme cluster; invalid bytes count one each.
func clusterLength(b []byte) int {
	n, _, err := textseg.ScanGraphemeClusters(b, true)
	if err != nil || n <= 0 {
		return 1
	}
	return n
}
