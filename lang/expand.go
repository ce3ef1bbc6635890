package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// expand makes the cells. Nothing is evaluated per cell but what reads the matrix.
func (e *experiment) expand() {
	e.out.Base = e.base()
	e.addConcurrencyAxis()
	include, exclude := e.extraRows("include"), e.extraRows("exclude")
	count, text := cellCount(e.axes)
	if !e.wantsRows() || !e.ok {
		return
	}
	if len(e.scope.axes) == 0 && len(include) > 0 {
		count = 0 // the rows are those listed
	}
	if count+len(include) > schema.MaxCells {
		e.tooMany(text)
		return
	}
	e.out.Cells = make([]spec.Cell, 0, count+len(include))
	if count > 0 {
		e.matrixRows(count, exclude)
	}
	e.includedRows(include)
	e.checkExcluded(exclude)
}

func (e *experiment) tooMany(text string) {
	at := e.b.nameAt
	if m := e.b.one("matrix"); m != nil {
		at = m.at
	}
	e.fail(at, "Too many cells", "The matrix has "+text+" cells; an experiment may have "+metric.Whole(schema.MaxCells)+".",
		"Shorten an axis, or split the experiment.")
}

// wantsRows is false where all cells come from the predictor or from recorded data.
func (e *experiment) wantsRows() bool {
	return e.out.PointsFrom == nil && (e.b.one("matrix") != nil || e.out.Recommended == nil)
}

// addConcurrencyAxis turns the concurrency list of the experiment's own workload into
// an axis, unless the matrix says how hard the server is driven.
func (e *experiment) addConcurrencyAxis() {
	n := e.fixed[slotWorkload]
	if n == nil || len(n.product.workload.concurrencies) == 0 || e.axis(schema.ItemConcurrency) != nil || !e.wantsRows() {
		return
	}
	e.axes = append(e.axes, e.concurrencyAxis(n))
}

func (e *experiment) concurrencyAxis(n *node) *axis {
	a := e.l.newAxis(schema.ItemConcurrency, n.at)
	for _, c := range n.product.workload.concurrencies {
		a.values = append(a.values, axisValue{plain: spec.IntValue(c), cty: cty.NumberIntVal(int64(c))})
	}
	return a
}

// base is what all cells share.
func (e *experiment) base() spec.Cell {
	c := spec.Cell{Experiment: e.out.Name, Config: e.config}
	w := workload{}
	if n := e.fixed[slotWorkload]; n != nil {
		w = *n.product.workload
	}
	setNodes(&c, &e.fixed)
	c.DeclaredAt = e.placesOf(e.fixed[slotWorkload])
	e.setLoad(&c, w)
	return c
}

func setNodes(c *spec.Cell, nodes *[slots]*node) {
	component := func(s slot) *spec.Component {
		if nodes[s] == nil {
			return nil
		}
		return nodes[s].product.component
	}
	if n := nodes[slotModel]; n != nil {
		c.Model = n.product.model
	}
	if n := nodes[slotHardware]; n != nil {
		c.Hardware = n.product.hardware
	}
	c.Target, c.Runtime = component(slotTarget), component(slotRuntime)
	c.Predictor, c.Benchmark = component(slotPredictor), component(slotBenchmark)
}

func (e *experiment) setLoad(c *spec.Cell, w workload) {
	if err := e.l.identifyDataset(&w.load.Shape); err != nil {
		e.fail(c.DeclaredAt.Of(schema.ItemDataset), "The dataset can not be used", upperFirst(err.Error())+".", "Correct dataset of the workload.")
	}
	c.Load, c.Sampling = w.load, w.sampling
	if !w.seeded {
		c.Sampling.Seed = e.seed
	}
}

// matrixRows walks the product, the last axis fastest.
func (e *experiment) matrixRows(count int, exclude []*rowSpec) {
	row := make([]choice, len(e.axes))
	for i, a := range e.axes {
		row[i].axis = a
	}
	order := sortedAxes(e.axes)
	arena := make([]spec.Setting, 0, count*len(e.axes))
	for i := range count {
		for k, rest := len(e.axes)-1, i; k >= 0; k-- {
			a := e.axes[k]
			row[k].value = &a.values[rest%len(a.values)]
			rest /= len(a.values)
		}
		if excluded(row, exclude) {
			continue
		}
		start := len(arena)
		for _, k := range order {
			arena = append(arena, spec.Setting{Name: row[k].axis.name, Value: row[k].value.plain})
		}
		if !e.addCells(row, arena[start:len(arena):len(arena)]) {
			return
		}
	}
}

// sortedAxes gives the positions of the axes in the order of their names.
func sortedAxes(axes []*axis) []int {
	order := make([]int, len(axes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(axes[a].name, axes[b].name) })
	return order
}

func excluded(row []choice, exclude []*rowSpec) bool {
	hit := false
	for _, x := range exclude {
		if x.matches(row) {
			x.matched, hit = true, true
		}
	}
	return hit
}

func (r *rowSpec) matches(row []choice) bool {
	for _, want := range r.choices {
		i := slices.IndexFunc(row, func(c choice) bool { return c.axis == want.axis })
		if i < 0 || !row[i].value.plain.Equal(want.value.plain) {
			return false
		}
	}
	return true
}

func (e *experiment) checkExcluded(exclude []*rowSpec) {
	for _, x := range exclude {
		if !x.matched && e.ok {
			e.l.report(warning(x.at, "An exclude row matches nothing", "No row of the matrix has these values."))
		}
	}
	if len(e.out.Cells) == 0 && e.ok {
		e.fail(e.b.one("matrix").at, "The matrix has no cells", "Every row is excluded.", "Remove an exclude row.")
	}
}

// includedRows adds the rows of include; one that the matrix has already is merged.
func (e *experiment) includedRows(include []*rowSpec) {
	if len(include) == 0 {
		return
	}
	keys := make(map[string]bool, len(e.out.Cells))
	for i := range e.out.Cells {
		keys[e.out.Cells[i].Key()] = true
	}
	for _, r := range include {
		first := len(e.out.Cells)
		row, ok := e.withConcurrency(r)
		if !ok || !e.addRows(row) {
			return
		}
		added := slices.Clone(e.out.Cells[first:])
		e.out.Cells = e.out.Cells[:first]
		for i := range added {
			if key := added[i].Key(); !keys[key] {
				keys[key] = true
				e.out.Cells = append(e.out.Cells, added[i])
			}
		}
	}
}

// withConcurrency multiplies a row that names no concurrency by the workload's list.
func (e *experiment) withConcurrency(r *rowSpec) ([][]choice, bool) {
	a := e.axis(schema.ItemConcurrency)
	named := func(c choice) bool {
		return c.axis.name == schema.ItemConcurrency || c.axis.name == schema.ItemRequestRate || c.axis.name == schema.Workload
	}
	if slices.ContainsFunc(r.choices, named) || a == nil || e.declaresAxis(schema.ItemConcurrency) {
		return [][]choice{r.choices}, true
	}
	rows := make([][]choice, len(a.values))
	for i := range a.values {
		rows[i] = append(slices.Clone(r.choices), choice{a, &a.values[i]})
	}
	return rows, true
}

// declaresAxis tells an axis of the matrix from one that the workload's list made.
func (e *experiment) declaresAxis(name string) bool { return slices.Contains(e.scope.axes, name) }

func (e *experiment) addRows(rows [][]choice) bool {
	for _, row := range rows {
		axes := make([]spec.Setting, len(row))
		for i, c := range row {
			axes[i] = spec.Setting{Name: c.axis.name, Value: c.value.plain}
		}
		slices.SortFunc(axes, bySetting)
		if !e.addCells(row, axes) {
			return false
		}
	}
	return true
}

// addCells makes the cell of a row, or one per value where the row's own workload
// lists its concurrencies; false after an error, which ends the expansion.
func (e *experiment) addCells(row []choice, axes []spec.Setting) bool {
	cell := e.out.Base
	cell.Axes, cell.Source = axes, spec.FromMatrix
	nodes := e.fixed
	if !e.chooseNodes(&nodes, row) || !e.configure(&cell, row) {
		e.ok = false
		return false
	}
	setNodes(&cell, &nodes)
	cell.DeclaredAt = e.placesOf(nodes[slotWorkload])
	w := workload{}
	if n := nodes[slotWorkload]; n != nil {
		w = *n.product.workload
	}
	chosen := false
	for _, c := range row {
		if c.axis.kind == axisWorkload {
			chosen = chosen || c.axis.name == schema.ItemConcurrency
			if err := w.set(c.axis.name, c.value.plain); err != nil {
				e.l.wrongValue(c.axis.name, c.axis.at, err)
				e.ok = false
				return false
			}
		}
	}
	if chosen || len(w.concurrencies) == 0 {
		e.setLoad(&cell, w)
		return e.addCell(cell)
	}
	return e.addPerConcurrency(cell, w)
}

func (e *experiment) addPerConcurrency(cell spec.Cell, w workload) bool {
	for _, n := range w.concurrencies {
		w.load.Concurrency = n
		one := cell
		one.Axes = spec.NewConfiguration(append(slices.Clone(cell.Axes), spec.Setting{Name: schema.ItemConcurrency, Value: spec.IntValue(n)})...)
		e.setLoad(&one, w)
		if !e.addCell(one) {
			return false
		}
	}
	return true
}

func (e *experiment) addCell(c spec.Cell) bool {
	if len(e.out.Cells) == schema.MaxCells {
		e.tooMany("more than " + metric.Whole(schema.MaxCells))
		return false
	}
	if p := cellProblem(&c); p != nil {
		e.fail(e.b.nameAt, p.summary, p.detail+" (cell "+c.Address()+")", p.fix)
		return false
	}
	e.out.Cells = append(e.out.Cells, c)
	return true
}

// chooseNodes applies the reference axes, and the references that read the matrix.
func (e *experiment) chooseNodes(nodes *[slots]*node, row []choice) bool {
	for _, c := range row {
		if c.axis.kind == axisReference {
			nodes[c.axis.slot] = c.value.node
		}
	}
	for s, v := range e.varying {
		if v == nil {
			continue
		}
		values, ok := e.rowValues(v, row)
		if !ok {
			return false
		}
		if nodes[s], ok = e.l.referenceValue(v.row, v.expr, v.refs, values); !ok {
			return false
		}
		if nodes[s] == nil {
			if nodes[s] = e.forNull(slot(s), v.row.Name); !e.ok {
				return false
			}
		}
	}
	return true
}

// configure sets the configuration's items of a row.
func (e *experiment) configure(cell *spec.Cell, row []choice) bool {
	settings := 0
	for _, c := range row {
		if c.axis.kind == axisConfig {
			settings++
		}
	}
	if settings+len(e.configVary) == 0 {
		return true
	}
	config := make(spec.Configuration, len(e.config), len(e.config)+settings+len(e.configVary))
	copy(config, e.config)
	for _, c := range row {
		if c.axis.kind == axisConfig {
			config = setItem(config, c.axis.name, c.value.plain)
		}
	}
	for _, v := range e.configVary {
		values, ok := e.rowValues(v, row)
		if !ok {
			return false
		}
		value, ok := e.item(v, values)
		if !ok {
			return false
		}
		if !value.IsNull() {
			config = setItem(config, v.row.Name, value)
		}
	}
	cell.Config = config
	return true
}

// setItem sets one item in place, keeping the order by name.
func setItem(c spec.Configuration, name string, v spec.Value) spec.Configuration {
	i := 0
	for i < len(c) && c[i].Name < name {
		i++
	}
	if i < len(c) && c[i].Name == name {
		c[i].Value = v
		return c
	}
	return slices.Insert(c, i, spec.Setting{Name: name, Value: v})
}

// rowValues are the axes as an expression reads them.
func (e *experiment) rowValues(v *varying, row []choice) (map[string]cty.Value, bool) {
	values := make(map[string]cty.Value, len(row))
	for _, c := range row {
		values[c.axis.name] = c.value.cty
	}
	for _, ref := range v.refs {
		if _, there := values[ref.axis]; ref.to == nil && !there {
			e.l.fail(ref.at, "A row has no value for matrix."+ref.axis, "A row of include leaves this axis out, and the expression reads it.")
			return nil, false
		}
	}
	return values, true
}

// cellFault is what makes a cell impossible.
type cellFault struct{ summary, detail, fix string }

func cellProblem(c *spec.Cell) *cellFault {
	switch load := c.Load; {
	case load.Shape.Dataset == "" && (load.InputTokens == 0 || load.OutputTokens == 0):
		return &cellFault{"A cell without lengths", "Every cell needs input_tokens and output_tokens", "Set them in the workload, or as axes of the matrix."}
	case load.Concurrency == 0 && load.RequestRate.Sign() == 0:
		return &cellFault{"A cell without load", "Every cell needs a concurrency or a request_rate", "Set one in the workload, or as an axis of the matrix."}
	case load.Concurrency != 0 && load.RequestRate.Sign() != 0:
		return &cellFault{"A cell with two loads", "It has a concurrency and a request_rate", "Remove one of them."}
	}
	if f := loadFault(&c.Load); f != nil {
		return f
	}
	if c.Hardware != nil && c.Config.GPUs() > c.Hardware.GPUs {
		return &cellFault{"Not enough GPUs",
			fmt.Sprintf("The configuration occupies %d GPUs (replicas x tensor x pipeline x attention data parallel), and hardware.%s has %d", c.Config.GPUs(), c.Hardware.Name, c.Hardware.GPUs),
			"Declare more GPUs, or exclude the row."}
	}
	return nil
}
