package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
)

// SuiteFile is the name of the file that a translated suite has.
const SuiteFile = "suite.hcl"

// Render writes the suite's file.
func (s *Suite) Render() ([]byte, error) {
	r := &renderer{}
	if s.Name != "" {
		r.blocks = append(r.blocks, write.Block{Type: schema.Suite, Attrs: []write.Attr{text("name", s.Name)}})
	}
	experiments := make([]write.Block, len(s.Experiments))
	names := make(map[string]bool)
	for i := range s.Experiments {
		e := &s.Experiments[i]
		label := unique(names, write.Label(e.Name))
		experiments[i] = r.experiment(e, label)
	}
	return write.Source(s.Comment, append(r.blocks, experiments...))
}

// renderer collects the declarations that experiments share.
type renderer struct {
	blocks []write.Block
}

// declare adds a block, or finds the one that says the same, and returns its address.
func (r *renderer) declare(b write.Block) string {
	labels := make(map[string]bool)
	last := len(b.Labels) - 1
	for _, known := range r.blocks {
		if known.Type != b.Type || !slices.Equal(known.Labels[:len(known.Labels)-1], b.Labels[:last]) {
			continue
		}
		if fmt.Sprint(known.Attrs, known.Blocks) == fmt.Sprint(b.Attrs, b.Blocks) {
			return known.Type + "." + strings.Join(known.Labels, ".")
		}
		labels[known.Labels[last]] = true
	}
	b.Labels[last] = unique(labels, b.Labels[last])
	r.blocks = append(r.blocks, b)
	return b.Type + "." + strings.Join(b.Labels, ".")
}

// unique makes a name that is not taken, and takes it.
func unique(taken map[string]bool, name string) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	taken[free] = true
	return free
}

func text(name, value string) write.Attr {
	return write.Attr{Name: name, Value: write.Value(spec.StringValue(value))}
}

func (r *renderer) experiment(e *Experiment, label string) write.Block {
	b := write.Block{Type: schema.Experiment, Labels: []string{label}, Comment: e.Comment}
	refer := func(name, address string) {
		b.Attrs = append(b.Attrs, write.Attr{Name: name, Value: write.Ref(address)})
	}
	refer(schema.Model, r.declare(modelBlock(e.Model)))
	if e.Hardware.System != "" {
		refer(schema.Hardware, r.declare(hardwareBlock(e.Hardware)))
	}
	if e.Target != "" {
		refer(string(spec.RoleTarget), r.declare(write.Block{Type: string(spec.RoleTarget), Labels: []string{e.Target, "local"}}))
	}
	runtimes := r.runtimes(e.Runtimes)
	if len(runtimes) == 1 {
		refer(string(spec.RoleRuntime), runtimes[0])
	}
	if p := e.Predictor; p != nil {
		refer(string(spec.RolePredictor), r.declare(write.Block{Type: string(spec.RolePredictor), Labels: []string{p.Kind, p.Label}, Attrs: p.Attrs, Blocks: p.Blocks}))
	}
	if b := e.Benchmark; b != nil {
		refer(string(spec.RoleBenchmark), r.declare(write.Block{Type: string(spec.RoleBenchmark), Labels: []string{b.Kind, b.Label}, Attrs: b.Attrs}))
	}
	if load := workloadBlock(e); len(load.Attrs) > 0 {
		refer(schema.Workload, r.declare(load))
	}
	b.Blocks = experimentBlocks(e, runtimes)
	return b
}

func modelBlock(m Model) write.Block {
	name := m.ID[strings.LastIndexByte(m.ID, '/')+1:]
	b := write.Block{Type: schema.Model, Labels: []string{strings.ToLower(write.Label(name))}, Attrs: []write.Attr{text("id", m.ID)}}
	if m.Path != "" {
		b.Attrs = append(b.Attrs, text("path", m.Path))
	}
	return b
}

func hardwareBlock(h Hardware) write.Block {
	return write.Block{Type: schema.Hardware, Labels: []string{fmt.Sprintf("%s_x%d", write.Label(h.System), h.GPUs)}, Attrs: []write.Attr{
		text("system", h.System), {Name: "gpus", Value: write.Value(spec.IntValue(h.GPUs))}}}
}

func (r *renderer) runtimes(runtimes []Runtime) []string {
	addresses := make([]string, len(runtimes))
	for i := range runtimes {
		rt := &runtimes[i]
		b := write.Block{Type: string(spec.RoleRuntime), Labels: []string{rt.Kind, "main"}}
		if rt.Version != "" {
			b.Labels[1] = write.Label("v" + rt.Version)
			b.Attrs = append(b.Attrs, text("version", rt.Version))
		}
		if rt.Image != "" {
			b.Attrs = append(b.Attrs, text("image", rt.Image))
		}
		if len(rt.Args) > 0 {
			b.Attrs = append(b.Attrs, write.Attr{Name: "args", Value: write.Value(mapOf(rt.Args))})
		}
		if len(rt.Env) > 0 {
			b.Attrs = append(b.Attrs, write.Attr{Name: "env", Value: write.Value(mapOf(rt.Env))})
		}
		addresses[i] = r.declare(b)
	}
	return addresses
}

func mapOf(settings []spec.Setting) spec.Value {
	fields := make([]spec.Field, len(settings))
	for i, s := range settings {
		fields[i] = spec.Field(s)
	}
	return spec.MapValue(fields...)
}

// isWorkload tells items of the workload from items of the configuration.
func isWorkload(item string) bool {
	return slices.ContainsFunc(schema.WorkloadItems(), func(a spec.Attribute) bool { return a.Name == item })
}

// workloadBlock holds the items of the workload that do not vary, and the concurrencies.
func workloadBlock(e *Experiment) write.Block {
	b := write.Block{Type: schema.Workload, Labels: []string{"load"}}
	for _, row := range schema.WorkloadItems() {
		a := e.Axis(row.Name)
		switch {
		case a == nil:
		case row.Name == schema.ItemConcurrency:
			b.Attrs = append(b.Attrs, write.Attr{Name: row.Name, Value: write.Value(spec.ListValue(a.Values...))})
		case len(a.Values) == 1:
			b.Attrs = append(b.Attrs, write.Attr{Name: row.Name, Value: write.Value(a.Values[0])})
		}
	}
	return b
}

func experimentBlocks(e *Experiment, runtimes []string) []write.Block {
	matrix, config := write.Block{Type: "matrix"}, write.Block{Type: "configuration"}
	if len(runtimes) > 1 {
		matrix.Attrs = append(matrix.Attrs, write.Attr{Name: string(spec.RoleRuntime), Value: write.Refs(runtimes...)})
	}
	for _, a := range e.Axes {
		switch {
		case len(a.Values) > 1 && a.Name != schema.ItemConcurrency:
			matrix.Attrs = append(matrix.Attrs, write.Attr{Name: a.Name, Value: write.Value(spec.ListValue(a.Values...))})
		case !isWorkload(a.Name):
			config.Attrs = append(config.Attrs, write.Attr{Name: a.Name, Value: write.Value(a.Values[0])})
		}
	}
	if len(e.Rows) > 0 {
		rows := make([]spec.Value, len(e.Rows))
		for i, row := range e.Rows {
			rows[i] = mapOf(row)
		}
		matrix.Attrs = append(matrix.Attrs, write.Attr{Name: "include", Value: write.Value(spec.ListValue(rows...))})
	}
	var blocks []write.Block
	for _, b := range []write.Block{matrix, config, recommendedBlock(e), sloBlock(e)} {
		if len(b.Attrs) > 0 {
			blocks = append(blocks, b)
		}
	}
	for _, a := range e.Asserts {
		blocks = append(blocks, assertBlock(a))
	}
	if e.Origin != nil {
		blocks = append(blocks, originBlock(e.Origin))
	}
	return blocks
}

func recommendedBlock(e *Experiment) write.Block {
	b := write.Block{Type: "recommended"}
	if e.Recommended > 0 {
		b.Attrs = []write.Attr{{Name: "top", Value: write.Value(spec.IntValue(e.Recommended))}}
	}
	return b
}

func sloBlock(e *Experiment) write.Block {
	b := write.Block{Type: "slo"}
	for _, l := range e.Limits {
		b.Attrs = append(b.Attrs, text(l.Metric, l.Quantity))
	}
	return b
}

func assertBlock(a Assert) write.Block {
	b := write.Block{Type: "assert", Labels: []string{a.Name}}
	if a.Severity != spec.AssertError {
		b.Attrs = append(b.Attrs, text("severity", string(a.Severity)))
	}
	claims := make([]spec.Value, len(a.Expect))
	for i, claim := range a.Expect {
		claims[i] = spec.StringValue(claim)
	}
	b.Attrs = append(b.Attrs, write.Attr{Name: "expect", Value: write.Value(spec.ListValue(claims...))})
	return b
}

func originBlock(o *spec.Imported) write.Block {
	b := write.Block{Type: "origin", Attrs: []write.Attr{text("format", cmp.Or(o.Format, "unknown")), text("file", o.File)}}
	if o.Entry != "" {
		b.Attrs = append(b.Attrs, text("entry", o.Entry))
	}
	return b
}
