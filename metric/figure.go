package metric

import (
	"math"
	"strconv"
)

// Figure writes a value for people, to four significant digits: 1,234 and 12.34
// and 0.01234. Thousands are set apart by commas; very large and very small values
// use an exponent.
func Figure(v float64) string { return string(AppendFigure(nil, v)) }

// AppendFigure appends what Figure writes.
func AppendFigure(b []byte, v float64) []byte {
	size := math.Abs(v)
	switch {
	case v == 0:
		return append(b, '0')
	case !(size < 1e15) || size < 1e-6:
		return strconv.AppendFloat(b, v, 'g', 4, 64)
	case size >= 999.95:
		var room [24]byte
		return appendGrouped(b, strconv.AppendFloat(room[:0], v, 'f', 0, 64))
	}
	return strconv.AppendFloat(b, v, 'f', decimalsFor(size), 64)
}

// decimalsFor keeps four significant digits of a value below 1,000.
func decimalsFor(size float64) int {
	decimals := 3 - int(math.Floor(math.Log10(size)))
	if scale := math.Pow10(decimals); math.Round(size*scale) >= 1e4 { // 9.9999 rounds up to 10.00
		decimals--
	}
	return decimals
}

// appendGrouped appends a whole number's digits with a comma before every third.
func appendGrouped(b, digits []byte) []byte {
	if digits[0] == '-' {
		b, digits = append(b, '-'), digits[1:]
	}
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, digit)
	}
	return b
}

// AppendPercent appends a share as a percentage, 0.1234 as "12.3 %".
func AppendPercent(b []byte, share float64) []byte {
	percent := share * 100
	switch size := math.Abs(percent); {
	case math.Abs(percent-math.Round(percent)) < 1e-9: // 0.3 is 30 %, whatever its float says
		b = strconv.AppendFloat(b, math.Round(percent)+0, 'f', 0, 64) // + 0: never -0
	case size < 0.095:
		b = strconv.AppendFloat(b, percent, 'g', 2, 64)
	case size < 0.95:
		b = strconv.AppendFloat(b, percent, 'f', 2, 64)
	default:
		b = strconv.AppendFloat(b, percent, 'f', 1, 64)
	}
	return append(b, " %"...)
}

// AppendQuantity appends a value with its unit: "1,234 ms", or for a share "1.2 %".
func AppendQuantity(b []byte, v float64, unit Unit) []byte {
	if unit == Share {
		return AppendPercent(b, v)
	}
	b = append(AppendFigure(b, v), ' ')
	return append(b, unit...)
}

// Quantity writes what AppendQuantity appends.
func Quantity(v float64, unit Unit) string { return string(AppendQuantity(nil, v, unit)) }
