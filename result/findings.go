package result

import (
	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// findings collects the plan's findings, the predictions' and the runs', each text
// once with all the cells that it concerns.
func findings(p *engine.Plan, r *Result) []Finding {
	c := collector{at: map[findingKey]int{}}
	for _, f := range p.Findings {
		c.add(f, "")
	}
	for i := range r.Experiments {
		for k := range r.Experiments[i].Cells {
			c.cell(&r.Experiments[i].Cells[k])
		}
	}
	return c.list
}

type findingKey struct{ check, message string }

type collector struct {
	at   map[findingKey]int
	list []Finding
}

func (c *collector) cell(cell *Cell) {
	if cell.Prediction != nil {
		for _, f := range cell.Prediction.Findings {
			c.add(f, cell.Address)
		}
	}
	for _, run := range cell.Runs {
		for _, f := range run.Result.Findings {
			c.add(f, cell.Address)
		}
	}
}

func (c *collector) add(f spec.Finding, address string) {
	key := findingKey{f.Check, f.Message}
	at, known := c.at[key]
	if !known {
		at = len(c.list)
		c.at[key] = at
		c.list = append(c.list, Finding{Finding: f})
	}
	cells := c.list[at].Cells
	if address != "" && (len(cells) == 0 || cells[len(cells)-1] != address) {
		c.list[at].Cells = append(cells, address)
	}
}

// Select keeps the cells whose addresses are wanted, and the experiments that then
// still have any. The verdicts over all cells stay as they are.
func Select(r *Result, wanted map[string]bool) *Result {
	selected := *r
	selected.Experiments = nil
	for _, e := range r.Experiments {
		cells := e.Cells
		e.Cells = nil
		for i := range cells {
			if wanted[cells[i].Address] {
				e.Cells = append(e.Cells, cells[i])
			}
		}
		if len(e.Cells) > 0 {
			selected.Experiments = append(selected.Experiments, e)
		}
	}
	return &selected
}

// Means are a cell's measured values: the mean over its runs of every metric that
// all of them have.
func (c *Cell) Means() metric.Values {
	if len(c.Runs) == 0 {
		return nil
	}
	var means metric.Values
	for _, first := range c.Runs[0].Result.Values {
		sum, n := 0.0, 0
		for _, run := range c.Runs {
			if v, ok := run.Result.Values.Get(first.Metric); ok {
				sum += v
				n++
			}
		}
		if n == len(c.Runs) {
			means = append(means, metric.Value{Metric: first.Metric, Value: sum / float64(n)})
		}
	}
	return means
}

// StartCount is the number of server starts that the cell's runs belong to; 0 for
// recorded data.
func (c *Cell) StartCount() int {
	seen := map[int64]bool{}
	for _, run := range c.Runs {
		if run.Start != 0 {
			seen[run.Start] = true
		}
	}
	return len(seen)
}
