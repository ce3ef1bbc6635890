package planview

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"aicv/engine"
	"aicv/metric"
)

func width(s string) int { return utf8.RuneCountInString(s) }

// number writes a metric's figure with about three digits, a share in percent.
func number(v float64, unit metric.Unit) string {
	if unit == metric.Share {
		return strconv.FormatFloat(v*100, 'f', 1, 64) + "%"
	}
	switch size := math.Abs(v); {
	case size >= 1e15:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case size >= 100:
		return metric.Whole(int(math.Round(v)))
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// span writes min..max, or the one figure that both are.
func span(low, high string) string {
	if low == high {
		return low
	}
	return low + ".." + high
}

// costFacts lists a cost's parts; what is not known is left out.
func costFacts(c engine.Cost) []string {
	runs := span(metric.Whole(c.RunsMin), metric.Whole(c.RunsMax)) + " runs"
	if c.RunsMin == 1 && c.RunsMax == 1 {
		runs = "1 run"
	}
	facts := []string{runs}
	if c.TimeMax > 0 {
		facts = append(facts, span(duration(c.TimeMin), duration(c.TimeMax)))
	}
	if c.GPUHoursMax > 0 {
		facts = append(facts, span(hours(c.GPUHoursMin), hours(c.GPUHoursMax))+" GPU-hours")
	}
	return facts
}

func costText(c engine.Cost) string {
	text := strings.Join(costFacts(c), ", ")
	if c.Unknown > 0 {
		text += "; the time of " + metric.Count(c.Unknown, "cell") + " is not known and not included"
	}
	return text
}

func hours(h float64) string {
	if h > 0 && h < 0.005 {
		return "<0.01"
	}
	return strconv.FormatFloat(h, 'f', 2, 64)
}

// duration writes two units at most: 850ms, 42s, 4m10s, 3h05m, 2d04h.
func duration(d time.Duration) string {
	pair := func(big int64, bigUnit string, small int64, smallUnit string) string {
		padded := strconv.FormatInt(small, 10)
		if len(padded) < 2 {
			padded = "0" + padded
		}
		return strconv.FormatInt(big, 10) + bigUnit + padded + smallUnit
	}
	seconds := int64(d.Round(time.Second) / time.Second)
	minutes := seconds / 60
	hours := minutes / 60
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case seconds < 60:
		return strconv.FormatInt(seconds, 10) + "s"
	case minutes < 60:
		return pair(minutes, "m", seconds%60, "s")
	case hours < 48:
		return pair(hours, "h", minutes%60, "m")
	}
	return pair(hours/24, "d", hours%24, "h")
}
