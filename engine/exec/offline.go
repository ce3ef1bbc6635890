package exec

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// recording is the answer of an offline benchmark for all cells of the graph, asked
// for in one call when the first is needed.
type recording struct {
	points []spec.Point
	cells  map[int32]int // position in points
	found  []spec.Recorded
	err    error
	asked  bool
}

// prepareRun makes the benchmark of a run node, and collects the points of recorded
// cells.
func (x *executor) prepareRun(n *engine.Node) error {
	c := &x.plan.Cells[n.Cell].Cell
	if n.Deployment >= 0 {
		_, err := x.tools.benchmark(c.Benchmark)
		return err
	}
	if _, err := x.tools.recording(c.Benchmark); err != nil {
		return err
	}
	r := x.recorded[c.Benchmark.Address()]
	if r == nil {
		r = &recording{cells: map[int32]int{}}
		x.recorded[c.Benchmark.Address()] = r
	}
	if _, known := r.cells[n.Cell]; !known {
		r.cells[n.Cell] = len(r.points)
		r.points = append(r.points, spec.PointOf(c))
	}
	return nil
}

// runRecorded takes one recorded run over.
func (x *executor) runRecorded(id int) {
	n := &x.nodes[id]
	c := &x.plan.Cells[n.Cell]
	began := time.Now()
	x.started(id)
	s, err := x.open(id, engine.NodeRun, c.Cell.Address(), string(c.Measurement)+"#"+strconv.Itoa(int(n.Run)))
	if err != nil {
		return
	}
	result, err := x.recordedRun(n)
	if err == nil {
		err = x.keep(n, s, spec.Run{Measurement: c.Measurement, Index: int(n.Run), Result: result})
	} else {
		err = x.recordedFailed(n, s, err)
	}
	x.conclude(id, began, summary(&result), err)
}

// recordedFailed notes that a cell has no data. It returns the reason, or errState.
func (x *executor) recordedFailed(n *engine.Node, s *step, err error) error {
	kind := spec.KindOf(err)
	if kind == spec.ErrConfiguration {
		kind = spec.ErrBenchmark // a file can not say that an engine refuses anything
	}
	x.giveUp(n.Cell, err.Error())
	x.stopOnUsage(err)
	_, closeErr := x.close(s, spec.Outcome{Status: spec.StepFailed, Message: explain(err), Failures: []spec.CellFailure{{
		Measurement: x.plan.Cells[n.Cell].Measurement, Failure: spec.Failure{Kind: kind, Message: err.Error()}}}})
	if closeErr != nil {
		return closeErr
	}
	return err
}

// recordedRun finds the run: the k-th recorded one has the index RunBase + k.
func (x *executor) recordedRun(n *engine.Node) (spec.RunResult, error) {
	c := &x.plan.Cells[n.Cell]
	r := x.recorded[c.Cell.Benchmark.Address()]
	if !r.asked {
		r.asked = true
		r.found, r.err = x.lookUp(c.Cell.Benchmark, r.points)
	}
	if r.err != nil {
		return spec.RunResult{}, r.err
	}
	found := &r.found[r.cells[n.Cell]]
	k := int(n.Run) - c.RunBase
	if k < 1 || k > len(found.Runs) {
		why := found.Missing
		if why == "" {
			why = fmt.Sprintf("it holds %s of this cell", metric.Count(len(found.Runs), "run"))
		}
		return spec.RunResult{}, &spec.Error{Kind: spec.ErrBenchmark,
			Summary: fmt.Sprintf("%s has no run %d of it any more: %s", c.Cell.Benchmark.Address(), k, why), Fix: "make a new plan"}
	}
	result := found.Runs[k-1]
	return result, checkResult(&result, false)
}

func (x *executor) lookUp(c *spec.Component, points []spec.Point) (found []spec.Recorded, err error) {
	defer guard(c.Address(), &err)
	recording, err := x.tools.recording(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(x.work, lookupTimeout)
	defer cancel()
	found, err = recording.Lookup(ctx, points)
	if err == nil && len(found) != len(points) {
		err = &spec.Error{Kind: spec.ErrBenchmark, Summary: fmt.Sprintf("%s: asked for %d points, answered %d", c.Address(), len(points), len(found))}
	}
	return found, err
}
