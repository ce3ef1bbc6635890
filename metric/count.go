package metric

import "strconv"

// Whole writes a whole number for people, thousands set apart by commas: 1,234.
func Whole(n int) string { return string(appendWhole(nil, n)) }

func appendWhole(b []byte, n int) []byte {
	if -1000 < n && n < 1000 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	var room [24]byte
	return appendGrouped(b, strconv.AppendInt(room[:0], int64(n), 10))
}

// Count writes a number of things: "1 run", "3 runs", "1,234 runs".
func Count(n int, noun string) string { return string(AppendCount(nil, n, noun)) }

// AppendCount appends what Count writes.
func AppendCount(b []byte, n int, noun string) []byte {
	b = append(append(appendWhole(b, n), ' '), noun...)
	if n != 1 {
		b = append(b, 's')
	}
	return b
}
