package exec

import (
	"fmt"
	"slices"

	"aicv/engine"
	"aicv/spec"
	"aicv/verify"
)

// retireKind is the step that sets runs aside for --rerun. It belongs to no node.
const (
	retireKind = engine.NodeKind("retire")
	noNode     = -1
)

// readSteps learns from the state how far earlier sessions of this apply came.
func (x *executor) readSteps() error {
	if !x.resumed {
		return nil
	}
	steps, err := x.store.Steps(x.durable, x.apply)
	if err != nil {
		return fmt.Errorf("read the apply's steps: %w", err)
	}
	for i := range steps {
		s := &steps[i]
		x.attempts[s.Node] = max(x.attempts[s.Node], s.Attempt)
		if s.Status != spec.StepDone {
			continue
		}
		switch engine.NodeKind(s.Kind) {
		case retireKind:
			x.retired = true
		case engine.NodeGate:
			x.gateDone[s.Node] = true
		case engine.NodeDeploy:
			x.noteBringUp(s)
		}
	}
	return nil
}

// noteBringUp remembers by which key a bring-up of this plan went.
func (x *executor) noteBringUp(s *spec.StepRecord) {
	if inside(s.Node, len(x.nodes)) {
		if g := x.groupOf[keyOf(&x.nodes[s.Node])]; g != nil && g.deploy == s.Node {
			g.lastKey = s.Key
		}
	}
}

// retire sets aside the runs of cells that are measured again, once for the apply.
func (x *executor) retire() error {
	if x.retired {
		return nil
	}
	reasons := map[string][]spec.ID{}
	var order []string
	for i := range x.plan.Cells {
		c := &x.plan.Cells[i]
		if c.Action != engine.ActionRerun || c.Excluded {
			continue
		}
		if _, known := reasons[c.Why]; !known {
			order = append(order, c.Why)
		}
		reasons[c.Why] = append(reasons[c.Why], c.Measurement)
	}
	if len(order) == 0 {
		return nil
	}
	s, err := x.open(noNode, retireKind, x.plan.Suite.Name, "")
	if err != nil {
		return err
	}
	for _, why := range order {
		if err := x.store.Retire(x.durable, reasons[why], why); err != nil {
			return fmt.Errorf("set runs aside: %w", err)
		}
	}
	_, err = x.close(s, spec.Outcome{Status: spec.StepDone})
	return err
}

// describe keeps under which address and with which content measurements are asked
// for. Of several cells with one measurement, the first names it.
func (x *executor) describe() error {
	infos := make([]spec.MeasurementInfo, 0, len(x.plan.Cells))
	seen := make(map[spec.ID]bool, len(x.plan.Cells))
	for i := range x.plan.Cells {
		if c := &x.plan.Cells[i]; !c.Excluded && !seen[c.Measurement] {
			seen[c.Measurement] = true
			infos = append(infos, spec.MeasurementInfo{ID: c.Measurement, Address: c.Cell.Address(), Content: content(&c.Cell)})
		}
	}
	if err := x.store.Describe(x.durable, infos); err != nil {
		return fmt.Errorf("describe measurements: %w", err)
	}
	return nil
}

// content is what a measurement's identity covers, readable.
func content(c *spec.Cell) spec.Value {
	fields := []spec.Field{
		{Name: "model", Value: spec.StringValue(c.Model.ID)},
		{Name: "configuration", Value: settings(c.Config)},
		{Name: "load", Value: loadValue(c.Load)},
		{Name: "sampling", Value: samplingValue(c.Sampling)},
		{Name: "runtime", Value: component(c.Runtime)},
		{Name: "benchmark", Value: component(c.Benchmark)},
	}
	if c.Model.ConfigHash != "" {
		fields = append(fields, spec.Field{Name: "model_config", Value: spec.StringValue(c.Model.ConfigHash)})
	}
	if c.Target != nil {
		fields = append(fields, spec.Field{Name: "target", Value: component(c.Target)})
	}
	if c.Hardware != nil {
		fields = append(fields, spec.Field{Name: "hardware", Value: spec.MapValue(
			spec.Field{Name: "system", Value: spec.StringValue(c.Hardware.System)},
			spec.Field{Name: "gpus", Value: spec.IntValue(c.Hardware.GPUs)})})
	}
	return spec.MapValue(fields...)
}

func settings(c spec.Configuration) spec.Value {
	fields := make([]spec.Field, len(c))
	for i, s := range c {
		fields[i] = spec.Field(s)
	}
	return spec.MapValue(fields...)
}

func loadValue(l spec.Load) spec.Value {
	fields := []spec.Field{
		{Name: "input_tokens", Value: spec.IntValue(l.InputTokens)},
		{Name: "output_tokens", Value: spec.IntValue(l.OutputTokens)},
	}
	if l.Concurrency > 0 {
		fields = append(fields, spec.Field{Name: "concurrency", Value: spec.IntValue(l.Concurrency)})
	} else {
		fields = append(fields, spec.Field{Name: "request_rate", Value: spec.NumberValue(l.RequestRate.String())})
	}
	return spec.MapValue(append(fields, l.Shape.Fields()...)...)
}

func samplingValue(s spec.Sampling) spec.Value {
	fields := []spec.Field{
		{Name: "requests", Value: spec.IntValue(s.Requests)},
		{Name: "duration", Value: spec.StringValue(s.Duration.String())},
		{Name: "warmup", Value: spec.IntValue(s.Warmup)},
		{Name: "seed", Value: spec.IntValue(int(s.Seed))},
	}
	if s.WarmupTime > 0 {
		fields = append(fields, spec.Field{Name: "warmup_duration", Value: spec.StringValue(s.WarmupTime.String())})
	}
	return spec.MapValue(fields...)
}

func component(c *spec.Component) spec.Value {
	return spec.MapValue(
		spec.Field{Name: "kind", Value: spec.StringValue(c.Kind)},
		spec.Field{Name: "attributes", Value: c.Content()})
}

// readFacts loads what the state holds of the cells that the graph works on, and
// closes those that need nothing more.
func (x *executor) readFacts() error {
	ids := x.measurements()
	runs, err := x.store.Runs(x.durable, ids)
	if err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	failures, err := x.store.Failures(x.durable, ids)
	if err != nil {
		return fmt.Errorf("read failures: %w", err)
	}
	x.runs = runs
	for i := range x.plan.Cells {
		c := &x.plan.Cells[i]
		if f, failed := failures[c.Measurement]; failed && f.Kind == spec.ErrConfiguration && c.MeasuredBy == i {
			x.failed[i] = f.Message
		}
	}
	x.closeDecided()
	return nil
}

// closeDecided looks at the runs that are there: a session that crashed between a run
// and its gate must not bring a server up for nothing.
func (x *executor) closeDecided() {
	judges := map[*spec.Experiment]*verify.Judge{}
	for measures, gated := range x.gated {
		if len(x.runs[x.plan.Cells[measures].Measurement]) == 0 {
			continue
		}
		for _, cell := range gated {
			e := x.experimentOf(cell)
			if judges[e] == nil {
				judges[e] = verify.NewJudge(e)
			}
			if judges[e].Decided(x.cellInput(cell)) {
				x.closed[cell] = decidedBefore
			}
		}
	}
}

const decidedBefore = "its claims are decided"

// measurements lists those that the graph works on, each once.
func (x *executor) measurements() []spec.ID {
	seen := map[spec.ID]bool{}
	var ids []spec.ID
	for i := range x.nodes {
		if cell := x.nodes[i].Cell; cell >= 0 {
			if id := x.plan.Cells[cell].Measurement; !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func (x *executor) experimentOf(cell int32) *spec.Experiment {
	return x.plan.Experiments[x.plan.Cells[cell].Experiment]
}

// cellInput is what a gate knows of a cell.
func (x *executor) cellInput(cell int32) verify.CellInput {
	c := &x.plan.Cells[cell]
	input := c.Input()
	x.mutex.Lock()
	defer x.mutex.Unlock()
	input.Runs = slices.Clone(x.runs[c.Measurement])
	return input
}

// settled says why a run is not needed; empty: it is.
func (x *executor) settled(n *engine.Node) string {
	c := &x.plan.Cells[n.Cell]
	x.mutex.Lock()
	defer x.mutex.Unlock()
	for i := range x.runs[c.Measurement] {
		if x.runs[c.Measurement][i].Index == int(n.Run) {
			return "measured before"
		}
	}
	if why := x.failed[n.Cell]; why != "" {
		return why
	}
	return x.closedBy(n.Cell)
}

// closedBy is why no gated cell needs more runs of the measuring cell; a cell without
// gates needs all.
func (x *executor) closedBy(measures int32) string {
	why := ""
	for _, cell := range x.gated[measures] {
		if why = x.closed[cell]; why == "" {
			return ""
		}
	}
	return why
}

// giveUp notes that a cell gives nothing more in this apply.
func (x *executor) giveUp(cell int32, why string) {
	x.mutex.Lock()
	if x.failed[cell] == "" {
		x.failed[cell] = why
	}
	x.mutex.Unlock()
}

// open runs of a group: those that are still needed.
func (x *executor) openRuns(g *group) []int32 {
	var open []int32
	for _, id := range g.runs {
		if x.settled(&x.nodes[id]) == "" {
			open = append(open, id)
		}
	}
	return open
}

// openCells are the cells of a group's open runs, in order of their first run.
func (x *executor) openCells(g *group) []int32 {
	var cells []int32
	for _, id := range x.openRuns(g) {
		if cell := x.nodes[id].Cell; !slices.Contains(cells, cell) {
			cells = append(cells, cell)
		}
	}
	return cells
}
