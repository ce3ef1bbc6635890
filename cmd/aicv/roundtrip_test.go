package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aicv/lang"
	"aicv/lang/diag"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/autotuner"
	"aicv/translate/formats"
	"aicv/translate/tree"
)

// loadTranslated loads a translated suite as validate does.
func loadTranslated(t interface{ Fatalf(string, ...any) }, dir string, s *translate.Suite) *spec.Suite {
	source, err := s.Render()
	if err != nil {
		t.Fatalf("the suite can not be written: %v", err)
	}
	for _, f := range append(s.Files, translate.File{Name: translate.SuiteFile, Content: source}) {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			t.Fatalf("%v", err)
		}
	}
	loaded, diags := lang.Load(lang.Options{Dir: dir, Registrations: registrations()})
	if diags.HasErrors() {
		var b strings.Builder
		_ = diag.Write(&b, diags, loaded.Sources, diag.Options{Width: 100})
		t.Fatalf("the suite does not hold:\n%s\n%s", source, b.String())
	}
	return loaded.Suite
}

// A task that becomes a suite and a task again has every field that it had, those that no
// suite has a word for included.
func TestTasksComeBack(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		task := drawTask(t)
		source, err := task.Write(tree.YAML)
		if err != nil {
			t.Fatalf("%v", err)
		}
		made, report, err := autotuner.Import(translate.Source{Name: "task.yaml", Data: source}, options())
		if err != nil {
			t.Skip("a task that can not be read: ", err)
		}
		for _, row := range report.Rows {
			if row.Fidelity != spec.FidelityExact && row.Why == "" {
				t.Fatalf("no reason: %+v", row)
			}
		}
		suite := loadTranslated(t, dir, made)
		e := suite.Experiments[0]
		hub, err := translate.FromExperiment(e, e.Cells)
		if err != nil {
			t.Fatalf("%v", err)
		}
		back, _, err := formats.Export(autotuner.Format, dir, hub, translate.Export{Suite: suite.Name, Options: options()})
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := tree.Parse("task.yaml", back)
		if err != nil || !got.Equal(task) {
			t.Fatalf("error %v\nwas  %s\nis   %s\nsuite\n%s", err, task, got, must(made.Render()))
		}
	})
}

// A suite that is written as a task without an origin is the same question when it is read
// again.
func TestCellsSurviveATask(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		made, _, err := autotuner.Import(translate.Source{Name: "task.json", Data: must(drawTask(t).Write(tree.JSON))}, options())
		if err != nil {
			t.Skip("a task that can not be read: ", err)
		}
		made.Experiments[0].Origin = nil
		suite := loadTranslated(t, dir, made)
		hub, err := translate.FromExperiment(suite.Experiments[0], suite.Experiments[0].Cells)
		if err != nil {
			t.Fatalf("%v", err)
		}
		want := hub.Cells()
		written, report, err := autotuner.Export(hub, translate.Export{Suite: suite.Name, Options: options()})
		if err != nil {
			t.Fatalf("%v", err)
		}
		again, _, err := autotuner.Import(translate.Source{Name: "task.json", Data: written}, options())
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		e := &again.Experiments[0]
		for i := range e.Axes { // what a suite leaves unset is written out
			if e.Axes[i].Name == spec.ItemPrefixCache && hub.Axis(spec.ItemPrefixCache) == nil {
				e.Axes = append(e.Axes[:i], e.Axes[i+1:]...)
				break
			}
		}
		got := e.Cells()
		if report.Count(spec.FidelityUnsupported) > 0 && len(got) != len(want) {
			return // what could not be written is said
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") && report.Count(spec.FidelityUnsupported) == 0 {
			t.Fatalf("was\n%s\nis\n%s\ntask %s", strings.Join(want, "\n"), strings.Join(got, "\n"), written)
		}
	})
}

// options are those of this aicv.
func options() translate.Options {
	return translate.Options{Has: func(role, kind string) bool {
		return slices.ContainsFunc(registrations(), func(r spec.Registration) bool { return string(r.Role) == role && r.Kind == kind })
	}}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// drawTask makes a task out of all fields of the task schema.
func drawTask(t *rapid.T) *tree.Node {
	d := drawer{t}
	task := tree.NewMap()
	task.Set(d.word("name", "t", "my task", "a-b_c", "${x}", "ünï"), "task_name")
	task.Set(d.word("model", "llama-3-2-1b-instruct", "Qwen/Qwen3-32B-FP8", "own/model", "/models/x", "Qwen/Qwen3-30B-A3B", "unknown"), "model", "id_or_path")
	task.Set(d.word("engine", "sglang", "vllm", "sglang-llama-small"), "base_runtime")
	d.maybe(task, d.word("d", "", "two\nlines", "\"quoted\" %{if}"), "description")
	d.maybe(task, d.word("mode", "docker", "local", "ome"), "deployment_mode")
	d.maybe(task, tree.Text("autotuner"), "model", "namespace")
	d.maybe(task, d.word("gpu", "H100", "H200", "Tesla T4", "h100_sxm"), "gpu_type")
	d.maybe(task, d.word("tag", "v0.5.2-cu126", "latest", "v0.24.0", "nightly-1"), "runtime_image_tag")
	d.parameters(task)
	d.maybe(task, d.many("gemm", "auto", "fp8", "bfloat16", "float16", "int8", "fp8_block"), "quant_config", "gemm_dtype")
	d.maybe(task, d.many("kv", "auto", "fp8", "fp8_e5m2", "fp8_e4m3", "bfloat16", "int4"), "quant_config", "kvcache_dtype")
	d.maybe(task, d.many("att", "auto", "fp8", "fp8_block"), "quant_config", "attention_dtype")
	d.maybe(task, d.many("moe", "auto", "fp8", "mxfp4", "w4afp8"), "quant_config", "moe_dtype")
	d.maybe(task, tree.NewList(tree.Text("fp8-full")), "quant_config", "presets")
	for _, key := range []string{"tp", "pp", "dp", "cp", "dcp", "moe_tp", "moe_ep", "moe_dense_tp"} {
		d.maybe(task, d.sizes(key), "parallel_config", key)
	}
	d.maybe(task, d.flag("ep"), "parallel_config", "enable_expert_parallel")
	d.maybe(task, d.word("strategy", "grid_search", "bayesian", "random"), "optimization", "strategy")
	d.maybe(task, tree.Int(7), "optimization", "max_iterations")
	d.maybe(task, tree.Int(600), "optimization", "timeout_per_iteration")
	d.maybe(task, tree.Int(3), "optimization", "seed")
	d.benchmark(task)
	d.slo(task)
	d.maybe(task, tree.Text("pvc"), "storage", "type")
	d.maybe(task, tree.NewMap(tree.Field{Name: "preset", Node: tree.Text("x")}), "clusterbasemodel_config")
	d.maybe(task, tree.NewList(tree.Int(1), &tree.Node{}), "field_of_a_later_release")
	return task
}

type drawer struct{ t *rapid.T }

func (d drawer) maybe(task, n *tree.Node, path ...string) {
	if rapid.Bool().Draw(d.t, strings.Join(path, ".")) {
		task.Set(n, path...)
	}
}

func (d drawer) word(label string, words ...string) *tree.Node {
	return tree.Text(rapid.SampledFrom(words).Draw(d.t, label))
}

func (d drawer) flag(label string) *tree.Node { return tree.Flag(rapid.Bool().Draw(d.t, label)) }

// many is one word, or a list of one or two.
func (d drawer) many(label string, words ...string) *tree.Node {
	if rapid.Bool().Draw(d.t, label+" scalar") {
		return d.word(label, words...)
	}
	list := tree.NewList()
	for _, w := range rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, 2, rapid.ID[string]).Draw(d.t, label) {
		list.Items = append(list.Items, tree.Text(w))
	}
	return list
}

func (d drawer) sizes(label string) *tree.Node {
	list := tree.NewList()
	for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom([]int{1, 2, 4, 8}), 1, 2, rapid.ID[int]).Draw(d.t, label) {
		n := tree.Int(n)
		if rapid.IntRange(0, 9).Draw(d.t, "quoted") == 0 {
			n = tree.Text(n.Text)
		}
		list.Items = append(list.Items, n)
	}
	if len(list.Items) == 1 && rapid.Bool().Draw(d.t, label+" scalar") {
		return list.Items[0]
	}
	return list
}

func (d drawer) parameters(task *tree.Node) {
	shares := tree.NewList(tree.Num("0.85"), tree.Num("0.9"))
	ranged := tree.NewMap(tree.Field{Name: "type", Node: tree.Text("continuous")}, tree.Field{Name: "low", Node: tree.Num("0.7")}, tree.Field{Name: "high", Node: tree.Num("0.9")})
	choice := tree.NewMap(tree.Field{Name: "type", Node: tree.Text("choice")}, tree.Field{Name: "values", Node: d.sizes("choice")})
	for _, p := range []struct {
		name string
		n    *tree.Node
	}{
		{"tp-size", d.sizes("tp-size")}, {"tensor-parallel-size", choice}, {"mem-fraction-static", shares}, {"gpu-memory-utilization", ranged},
		{"kv-cache-dtype", d.many("kvflag", "auto", "fp8_e5m2", "fp8", "nvfp4")}, {"disable-radix-cache", tree.NewList(d.flag("radix"))},
		{"enable_prefix_caching", d.flag("prefix")}, {"schedule-policy", d.many("policy", "fcfs", "lpm")}, {"attention-backend", d.many("backend", "fa3", "flashinfer")},
		{"max-num-seqs", d.sizes("seqs")}, {"dp-size", d.sizes("dp-size")}, {"enable-dp-attention", d.flag("dpa")}, {"chunked-prefill-size", tree.NewList(tree.Int(-1))},
	} {
		if rapid.IntRange(0, 2).Draw(d.t, p.name) == 0 {
			task.Set(p.n, "parameters", p.name)
		}
	}
}

func (d drawer) benchmark(task *tree.Node) {
	task.Set(d.many("scenario", "D(100,100)", "D(4000, 1000)", "N(480,240)/(300,150)"), "benchmark", "traffic_scenarios")
	task.Set(d.sizes("concurrency"), "benchmark", "num_concurrency")
	d.maybe(task, tree.Text("text-to-text"), "benchmark", "task")
	d.maybe(task, tree.Text("m"), "benchmark", "model_name")
	d.maybe(task, tree.Text("org/tokenizer"), "benchmark", "model_tokenizer")
	d.maybe(task, tree.Int(10), "benchmark", "max_time_per_iteration")
	d.maybe(task, tree.Int(50), "benchmark", "max_requests_per_iteration")
	d.maybe(task, tree.NewMap(tree.Field{Name: "temperature", Node: tree.Text("0.0")}, tree.Field{Name: "top_p", Node: tree.Num("0.95")}), "benchmark", "additional_params")
	d.maybe(task, tree.Text("https://example.com/x.csv"), "benchmark", "dataset_url")
	d.maybe(task, tree.Flag(true), "benchmark", "dataset_deduplicate")
}

func (d drawer) slo(task *tree.Node) {
	for _, path := range [][]string{{"slo", "latency", "p50"}, {"slo", "latency", "p90"}, {"slo", "latency", "p99"}, {"slo", "ttft"}, {"slo", "tpot"}} {
		limit := tree.NewMap(tree.Field{Name: "threshold", Node: tree.Num(rapid.SampledFrom([]string{"5.0", "0.05", "2", "0.125"}).Draw(d.t, "threshold"))})
		d.maybe(limit, tree.Num("2.0"), "weight")
		d.maybe(limit, d.flag("hard"), "hard_fail")
		d.maybe(limit, tree.Num("0.2"), "fail_ratio")
		d.maybe(task, limit, path...)
	}
	d.maybe(task, tree.Num("0.1"), "slo", "steepness")
}
