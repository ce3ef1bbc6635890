package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// The files of an imported suite.
const (
	SuiteFile = "suite.hcl"
	DataFile  = "measurements.json"
)

// Suite is what an import writes.
type Suite struct {
	HCL  []byte // of SuiteFile
	Data []byte // of DataFile
}

// NewSuite makes a recorded benchmark of the records and a suite that reads it.
func NewSuite(records []Record) (*Suite, error) {
	if err := complete(records); err != nil {
		return nil, err
	}
	data, err := rowsOf(records)
	return &Suite{HCL: hclOf(records), Data: data}, err
}

func complete(records []Record) error {
	for i := range records {
		if err := records[i].complete(); err != nil {
			return err
		}
	}
	return nil
}

// complete says what must be known of a record.
func (r *Record) complete() error {
	missing, fix := "", ""
	switch {
	case r.Model == "":
		missing, fix = "which model was served", "give --model"
	case r.Runtime == "":
		missing, fix = "which engine served it", "give --runtime, and --runtime-version"
	case r.Load.Concurrency == 0 && r.Load.RequestRate.Sign() == 0:
		missing, fix = "at what concurrency or rate it was taken", "give --concurrency, if all were taken at one"
	case r.Load.InputTokens == 0 || r.Load.OutputTokens == 0:
		missing, fix = "the lengths of its requests", "give --input-tokens and --output-tokens, if all have the same"
	default:
		return nil
	}
	return refused(r.Source, "it does not say "+missing, fix)
}

// metricsOf lists the metrics that any record has, in contract order.
func metricsOf(records []Record) []metric.Metric {
	return slices.DeleteFunc(metric.All(), func(m metric.Metric) bool {
		return !slices.ContainsFunc(records, func(r Record) bool { _, has := r.Figures[m.Name]; return has })
	})
}

func rowsOf(records []Record) ([]byte, error) {
	rows := make([]map[string]any, len(records))
	for i := range records {
		rows[i] = records[i].row()
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rows); err != nil {
		return nil, fmt.Errorf("write the measurements: %w", err)
	}
	return b.Bytes(), nil
}

// row is a record as a row of the file: what it does not say is not there.
func (r *Record) row() map[string]any {
	row := map[string]any{"run": r.Source, "model": r.Model, "runtime": r.Runtime, "input_tokens": r.Load.InputTokens, "output_tokens": r.Load.OutputTokens}
	for name, text := range map[string]string{"runtime_version": r.Engine, "system": r.System} {
		if text != "" {
			row[name] = text
		}
	}
	r.addLoad(row)
	for name, value := range r.Settings {
		row[name] = json.RawMessage(value)
	}
	for name, v := range r.Figures {
		row[string(name)] = v
	}
	return row
}

func (r *Record) addLoad(row map[string]any) {
	if r.GPUs > 0 {
		row["gpus"] = r.GPUs
	}
	if r.Load.Concurrency > 0 {
		row["concurrency"] = r.Load.Concurrency
	} else {
		row["request_rate"] = json.RawMessage(r.Load.RequestRate.String())
	}
}

// hclText quotes a text as HCL does: ${ and %{ begin templates, and controls are left out.
func hclText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}

// distinct lists different texts in the order in which they come, without empty ones.
func distinct(records []Record, of func(*Record) string) []string {
	var list []string
	for i := range records {
		if t := of(&records[i]); t != "" && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// hclOf writes the suite.
func hclOf(records []Record) []byte {
	var b bytes.Buffer
	tool := distinct(records, func(r *Record) string { return strings.TrimSpace(r.Tool + " " + r.Version) })
	fmt.Fprintf(&b, "# Measurements of %s, imported by aicv import results. %s holds the figures;\n", strings.Join(tool, ", "), DataFile)
	b.WriteString("# what could not be taken, and why, stands at the end.\n\n")
	for i, id := range distinct(records, func(r *Record) string { return r.Model }) {
		fmt.Fprintf(&b, "model \"m%d\" {\n  id = %s\n}\n\n", i+1, hclText(id))
	}
	writeHardware(&b, records)
	writeRuntimes(&b, records)
	writeBenchmark(&b, records)
	fmt.Fprintf(&b, "experiment \"imported\" {\n  points_from = benchmark.recorded.imported\n\n  repeats {\n    min = 1\n    max = %d\n  }\n}\n", mostRuns(records))
	b.WriteString("\n# Add a predictor block and claims to verify a prediction by these figures:\n#   assert \"accuracy\" {\n#     expect = [\"tpot within 10%\"]\n#   }\n")
	writeDoubts(&b, records)
	return b.Bytes()
}

func writeHardware(b *bytes.Buffer, records []Record) {
	for i, system := range distinct(records, func(r *Record) string { return r.System }) {
		fmt.Fprintf(b, "hardware \"h%d\" {\n  system = %s\n  gpus   = %d\n}\n\n", i+1, hclText(system), gpusOf(records, system))
	}
}

// gpusOf is the largest server's number of GPUs, at least one.
func gpusOf(records []Record, system string) int {
	gpus := 1
	for i := range records {
		if records[i].System == system {
			gpus = max(gpus, records[i].GPUs)
		}
	}
	return gpus
}

func writeRuntimes(b *bytes.Buffer, records []Record) {
	for i, x := range distinct(records, func(r *Record) string { return r.Runtime + "\x00" + r.Engine }) {
		kind, version, _ := strings.Cut(x, "\x00")
		fmt.Fprintf(b, "runtime %s \"r%d\" {\n", hclText(kind), i+1)
		if version != "" {
			fmt.Fprintf(b, "  version = %s\n", hclText(version))
		}
		b.WriteString("}\n\n")
	}
}

func writeBenchmark(b *bytes.Buffer, records []Record) {
	fmt.Fprintf(b, "benchmark \"recorded\" \"imported\" {\n  file       = %q\n  run_column = \"run\"\n  window     = %q\n  tool       = %s\n", DataFile, windowOf(records), hclText(records[0].Tool))
	if v := records[0].Version; v != "" {
		fmt.Fprintf(b, "  version    = %s\n", hclText(v))
	}
	b.WriteString("  match = {\n")
	items := matched(records)
	width := len(slices.MaxFunc(items, func(a, b string) int { return len(a) - len(b) }))
	for _, item := range items {
		fmt.Fprintf(b, "    %-*s = %q\n", width, item, item)
	}
	b.WriteString("  }\n")
	for _, m := range metricsOf(records) {
		fmt.Fprintf(b, "\n  metric %q {\n    column = %q\n    unit   = %q\n  }\n", m.Name, m.Name, unitOf(m))
	}
	b.WriteString("}\n\n")
}

// windowOf is the window of all records; unknown where they differ.
func windowOf(records []Record) spec.WindowKind {
	if slices.ContainsFunc(records, func(r Record) bool { return r.Window != records[0].Window }) {
		return spec.WindowUnknown
	}
	return records[0].Window
}

// unitOf is a metric's unit as the recorded benchmark writes it; that of a share is empty.
func unitOf(m metric.Metric) string {
	if m.Unit == metric.Share {
		return ""
	}
	return string(m.Unit)
}

// matched lists the items that any record says.
func matched(records []Record) []string {
	items := []string{"model", "runtime", "input_tokens", "output_tokens"}
	for _, x := range []struct {
		name string
		says func(Record) bool
	}{
		{"system", func(r Record) bool { return r.System != "" }}, {"runtime_version", func(r Record) bool { return r.Engine != "" }},
		{"concurrency", func(r Record) bool { return r.Load.Concurrency > 0 }}, {"request_rate", func(r Record) bool { return r.Load.RequestRate.Sign() > 0 }},
	} {
		if slices.ContainsFunc(records, x.says) {
			items = append(items, x.name)
		}
	}
	for i := range records {
		for _, name := range slices.Sorted(maps.Keys(records[i].Settings)) {
			if !slices.Contains(items, name) {
				items = append(items, name)
			}
		}
	}
	return items
}

// mostRuns is the largest number of runs of one point.
func mostRuns(records []Record) int {
	runs, most := map[string]int{}, 1
	for i := range records {
		r := &records[i]
		key := fmt.Sprint(r.Model, r.System, r.Runtime, r.Engine, r.Load, r.Settings)
		runs[key]++
		most = max(most, runs[key])
	}
	return most
}

// writeDoubts lists what was left out and what a reader should know.
func writeDoubts(b *bytes.Buffer, records []Record) {
	lines := Remarks(records)
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n# On the figures:\n")
	for _, l := range lines {
		fmt.Fprintf(b, "# - %s\n", strings.Join(strings.Fields(l), " "))
	}
}

// Remarks are what was left out, and what a reader should know, each once.
func Remarks(records []Record) []string {
	var lines []string
	add := func(l string) {
		if !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	for i := range records {
		r := &records[i]
		for _, d := range r.LeftOut {
			add(d.Field + " is left out: " + d.Why)
		}
		for _, c := range r.Caveats {
			add(c)
		}
		if r.GPUs > 1 && len(r.Settings) == 0 {
			add(fmt.Sprintf("it does not say how its %d GPUs share the model, so that a prediction would be of one GPU: give --tensor-parallel", r.GPUs))
		}
		if r.Engine == "" && r.Refused == "" {
			add("it does not say which version of the engine was measured, so that a prediction from the tables of another is not noticed: give --runtime-version")
		}
		if windowOf(records) == spec.WindowUnknown && slices.ContainsFunc(rateNames(), func(n metric.Name) bool { _, has := r.Figures[n]; return has }) {
			add("the window of its rates is unknown, so that they are not comparable with those of a known one")
		}
	}
	return lines
}
