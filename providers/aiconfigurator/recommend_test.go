package aiconfigurator

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

func request(gpus, top int, limits ...spec.Limit) spec.RecommendRequest {
	base := point(0)
	base.Config, base.Load.InputTokens, base.Load.OutputTokens = nil, 4000, 1000
	return spec.RecommendRequest{Base: base, GPUs: gpus, Top: top, Limits: limits}
}

func limit(name metric.Name, text string) spec.Limit {
	return spec.Limit{Metric: name, Quantity: metric.MustDecimal(text)}
}

func recorded(t testing.TB, folder string) []candidate {
	t.Helper()
	list, found, err := saved(fixture(t, folder))
	if err != nil || found == 0 || len(list) == 0 {
		t.Fatalf("%d tables, %d rows, %v", found, len(list), err)
	}
	return list
}

// holds checks a row's arithmetic.
func holds(t *testing.T, r *spec.RecommendRequest, row *spec.Row) {
	t.Helper()
	if gpus := row.Point.Config.GPUs(); gpus > r.GPUs || gpus < 1 {
		t.Errorf("a row occupies %d of %d GPUs", gpus, r.GPUs)
	}
	total, _ := row.Claimed.Get(metric.TotalThroughput)
	each, _ := row.Claimed.Get(metric.Throughput)
	if math.Abs(total-each*float64(row.Point.Config.GPUs())) > 1e-6*total {
		t.Errorf("%v tokens/s are not %v on each of %d GPUs", total, each, row.Point.Config.GPUs())
	}
	if _, broken := r.Limits.Broken(row.Claimed); broken {
		t.Errorf("%+v breaks a limit", row.Claimed)
	}
}

// Recorded searches of two releases become rows whose GPU arithmetic holds, each at its
// own load; disaggregated ones are set aside.
func TestRecordedSearches(t *testing.T) {
	for _, folder := range []string{"cli-v0.10.0/default_sglang_h200", "cli-v0.12.0/default_sglang_h200", "cli-v0.12.0/default_vllm_h100_llama", "cli-v0.12.0/recommend", "cli-v0.10.0/exp_pin_vllm_tp2"} {
		r := request(8, 5, limit(metric.TTFT, "1000"), limit(metric.TPOT, "30"))
		rows := ranked(recorded(t, folder), &r)
		cells, aside := 0, 0
		for i := range rows {
			if found(rows[i].Findings, "disaggregated", "prefill workers") || found(rows[i].Findings, "context_parallel", "context parallel") {
				aside++
				continue
			}
			cells++
			holds(t, &r, &rows[i])
		}
		if cells != 5 || aside == 0 && !strings.Contains(folder, "exp_pin") {
			t.Errorf("%s: %d rows that can be deployed, want 5, and %d set aside", folder, cells, aside)
		}
	}
}

// The best row of the recorded search, in full.
func TestBestRecordedRow(t *testing.T) {
	r := request(8, 1)
	rows := ranked(recorded(t, "cli-v0.12.0/default_sglang_h200/agg"), &r)
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1", len(rows))
	}
	config := string(rows[0].Point.Config.AppendCanonical(nil))
	if want := `kv_cache_quant="fp8",max_batch_tokens=4000,replicas=4,tensor_parallel=2`; config != want || rows[0].Point.Load.Concurrency != 256 {
		t.Errorf("%s at %d, want %s at 256", config, rows[0].Point.Load.Concurrency, want)
	}
	for name, want := range map[metric.Name]float64{metric.TTFT: 635.992, metric.TPOT: 24.66, metric.Throughput: 2551.023 * 1000 / 999 / 2, metric.RequestThroughput: 2.554 * 4} {
		if got, _ := rows[0].Claimed.Get(name); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// The release that counts context-parallel workers as one GPU is caught.
func TestMiscountedGPUs(t *testing.T) {
	r := request(8, 5)
	rows := ranked(recorded(t, "cli-v0.10.0/default_sglang_h200"), &r)
	for i := range rows {
		if found(rows[i].Findings, "gpu_count", "claims 5 GPUs and its sizes occupy 8") {
			return
		}
	}
	t.Errorf("no row says that its GPUs were miscounted: %+v", rows)
}

// A row that contradicts what is fixed is left out, and what is fixed is kept.
func TestFixedItems(t *testing.T) {
	r := request(8, 5)
	r.Base.Config = spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)}, spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(1)},
		spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("bfloat16")}, spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(2048)})
	rows := ranked(recorded(t, "cli-v0.12.0/default_sglang_h200/agg"), &r)
	if len(rows) == 0 {
		t.Fatal("no rows")
	}
	for i := range rows {
		c := rows[i].Point.Config
		if len(rows[i].Findings) == 0 && (c.Size(spec.ItemTensorParallel) != 4 || c.Size(spec.ItemReplicas) != 1 || c.Get(spec.ItemKVCacheQuant).Text() != "bfloat16" || c.Size(spec.ItemMaxBatchTokens) != 2048) {
			t.Errorf("%s", c.AppendCanonical(nil))
		}
	}
	r.Base.Config = r.Base.Config.With(spec.ItemReplicas, spec.IntValue(9))
	if rows := ranked(recorded(t, "cli-v0.12.0/default_sglang_h200/agg"), &r); len(rows) != 0 {
		t.Errorf("9 replicas on 8 GPUs: %+v", rows)
	}
}

const aggregatedHeader = "ttft,tpot,request_latency,tokens/s,tokens/s/user,seq/s,concurrency,bs,num_total_gpus,tp,pp,dp,ctx_tokens,kvcache,news\n"

// Tables with other columns, or with values that are none, are refused by name.
func TestOddTables(t *testing.T) {
	row := "100,10,1000,500,100,5,8,8,2,2,1,1,2048,fp8,x\n"
	if tab, err := readTable([]byte("\xef\xbb\xbf" + aggregatedHeader + row)); err != nil {
		t.Fatal(err)
	} else if list, err := candidates(tab, true); err != nil || len(list) != 1 || list[0].own() != 2 {
		t.Errorf("%+v %v", list, err)
	}
	for text, want := range map[string]string{
		"":                         "empty",
		"ttft,ttft\n1,2":           `the column "ttft" twice`,
		"a,b\n1,2\n":               "there is no bs",
		aggregatedHeader + "1,2\n": "wrong number of fields",
		aggregatedHeader + strings.Replace(row, "100,10", "NaN,10", 1):                `ttft is "NaN"`,
		aggregatedHeader + strings.Replace(row, "8,8,2,2", "8,8,0,2", 1):              "num_total_gpus is 0",
		aggregatedHeader + strings.Replace(row, "8,8,2,2", "8,8,2,2.5", 1):            "tp is 2.5",
		aggregatedHeader + strings.Replace(row, "8,8,2,2", "8,8,2,99999999999999", 1): "must be a whole number",
		strings.Replace(aggregatedHeader, "tp,pp", "TP,pp", 1) + row:                  "there is no tp",
		aggregatedHeader + strings.Replace(row, "100,10,1000", "100,ten\x00,1000", 1): "tpot is",
		"a" + strings.Repeat(",a", 600) + "\n":                                        "601 columns",
		aggregatedHeader + row + "\"torn,1\n":                                         "extraneous or missing",
	} {
		tab, err := readTable([]byte(text))
		if err == nil {
			_, err = candidates(tab, false)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(aggregatedHeader + "100,10,1000,500,100,5,8,8,2,2,1,1,2048,fp8,x\n"))
	f.Add([]byte("(p)tp,(d)tp\n1,2\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		tab, err := readTable(content)
		if err != nil {
			return
		}
		list, err := candidates(tab, true)
		if err != nil {
			return
		}
		r := request(8, 5, limit(metric.TTFT, "1000"))
		rows := ranked(list, &r)
		for i := range rows {
			if !found(rows[i].Findings, "disaggregated", "") && !found(rows[i].Findings, "context_parallel", "") {
				holds(t, &r, &rows[i])
			}
		}
	})
}

// searching plays a tool that saves the recorded tables of a search, if any.
func searching(t *testing.T, tables, say, end string) *predictor {
	t.Helper()
	root := venv(t)
	keep := filepath.Join(root, "asked")
	script := fmt.Sprintf(`#!/bin/sh
printf '%%s\n' "$*" >> '%s'
case "$*" in *0.5.9*) echo "Error: sglang/'0.5.9' looks like an old-style raw version query" >&2; exit 1;; esac
for a in "$@"; do case "$last" in --save-dir) out=$a;; --yaml-path) cat "$a" >> '%s';; esac; last=$a; done
[ -z '%s' ] || { mkdir -p "$out/org/model" && cp -r '%s'/* "$out/org/model/"; }
printf '%s'
exit %s
`, keep, keep, tables, tables, say, end)
	command := filepath.Join(root, "bin", "aiconfigurator")
	if err := os.Remove(command); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(command, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return made(t, declared(root))
}

func askedOf(t *testing.T, p *predictor) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.query.Venv, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Without anything fixed the tool's own search is asked; without tables of the runtime's
// version once more with its current ones.
func TestDefaultSearch(t *testing.T) {
	p := searching(t, fixture(t, "cli-v0.12.0/default_sglang_h200"), "", "0")
	r := request(8, 5, limit(metric.TTFT, "1000"), limit(metric.Name("ttft_p99"), "2000"))
	r.Base.RuntimeVersion = "0.5.9"
	rows, err := p.Recommend(t.Context(), r)
	if err != nil || len(rows) < 5 {
		t.Fatal(err, len(rows))
	}
	asked := strings.Split(strings.TrimSpace(askedOf(t, p)), "\n")
	want := "cli default --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend sglang --total-gpus 8 --isl 4000 --osl 1000 --ttft 1000 --tpot 10000000 --database-mode SILICON --prefix 0 "
	if len(asked) != 2 || !strings.HasPrefix(asked[0], want+"--backend-version 0.5.9 --top-n 5") || !strings.HasPrefix(asked[1], want+"--top-n 5") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), want)
	}
	if !found(rows[0].Findings, "slo_not_searched", "ttft_p99") {
		t.Errorf("%+v", rows[0].Findings)
	}
}

// What the suite fixes is an experiment of our own.
func TestFixedSearch(t *testing.T) {
	p := searching(t, fixture(t, "cli-v0.10.0/exp_pin_vllm_tp2"), "", "0")
	r := request(8, 2)
	r.Base.Config = spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}, spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("bfloat16")},
		spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.8")}, spec.Setting{Name: spec.ItemMaxSequenceLength, Value: spec.IntValue(8192)})
	rows, err := p.Recommend(t.Context(), r)
	if err != nil || len(rows) != 2 {
		t.Fatal(err, len(rows))
	}
	text := askedOf(t, p)
	var got map[string]map[string]any
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &got); err != nil {
		t.Fatal(err)
	}
	if a := got["agg"]; fmt.Sprintln(a["agg_tp_candidates"], a["kvcache_quant_mode"], a["free_gpu_memory_fraction"], a["max_seq_len"], a["total_gpus"], a["backend_version"], a["prefix"]) != "[2] bfloat16 0.8 8192 8 0.5.14 0\n" {
		t.Errorf("%v", a)
	}
	if d := got["disagg"]; fmt.Sprintln(d["prefill_tp_candidates"], d["decode_tp_candidates"], d["decode_kvcache_quant_mode"], d["prefill_model_path"]) != "[2] [2] bfloat16 Qwen/Qwen3-32B-FP8\n" {
		t.Errorf("%v", d)
	}
	if !strings.HasPrefix(text, "cli exp --yaml-path ") {
		t.Errorf("%.200s", text)
	}
}

// A search that finds nothing, ends badly, or saves what it should not, says so.
func TestSearchesThatFail(t *testing.T) {
	odd := t.TempDir()
	if err := os.WriteFile(filepath.Join(odd, "pareto.csv"), []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tables, say, end, want string
		limits                 []spec.Limit
	}{
		"no layout":      {say: "Experiment bad found no SLA-feasible configuration", end: "1", want: "recommends nothing: no layout meets the slo"},
		"nothing saved":  {end: "0", want: "it failed and said nothing"},
		"a log of it":    {say: "13:43:37 [aiconfigurator] [E] [main.py:1626] No successful run\\n", end: "1", want: "No successful run"},
		"other columns":  {tables: odd, end: "0", want: "there is no"},
		"limits too low": {tables: fixture(t, "cli-v0.12.0/default_sglang_h200"), end: "0", limits: []spec.Limit{limit(metric.TTFT, "1")}, want: "none meets the slo"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := searching(t, c.tables, c.say, c.end).Recommend(t.Context(), request(8, 5, c.limits...))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	for name, change := range map[string]func(*spec.RecommendRequest){
		"no hardware":    func(r *spec.RecommendRequest) { r.GPUs = 0 },
		"other runtime":  func(r *spec.RecommendRequest) { r.Base.Runtime = "sim" },
		"no lengths":     func(r *spec.RecommendRequest) { r.Base.Load.OutputTokens = 0 },
		"a request rate": func(r *spec.RecommendRequest) { r.Base.Load.RequestRate = metric.MustDecimal("2") },
	} {
		r := request(8, 5)
		change(&r)
		if _, err := made(t, declared("/no/such/place")).Recommend(t.Context(), r); err == nil || strings.Contains(err.Error(), "/no/such/place") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
