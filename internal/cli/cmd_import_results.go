package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aicv/internal/tty"
	"aicv/kit/results"
	"aicv/lang/suggest"
	"aicv/metric"
	"aicv/spec"
	"aicv/translate"
)

// said is what the command line says of results that do not say it themselves.
type said struct {
	out                        string
	model, system, kind, build string
	gpus, concurrency          int
	input, output, tensor      int
	columns                    []string
	window                     string
}

func (a *app) importResultsCommand() *cobra.Command {
	var s said
	c := &cobra.Command{
		Use:   "results FORMAT PATH",
		Short: "Turn another client's results into a recorded benchmark",
		Long: `Results of another client become a recorded benchmark and a suite that reads it, so
that predictions can be verified by them without a GPU. A figure whose definition is not
the metric contract's is left out, with the reason; nothing is guessed. What the results
do not say (the engine, the model) must be given.

Formats:
` + resultFormats(),
		Example: "  aicv import results genai-bench out/my-experiment --runtime vllm --out imported\n  aicv import results vllm result.json --runtime vllm --runtime-version 0.24.0 --system h100_sxm --gpus 1 --out imported\n  aicv import results csv mine.csv --map model=model --map conc=concurrency --map isl=isl --map osl=osl --map ttft_s=ttft:s --runtime sglang --out imported",
		Args:    cobra.ExactArgs(2),
		RunE:    func(_ *cobra.Command, args []string) error { return a.importResults(args[0], args[1], s) },
	}
	c.ValidArgs = results.Names()
	f := c.Flags()
	f.StringVar(&s.out, "out", "", "folder to write the suite into (default: the suite to stdout)")
	f.StringVar(&s.model, "model", "", "id of the model")
	f.StringVar(&s.system, "system", "", "the GPUs' system (aicv hardware list)")
	f.IntVar(&s.gpus, "gpus", 0, "GPUs of the server")
	f.StringVar(&s.kind, "runtime", "", "engine that served: vllm, sglang ...")
	f.StringVar(&s.build, "runtime-version", "", "version of the engine")
	f.IntVar(&s.concurrency, "concurrency", 0, "requests in flight, where no result says it")
	f.IntVar(&s.input, "input-tokens", 0, "input length of every request, where no result says it")
	f.IntVar(&s.output, "output-tokens", 0, "output length of every request, where no result says it")
	f.IntVar(&s.tensor, "tensor-parallel", 0, "GPUs over which each layer is split, where no result says it")
	f.StringArrayVar(&s.columns, "map", nil, "of csv: what a column holds, COLUMN=METRIC[:UNIT] or COLUMN=ITEM; may be repeated")
	f.StringVar(&s.window, "window", string(spec.WindowUnknown), "of csv: over what time its rates were taken: whole_run, steady or unknown")
	return c
}

func resultFormats() string {
	var rows [][2]string
	for _, f := range results.Formats() {
		rows = append(rows, [2]string{f.Name, f.Doc})
	}
	return listed(15, rows)
}

// read reads the results of a format; only of CSV the command line says what columns hold.
func (s *said) read(format, path string) ([]results.Record, error) {
	if format != results.CSV && (len(s.columns) > 0 || s.window != string(spec.WindowUnknown)) {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "--map and --window are of csv; " + format + " says itself what it holds", Fix: "leave them out, or name the format csv"}
	}
	if len(s.columns) == 0 {
		return results.Read(format, path)
	}
	if !slices.Contains([]spec.WindowKind{spec.WindowWholeRun, spec.WindowSteady, spec.WindowUnknown}, spec.WindowKind(s.window)) {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("--window %q is none", s.window), Fix: "give whole_run, steady or unknown"}
	}
	columns, err := results.ParseColumns(s.columns, suggest.Best)
	if err != nil {
		return nil, err
	}
	return results.ReadCSV(path, columns, spec.WindowKind(s.window), suggest.Best)
}

// fill completes a record by what the command line says; what it contradicts is an error.
func (s *said) fill(r *results.Record) error {
	for _, x := range []struct {
		name, given string
		into        *string
	}{{"--model", s.model, &r.Model}, {"--system", s.system, &r.System}, {"--runtime", s.kind, &r.Runtime}, {"--runtime-version", s.build, &r.Engine}} {
		if x.given != "" && *x.into != "" && *x.into != x.given && x.name != "--model" {
			return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s: it says %s, and %s says %s", r.Source, *x.into, x.name, x.given), Fix: "leave " + x.name + " out"}
		}
		*x.into = cmp.Or(x.given, *x.into) // a served name may stand for any model
	}
	r.GPUs = cmp.Or(r.GPUs, s.gpus)
	if r.Load.RequestRate.Sign() == 0 {
		r.Load.Concurrency = cmp.Or(r.Load.Concurrency, s.concurrency)
	}
	r.Load.InputTokens, r.Load.OutputTokens = cmp.Or(r.Load.InputTokens, s.input), cmp.Or(r.Load.OutputTokens, s.output)
	if s.tensor > 0 && len(r.Settings) == 0 {
		r.Settings = map[string]string{spec.ItemTensorParallel: strconv.Itoa(s.tensor)}
	}
	r.PerGPU()
	return nil
}

func (a *app) importResults(format, path string, s said) error {
	if min(s.gpus, s.concurrency, s.input, s.output, s.tensor) < 0 {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "a number on the command line is negative", Fix: "leave it out, or give one from 1"}
	}
	records, err := s.read(format, path)
	if err != nil {
		return err
	}
	for i := range records {
		if err := s.fill(&records[i]); err != nil {
			return err
		}
	}
	suite, err := results.NewSuite(records)
	if err != nil {
		return err
	}
	files := []translate.File{{Name: results.SuiteFile, Content: suite.HCL}, {Name: results.DataFile, Content: suite.Data}}
	loaded, diags, err := a.tryOut(files)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		if err := a.printDiagnostics(diags, loaded.Sources); err != nil {
			return err
		}
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the imported suite does not hold, so it was not written", Fix: "correct what the messages say on the command line"}
	}
	return a.writeResults(records, files, s.out)
}

func (a *app) writeResults(records []results.Record, files []translate.File, out string) error {
	if out == "" {
		_, err := a.stdio.Out.Write(files[0].Content)
		return err
	}
	if err := writeSuite(out, files); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s written to %s; try: aicv plan %s\n", metric.Count(len(records), "result"), records[0].Tool, out, out)
	for _, r := range results.Remarks(records) {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	_, err := fmt.Fprint(a.stdio.Out, tty.CleanLines(b.String()))
	return err
}
