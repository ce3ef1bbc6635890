package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"aicv/metric"
)

// number writes a figure with four significant digits and thousands separated.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	decimals = min(max(decimals, 0), 6)
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	if fraction != "" {
		fraction = "." + fraction
	}
	return separated(whole) + fraction
}

// separated puts commas between thousands.
func separated(whole string) string {
	digits, negative := strings.CutPrefix(whole, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// quantity writes a figure with its unit; shares as percentages.
func quantity(v float64, unit metric.Unit) string {
	if unit == metric.Share {
		return number(100*v) + " %"
	}
	return number(v) + " " + string(unit)
}

// percent writes a relative error with its sign.
func percent(v float64) string { return fmt.Sprintf("%+.1f %%", 100*v) }
