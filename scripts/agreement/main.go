// Command agreement reads the report of scripts/agreement/suite.hcl as JSON and says of
// every two clients whether they agree: the 90 % interval of the mean log ratio of runs
// of the same round has to lie within a limit. Run it through
// scripts/acceptance, or: aicv report --format json | go run ./scripts/agreement
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"aicv/metric"
)

// level is of the two-sided intervals.
const level = 0.90

// limit is how far two clients may lie apart on a metric, as a ratio.
type limit struct {
	metric metric.Name
	ratio  float64
}

func limits() []limit {
	return []limit{{metric.TPOT, 0.03}, {metric.TotalThroughput, 0.03}, {metric.TTFT, 0.10}}
}

// report is what is read of a report.
type report struct {
	Experiments []struct {
		Cells []cell `json:"cells"`
	} `json:"experiments"`
}

type cell struct {
	Identity struct {
		Benchmark string `json:"benchmark"`
	} `json:"identity"`
	Load struct {
		Concurrency int `json:"concurrency"`
	} `json:"load"`
	Runs []struct {
		Index  int           `json:"index"`
		Values metric.Values `json:"values"`
	} `json:"runs"`
}

// value is a metric of a run by its index; false where it is not there.
func (c *cell) value(index int, name metric.Name) (float64, bool) {
	for i := range c.Runs {
		if c.Runs[i].Index == index {
			return c.Runs[i].Values.Get(name)
		}
	}
	return 0, false
}

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// judge writes a table of all pairs.
func judge(from io.Reader, to io.Writer) error {
	var r report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return fmt.Errorf("standard input is no report of aicv in JSON: %w", err)
	}
	var cells []cell
	for _, e := range r.Experiments {
		cells = append(cells, e.Cells...)
	}
	slices.SortStableFunc(cells, func(a, b cell) int { return a.Load.Concurrency - b.Load.Concurrency })
	lines := 0
	fmt.Fprintln(to, "| concurrency | clients | metric | pairs | ratio - 1 | 90 % interval | limit | |\n|---|---|---|---|---|---|---|---|")
	for i := range cells {
		for j := i + 1; j < len(cells) && cells[j].Load.Concurrency == cells[i].Load.Concurrency; j++ {
			for _, l := range limits() {
				fmt.Fprintln(to, line(&cells[j], &cells[i], l))
				lines++
			}
		}
	}
	if lines == 0 {
		return fmt.Errorf("the report has no two clients at one concurrency")
	}
	return nil
}

// line compares a client with another on a metric.
func line(a, b *cell, l limit) string {
	ratios := logRatios(a, b, l.metric)
	head := fmt.Sprintf("| %d | %s / %s | %s | %d ", a.Load.Concurrency, a.Identity.Benchmark, b.Identity.Benchmark, l.metric, len(ratios))
	if len(ratios) == 0 {
		return head + fmt.Sprintf("| | | %g %% | not shown: not measured |", 100*l.ratio)
	}
	mean, half := interval(ratios)
	if math.IsInf(half, 0) {
		return head + fmt.Sprintf("| %+.2f %% | | %g %% | not shown: one pair has no interval |", percent(mean), 100*l.ratio)
	}
	word := "not shown"
	if within(mean-half, mean+half, l.ratio) {
		word = "shown"
	}
	return head + fmt.Sprintf("| %+.2f %% | %+.2f to %+.2f %% | %g %% | %s |", percent(mean), percent(mean-half), percent(mean+half), 100*l.ratio, word)
}

// logRatios are of the runs with the same index: of one round, whose order is shuffled.
func logRatios(a, b *cell, name metric.Name) []float64 {
	var ratios []float64
	for i := range a.Runs {
		x, ok := a.value(a.Runs[i].Index, name)
		y, too := b.value(a.Runs[i].Index, name)
		if ok && too && x > 0 && y > 0 {
			ratios = append(ratios, math.Log(x/y))
		}
	}
	return ratios
}

// interval is Student's: mean -/+ t(df = n-1) x s / sqrt(n). One value has an infinite
// one.
func interval(values []float64) (mean, half float64) {
	if len(values) < 2 {
		return values[0], math.Inf(1)
	}
	mean, deviation := stat.MeanStdDev(values, nil)
	t := distuv.StudentsT{Sigma: 1, Nu: float64(len(values) - 1)}.Quantile((1 + level) / 2)
	return mean, t * deviation / math.Sqrt(float64(len(values)))
}

// within reports whether log ratios lie between 1 / (1 + ratio) and 1 + ratio.
func within(low, high, ratio float64) bool {
	most := math.Log1p(ratio)
	return low >= -most && high <= most
}

// percent is a log ratio as the difference that it stands for.
func percent(logRatio float64) float64 { return 100 * math.Expm1(logRatio) }
