package fit

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"aicv/catalog/hardware"
	"aicv/catalog/models"
	"aicv/spec"
)

// estimate is a row of aiconfigurator's own estimates for published measurements.
type estimate struct {
	t      *testing.T
	fields map[string]string
}

func (e estimate) number(name string) int {
	n, err := strconv.Atoi(e.fields[name])
	if err != nil {
		e.t.Fatalf("%s: %s: %v", e.fields["row_id"], name, err)
	}
	return n
}

// estimates reads the rows whose model the predictor knew.
func estimates(t *testing.T) []estimate {
	t.Helper()
	name := filepath.Join("..", "..", "..", "shared", "fixtures", "measured", "aic_silicon", "aic_0_12_0_predictions.csv")
	file, err := os.Open(name)
	if err != nil {
		t.Skipf("aiconfigurator's estimates are not beside the repository: %v", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []estimate
	for _, row := range rows[1:] {
		e := estimate{t, map[string]string{}}
		for i, name := range rows[0] {
			e.fields[name] = row[i]
		}
		if e.fields["fail_reason"] != "model_config_not_bundled" {
			out = append(out, e)
		}
	}
	return out
}

// question is what the row asked for. The published runs of DeepSeek-R1 and V3 in NVFP4
// are of another checkpoint than the fp8 one that they name, and so was the question.
func (e estimate) question() Question {
	id := e.fields["in_model_path"]
	if e.fields["in_gemm_quant_mode"] == "nvfp4" && (id == "deepseek-ai/DeepSeek-R1" || id == "deepseek-ai/DeepSeek-V3") {
		id = "nvidia/DeepSeek-V3.1-NVFP4"
	}
	model, known, err := models.Describe(spec.Model{ID: id})
	if err != nil || !known {
		e.t.Fatalf("%s: %s is not in the table (%v)", e.fields["row_id"], id, err)
	}
	var config spec.Configuration
	size := func(item, column string) { config = config.With(item, spec.IntValue(e.number(column))) }
	size(spec.ItemTensorParallel, "in_tp_size")
	size(spec.ItemPipelineParallel, "in_pp_size")
	size(spec.ItemAttentionDataParallel, "in_attention_dp_size")
	if model.Architecture.IsMoE() {
		size(spec.ItemMoETensorParallel, "in_moe_tp_size")
		size(spec.ItemMoEExpertParallel, "in_moe_ep_size")
	}
	if kv := e.fields["resolved_kvcache"]; kv != "" {
		config = config.With(spec.ItemKVCacheQuant, spec.StringValue(kv))
	} else if id == "deepseek-ai/DeepSeek-R1" { // a row that failed: as in the others of its model
		config = config.With(spec.ItemKVCacheQuant, spec.StringValue("fp8"))
	}
	for item, column := range map[string]string{spec.ItemGEMMQuant: "resolved_gemm", spec.ItemMoEQuant: "resolved_moe"} {
		if mode := e.fields[column]; mode != "" {
			config = config.With(item, spec.StringValue(mode))
		}
	}
	system, known := hardware.Lookup(e.fields["in_system_name"])
	if !known {
		e.t.Fatalf("%s: no system %s", e.fields["row_id"], e.fields["in_system_name"])
	}
	pool := &spec.Hardware{Name: "pool", System: system.Name, GPUs: config.GPUs(), Memory: system.Usable()}
	return Question{Model: model, Hardware: pool, Runtime: e.fields["in_backend_name"], Config: config}
}

func (e estimate) result() Result {
	load := spec.Load{Concurrency: e.number("in_batch_size") * e.number("in_attention_dp_size"), InputTokens: e.number("in_isl"), OutputTokens: e.number("in_osl")}
	return Inspect(e.question()).At(load)
}

// TestSilicon: none of the published measurements that aiconfigurator 0.12.0 can estimate
// is refused, every one that it calls too large or impossible is, and those that it warns
// of are tight. It prints how far the figures of memory lie apart.
func TestSilicon(t *testing.T) {
	verdicts := map[string]map[Verdict]int{}
	deviations := map[string][]float64{}
	rows := estimates(t)
	for _, e := range rows {
		r := e.result()
		kind := "estimated"
		switch warned := e.fields["kv_cache_warning"] != ""; {
		case e.fields["status"] != "ok":
			kind = e.fields["fail_reason"]
			if r.Verdict != DoesNotFit {
				t.Errorf("%s: %s, but %s says %s: %s", e.fields["row_id"], kind, e.fields["error"], r.Verdict, r.Why())
			}
		case warned:
			kind = "estimated, with a warning of the KV cache"
			if r.Verdict != Tight {
				t.Errorf("%s: %s: %s", e.fields["row_id"], r.Verdict, r.Why())
			}
		case r.Verdict != Fits && r.Verdict != Tight:
			t.Errorf("%s: %s: %s", e.fields["row_id"], r.Verdict, r.Why())
		}
		if verdicts[kind] == nil {
			verdicts[kind] = map[Verdict]int{}
		}
		verdicts[kind][r.Verdict]++
		if theirs, err := strconv.ParseFloat(e.fields["pred_memory_gib"], 64); err == nil && r.Memory != nil {
			group := e.fields["in_model_path"] + ", " + e.fields["resolved_gemm"]
			deviations[group] = append(deviations[group], float64(r.Memory.Total)/(1<<30)/theirs-1)
		}
	}
	if len(rows) != 526 || verdicts["estimated"][Fits]+verdicts["estimated"][Tight] != 497 {
		t.Errorf("%d rows: %v; the sample is not the one that this test expects", len(rows), verdicts)
	}
	for kind, counts := range verdicts {
		t.Logf("%s: %v", kind, counts)
	}
	checkDeviations(t, deviations)
}

// checkDeviations prints how far memory lies from the predictor's, and bounds it.
func checkDeviations(t *testing.T, byModel map[string][]float64) {
	t.Helper()
	names := make([]string, 0, len(byModel))
	for name := range byModel {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all := byModel[name]
		slices.Sort(all)
		mean := 0.0
		for _, d := range all {
			mean += math.Abs(d) / float64(len(all))
		}
		t.Logf("%-40s %3d rows, memory %+5.1f %% to %+5.1f %% of the predictor's, %4.1f %% in the mean", name, len(all), 100*all[0], 100*all[len(all)-1], 100*mean)
		if mean > 0.08 {
			t.Errorf("%s: memory lies %.1f %% from the predictor's in the mean", name, 100*mean)
		}
	}
}
