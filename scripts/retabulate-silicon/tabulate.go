package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// source is one group of rows that the example keeps.
type source struct {
	model, system, engine, version string
	mislabelled                    string // id under which the sample lists the same runs once more
	dense                          bool   // without experts, whatever sizes the sample states for them
}

// llamaSources are the rows of a model whose configuration the tool does not bundle, so
// that there are no predictions of it.
func llamaSources() []source {
	return []source{{"meta-llama/Llama-3.1-8B-Instruct", "h200_sxm", "sglang", "0.5.6.post2", "", true}}
}

func sources() []source {
	return []source{
		{"Qwen/Qwen3-32B", "h100_sxm", "vllm", "0.12.0", "", true},
		{"openai/gpt-oss-120b", "h200_sxm", "vllm", "0.18.0", "", false},
		{"Qwen/Qwen3-235B-A22B-FP8", "h200_sxm", "sglang", "0.5.6.post2", "", false},
		{"deepseek-ai/DeepSeek-R1", "h200_sxm", "sglang", "0.5.9", "deepseek-ai/DeepSeek-V3", false},
		{"Qwen/Qwen3.5-397B-A17B", "h200_sxm", "sglang", "0.5.9", "", false},
	}
}

// pointColumns name what a row is about; both tables have them.
func pointColumns() []string {
	return []string{"model", "system", "engine", "engine_version", "tp", "moe_tp", "moe_ep", "concurrency", "isl", "osl"}
}

func measuredColumns() []string {
	return append(pointColumns(), "gpus", "ttft_ms", "tpot_ms", "sample_row")
}

func predictedColumns() []string {
	return append(pointColumns(), "tables", "gemm", "moe", "kv_cache", "ttft_ms", "tpot_ms", "no_answer", "sample_row")
}

type tables struct{ measured, predicted []row }

// tabulate keeps the rows of the sources, in their order. Rows of wrong layouts and
// repeats stay among the measurements, where the suite sets them aside and merges
// them; predictions are kept once per point and for possible layouts only.
func tabulate(sources []source, measured, predicted []row) (tables, error) {
	byRow := make(map[string]row, len(predicted))
	for _, p := range predicted {
		byRow[p["row_id"]] = p
	}
	var out tables
	for _, s := range sources {
		for _, m := range measured {
			if !s.has(m) || roundedCopy(m, measured) {
				continue
			}
			p, ok := byRow[m["row_id"]]
			if !ok {
				return out, fmt.Errorf("row %s has no prediction", m["row_id"])
			}
			if err := s.check(m, p); err != nil {
				return out, fmt.Errorf("row %s: %w", m["row_id"], err)
			}
			out.measured = append(out.measured, s.measurement(m))
			if m["model"] == s.model && p["layout_flag"] == "" {
				out.predicted = append(out.predicted, s.prediction(m, p))
			}
		}
	}
	return out, nil
}

func (s source) has(m row) bool {
	return (m["model"] == s.model || s.mislabelled != "" && m["model"] == s.mislabelled) &&
		m["system"] == s.system && m["backend"] == s.engine && m["backend_version"] == s.version
}

// check refuses rows that the example's columns could not tell apart.
func (s source) check(m, p row) error {
	if m["pp"] != "1" || m["attention_dp"] != "" && m["attention_dp"] != "1" {
		return errors.New("pipeline or attention data parallel, which the tables have no column for")
	}
	if p["status"] == "ok" && p["pred_concurrency"] != m["concurrency"] {
		return errors.New("predicted at another concurrency than measured")
	}
	if m["model"] != s.model && !strings.HasPrefix(m["id"], "dsr1_") {
		return fmt.Errorf("the id %s does not name %s", m["id"], s.model)
	}
	return nil
}

// roundedCopy reports an undated row whose figures are those of a dated one, rounded
// to two places: the sample has one such row, from a report.
func roundedCopy(m row, all []row) bool {
	if m["measured_at"] != "" || !strings.HasSuffix(m["ttft_ms"], "00") || !strings.HasSuffix(m["tpot_ms"], "00") {
		return false
	}
	return slices.ContainsFunc(all, func(o row) bool {
		for _, same := range []string{"model", "system", "backend", "backend_version", "concurrency", "isl", "osl"} {
			if o[same] != m[same] {
				return false
			}
		}
		return o["measured_at"] != "" && rounds(o["ttft_ms"], m["ttft_ms"]) && rounds(o["tpot_ms"], m["tpot_ms"])
	})
}

// rounds compares figures by what is left of them with two places.
func rounds(exact, rounded string) bool {
	var a, b float64
	if _, err := fmt.Sscan(exact, &a); err != nil {
		return false
	}
	if _, err := fmt.Sscan(rounded, &b); err != nil {
		return false
	}
	return fmt.Sprintf("%.2f", a) == fmt.Sprintf("%.2f", b)
}

func (s source) point(m row) row {
	r := row{
		"model": s.model, "system": s.system, "engine": s.engine, "engine_version": s.version, "tp": m["tp"],
		"concurrency": m["concurrency"], "isl": m["isl"], "osl": m["osl"], "sample_row": m["row_id"],
	}
	if !s.dense {
		r["moe_tp"], r["moe_ep"] = m["moe_tp"], m["moe_ep"]
	}
	return r
}

func (s source) measurement(m row) row {
	r := s.point(m)
	r["gpus"], r["ttft_ms"], r["tpot_ms"] = statedGPUs(m["id"]), m["ttft_ms"], m["tpot_ms"]
	return r
}

// statedGPUs is the tensor parallel size that the sample's own id of a row spells
// (..._tp8_ep8_1499), which without other sizes is its GPU count; empty where the id
// spells none.
func statedGPUs(id string) string {
	found := regexp.MustCompile(`_tp(\d+)_`).FindStringSubmatch(id)
	if found == nil {
		return ""
	}
	return found[1]
}

func (s source) prediction(m, p row) row {
	r := s.point(m)
	r["tables"], r["gemm"], r["kv_cache"] = p["perf_db_version"], p["resolved_gemm"], p["resolved_kvcache"]
	if !s.dense {
		r["moe"] = p["resolved_moe"]
	}
	r["ttft_ms"], r["tpot_ms"], r["no_answer"] = p["pred_ttft_ms"], p["pred_tpot_ms"], strings.ReplaceAll(p["fail_reason"], "_", " ")
	return r
}
