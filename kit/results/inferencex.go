package results

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// inferenceX reads rows of InferenceX: the agg_*.json of a job, the array of a whole run,
// or what the site's interface answers.
func inferenceX(data []byte) ([]Record, error) {
	return inferenceXTable().read(data)
}

func inferenceXTable() *table {
	t := &table{
		tool: "InferenceX", list: "rows", window: spec.WindowWholeRun, model: []string{"model", "model_id"}, runtime: []string{"framework"}, engine: []string{"framework_version"},
		system: []string{"system"}, concurrency: []string{"conc"}, input: []string{"isl"}, output: []string{"osl"},
		refuse: inferenceXLayout, doubt: nothing, finish: inferenceXRow,
		caveat: []string{"only rows of the official project have these definitions: forks fill the same names with other figures"},
	}
	for _, prefix := range []string{"", "metrics."} {
		t.fields = append(t.fields, field{prefix + "output_tput_per_gpu", metric.Throughput, 1})
		for _, d := range []struct {
			suffix string
			base   metric.Name
		}{{"_ttft", metric.TTFT}, {"_tpot", metric.TPOT}, {"_e2el", metric.Latency}} {
			t.fields = append(t.fields, spreadOf(prefix, d.base, 1000, medians(), d.suffix)...)
		}
		t.never = append(t.never, Doubt{Field: prefix + "tput_per_gpu", Why: "it counts input and output tokens"}, Doubt{Field: prefix + "mean_intvty", Why: "it is 1 / mean_tpot, which user_throughput is already"})
	}
	return t
}

// isTrue reads a flag that may be written as a text.
func (o object) isTrue(path string) bool {
	return string(o.at(path)) == "true" || strings.EqualFold(o.text(path), "true")
}

// inferenceXLayout refuses servers that a cell can not say, and loads that are none.
func inferenceXLayout(o object) string {
	spec := o.text("spec_decoding")
	switch {
	case o.isTrue("disagg") || o.isTrue("is_multinode"):
		return "it is of a disaggregated or multi-node server, whose layout a cell can not say yet"
	case o.isTrue("dp_attention"):
		return "its attention is data-parallel, over how many ranks it does not say"
	case spec != "" && spec != "none" && spec != "false":
		return "it decodes speculatively (" + spec + "), with how many draft tokens it does not say"
	case strings.HasPrefix(o.text("scenario_type"), "agentic") || o.text("benchmark_type") == "agentic_traces":
		return "its requests are an agent's, of many lengths, and cells have one"
	}
	for _, name := range []string{"dcp_size", "pcp_size"} {
		if n, ok := o.number(name); ok && n > 1 {
			return "it divides the context (" + name + "), which a cell can not say"
		}
	}
	return ""
}

// inferenceXRow adds the layout, the engine's version, and the lengths that the requests
// really had: they are drawn from a range below those asked for.
func inferenceXRow(o object, r *Record) error {
	r.GPUs = 1
	for _, x := range []struct{ field, item string }{{"tp", spec.ItemTensorParallel}, {"pp", spec.ItemPipelineParallel}, {"ep", spec.ItemMoEExpertParallel}} {
		n, ok := o.number(x.field)
		if !ok {
			continue
		}
		if n < 1 || n > 1<<16 || n != math.Trunc(n) {
			return fmt.Errorf("its %s is %v", x.field, n)
		}
		if n > 1 || x.field == "tp" {
			r.set(x.item, strconv.Itoa(int(n)))
		}
		if x.field != "ep" {
			r.GPUs *= int(n)
		}
	}
	if r.Engine == "" {
		r.Engine = releaseOf(o.text("image"))
	}
	return inferenceXLengths(o, r)
}

// releaseOf is the engine's release in the tag of an official image; empty: no such image.
func releaseOf(image string) string {
	name, tag, _ := strings.Cut(image, ":v")
	if !strings.HasPrefix(name, "vllm/vllm-openai") && !strings.HasPrefix(name, "lmsysorg/sglang") {
		return ""
	}
	release, _, _ := strings.Cut(tag, "-")
	return release
}

// inferenceXLengths computes the mean lengths from what the row says: the latency holds
// them in tokens of tpot, and the rates their proportion.
func inferenceXLengths(o object, r *Record) error {
	asked := r.Load
	latency, tpot, ttft := r.Figures[metric.Latency], r.Figures[metric.TPOT], r.Figures[metric.TTFT]
	if latency == 0 || tpot == 0 || ttft == 0 {
		r.Caveats = append(r.Caveats[:len(r.Caveats):len(r.Caveats)], "its lengths are drawn from a range below those asked for, and the row does not hold enough to compute them")
		return nil
	}
	output := (latency-ttft)/tpot + 1
	if output < 0.5*float64(asked.OutputTokens) || output > 1.05*float64(asked.OutputTokens) {
		return fmt.Errorf("its latency, ttft and tpot give %.4g output tokens, and %d were asked for", output, asked.OutputTokens)
	}
	r.Load.OutputTokens = int(math.Round(output))
	in, a := o.firstNumber([]string{"input_tput_per_gpu", "metrics.input_tput_per_gpu"})
	out, b := o.firstNumber([]string{"output_tput_per_gpu", "metrics.output_tput_per_gpu"})
	if input := output * in / out; a && b && input >= 1 && input <= 1.05*float64(asked.InputTokens) {
		r.Load.InputTokens = int(math.Round(input))
	}
	r.Caveats = append(r.Caveats[:len(r.Caveats):len(r.Caveats)], fmt.Sprintf("%d input and %d output tokens were asked for; lengths are drawn from a range below, and by the row's own figures their means are %d and %d",
		asked.InputTokens, asked.OutputTokens, r.Load.InputTokens, r.Load.OutputTokens))
	return nil
}
