package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sampleRow is a row of a group that is kept; pairs replace columns.
func sampleRow(pairs ...string) row {
	r := row{"row_id": "r1", "id": "x_tp8_ep8_1", "model": "Qwen/Qwen3.5-397B-A17B", "system": "h200_sxm", "backend": "sglang", "backend_version": "0.5.9",
		"isl": "1024", "osl": "8192", "concurrency": "64", "tp": "8", "pp": "1", "attention_dp": "1", "moe_tp": "1", "moe_ep": "8",
		"measured_at": "2026-03-04", "ttft_ms": "314.1736", "tpot_ms": "20.0594"}
	return with(r, pairs...)
}

func answer(pairs ...string) row {
	return with(row{"row_id": "r1", "status": "ok", "pred_concurrency": "64", "pred_ttft_ms": "1.5", "pred_tpot_ms": "2.5",
		"perf_db_version": "0.5.14", "resolved_gemm": "fp8", "resolved_moe": "fp8_block", "resolved_kvcache": "bfloat16"}, pairs...)
}

func with(r row, pairs ...string) row {
	r = maps.Clone(r)
	for i := 0; i < len(pairs); i += 2 {
		r[pairs[i]] = pairs[i+1]
	}
	return r
}

func TestTabulate(t *testing.T) {
	measured := []row{
		sampleRow(),
		sampleRow("row_id", "r2", "tp", "64", "moe_tp", "8"),
		sampleRow("row_id", "r3", "measured_at", "", "ttft_ms", "314.1700", "tpot_ms", "20.0600"),
		sampleRow("row_id", "r4", "system", "b200_sxm"),
	}
	predicted := []row{answer(), answer("row_id", "r2", "status", "failed", "layout_flag", "tp_is_square"), answer("row_id", "r3"), answer("row_id", "r4")}
	got, err := tabulate(sources(), measured, predicted)
	if err != nil {
		t.Fatal(err)
	}
	point := row{"model": "Qwen/Qwen3.5-397B-A17B", "system": "h200_sxm", "engine": "sglang", "engine_version": "0.5.9", "tp": "8", "moe_tp": "1", "moe_ep": "8",
		"concurrency": "64", "isl": "1024", "osl": "8192", "sample_row": "r1"}
	first := with(point, "gpus", "8", "ttft_ms", "314.1736", "tpot_ms", "20.0594")
	want := tables{
		measured: []row{first, with(first, "sample_row", "r2", "tp", "64", "moe_tp", "8")},
		predicted: []row{with(point, "tables", "0.5.14", "gemm", "fp8", "moe", "fp8_block", "kv_cache", "bfloat16",
			"ttft_ms", "1.5", "tpot_ms", "2.5", "no_answer", "")},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tables{})); diff != "" {
		t.Errorf("tables (-want +got)\n%s", diff)
	}
	for _, r := range got.measured {
		for column := range r {
			if !slices.Contains(measuredColumns(), column) {
				t.Errorf("no table has the column %s", column)
			}
		}
	}
}

func TestOtherNameOfARun(t *testing.T) {
	of := func(id string) row {
		return sampleRow("model", "deepseek-ai/DeepSeek-V3", "id", id, "moe_tp", "8", "moe_ep", "1")
	}
	got, err := tabulate(sources(), []row{of("dsr1_h200_c64")}, []row{answer()})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.measured) != 1 || got.measured[0]["model"] != "deepseek-ai/DeepSeek-R1" || got.measured[0]["gpus"] != "" || len(got.predicted) != 0 {
		t.Errorf("tables %+v", got)
	}
	if _, err := tabulate(sources(), []row{of("dsv3_h200_c64")}, []row{answer()}); err == nil || !strings.Contains(err.Error(), "does not name") {
		t.Errorf("a run of another model: %v", err)
	}
}

func TestRowsThatTheColumnsCanNotTellApart(t *testing.T) {
	for _, test := range []struct {
		name     string
		measured row
		answers  []row
	}{
		{"pipeline parallel", sampleRow("pp", "2"), []row{answer()}},
		{"attention data parallel", sampleRow("attention_dp", "8"), []row{answer()}},
		{"another concurrency", sampleRow(), []row{answer("pred_concurrency", "32")}},
		{"no prediction", sampleRow(), nil},
	} {
		if _, err := tabulate(sources(), []row{test.measured}, test.answers); err == nil {
			t.Errorf("%s: no error", test.name)
		}
	}
}
