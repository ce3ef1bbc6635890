package aiconfigurator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aicv/kit/pytool"
	"aicv/kit/subprocess"
	"aicv/metric"
	"aicv/spec"
)

// wide is a limit in ms that no layout breaks: left out, the tool would set its own.
const wide = 1e7

// search is one search, as the tool is asked for it.
type search struct {
	*settings
	request *spec.RecommendRequest
	point   *spec.Point // the base, with what is assumed
	tool    *pytool.Tool
	model   string // as the tool is given it
}

// Recommend searches for layouts under the limits by the tool's command line and reads
// the tables that it saves.
func (p *predictor) Recommend(ctx context.Context, r spec.RecommendRequest) ([]spec.Row, error) {
	if err := p.searchable(&r); err != nil {
		return nil, err
	}
	tool, err := p.find()
	if err != nil {
		return nil, err
	}
	if tool.Command == "" {
		return nil, p.wrong("it can not search: there is no command beside "+tool.Python, install)
	}
	s := search{settings: &p.settings, request: &r, point: p.assumed(&r.Base), tool: tool}
	if s.model, err = s.modelName(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("it took longer than %s", p.timeout))
	defer stop()
	list, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	rows := ranked(list, &r)
	if len(rows) == 0 {
		return nil, p.nothing(fmt.Sprintf("of the %d layouts that it found none meets the slo on %d GPUs and can be deployed", len(list), r.GPUs))
	}
	note := s.unsearched()
	for i := range rows {
		rows[i].Findings = append(rows[i].Findings, note...)
	}
	return rows, nil
}

func (s *settings) nothing(why string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: s.address + " recommends nothing: " + why, Fix: "loosen the slo, give more GPUs, or remove the recommended block"}
}

// searchable refuses what no search can be made for.
func (s *settings) searchable(r *spec.RecommendRequest) error {
	b := &r.Base
	switch {
	case b.System == "" || r.GPUs <= 0:
		return s.wrong("it can not search without hardware", "give the experiment a hardware with its system and number of gpus")
	case !slices.Contains(backends(), b.Runtime):
		return s.wrong("it has no tables of the runtime "+b.Runtime, "it has them of "+strings.Join(backends(), ", "))
	case b.Load.InputTokens <= 0 || b.Load.OutputTokens <= 0:
		return s.wrong("it can not search without lengths", "set input_tokens and output_tokens in the workload")
	case b.Load.RequestRate.Sign() != 0:
		return s.wrong("recommended rows have a number of requests in flight of their own, and the workload fixes a request rate", "remove request_rate")
	}
	return nil
}

// modelName is the model as the tool can read it: its path, its id where the tool bundles
// its config.json, or the model that shares its architecture.
func (s *search) modelName() (string, error) {
	p := s.point
	core := slices.IndexFunc(s.tool.Distributions, func(d pytool.Distribution) bool { return d.Name == "aiconfigurator-core" })
	if folder := configFolder(p.ModelPath); p.ModelPath != "" && folder != "" {
		return folder, nil
	}
	if core < 0 {
		return p.ModelID, nil
	}
	bare := *p
	bare.ModelPath = ""
	p = &bare
	for _, id := range []string{p.ModelID, standIn(p)} {
		if _, bundled := s.tool.Distributions[core].Find("/model_configs/" + strings.ReplaceAll(id, "/", "--") + "_config.json"); id != "" && bundled {
			return id, nil
		}
	}
	return "", s.wrong("the tool bundles no config.json of "+p.ModelID, "set the model's path to a folder with its config.json")
}

// limit is the slo's limit of a metric in ms.
func (s *search) limit(name metric.Name) float64 {
	for _, l := range s.request.Limits {
		if l.Metric == name {
			return l.Quantity.Float64()
		}
	}
	return wide
}

// unsearched names limits that a search can not look at.
func (s *search) unsearched() []spec.Finding {
	known := []metric.Name{metric.TTFT, metric.TPOT, metric.Latency, metric.Throughput, metric.TotalThroughput, metric.RequestThroughput, metric.UserThroughput}
	var names []string
	for _, l := range s.request.Limits {
		if !slices.Contains(known, l.Metric) {
			names = append(names, string(l.Metric))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []spec.Finding{{Check: "slo_not_searched", Severity: spec.FindingWarn, Message: "rows were searched without the slo's limits of " + strings.Join(names, ", ") + ", of which the tool predicts nothing"}}
}

// run searches with the tables of the runtime's own version, and where the tool has none
// of it with its current ones.
func (s *search) run(ctx context.Context) ([]candidate, error) {
	version := cmp.Or(s.database, s.point.RuntimeVersion)
	list, err := s.attempt(ctx, version)
	if s.database == "" && version != "" && err != nil && ctx.Err() == nil && refusesVersion(err.Error(), version) {
		list, err = s.attempt(ctx, "")
	}
	return list, err
}

// refusesVersion reports whether a failure is of the version of the tables alone: the
// tool names it, or speaks of raw versions.
func refusesVersion(text, version string) bool {
	return strings.Contains(text, version) || strings.Contains(text, "raw-version query") || strings.Contains(text, "raw version query")
}

// attempt runs one search in a folder of its own.
func (s *search) attempt(ctx context.Context, version string) ([]candidate, error) {
	folder, err := os.MkdirTemp("", "aicv-aiconfigurator-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to search in: %w", err)
	}
	defer os.RemoveAll(folder)
	argv, err := s.argv(folder, version)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	ended, err := subprocess.Run(ctx, subprocess.Command{Args: argv, Dir: folder, Env: environment(), Line: func(line []byte) {
		if out.Len() < maxAnswer {
			out.Write(line)
			out.WriteByte('\n')
		}
	}})
	if err != nil {
		return nil, s.wrong("the command "+s.tool.Command+" can not be started: "+err.Error(), install)
	}
	if ended.Cause != nil || ended.Signal != "" {
		return nil, s.wrong("the search did not end well: "+failed(&ended), "raise timeout")
	}
	said := out.String() + ended.Partial
	list, found, err := saved(filepath.Join(folder, "out"))
	switch {
	case err != nil:
		return nil, s.wrong("the tables that it saved can not be read: "+err.Error(), "aicv was tried with "+Kind+" "+known)
	case len(list) > 0:
		return list, nil
	case found > 0 || strings.Contains(said, "no SLA-feasible"):
		return nil, s.nothing("no layout meets the slo")
	}
	return nil, s.nothing(lastError(errorLine(ended.Stderr), said))
}

// errorLine is the line of an error among notices on standard error.
func errorLine(stderr string) string {
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "Error: ") || strings.Contains(line, ": error: ") {
			return strings.TrimSpace(line)
		}
	}
	if strings.Contains(stderr, "Traceback") {
		return pytool.LastLine(stderr)
	}
	return ""
}

// saved reads all tables below a folder: first the tool's lists of the best, then its
// frontiers.
func saved(folder string) ([]candidate, int, error) {
	var list []candidate
	found := 0
	for _, name := range []string{"best_config_topn.csv", "pareto.csv"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != name {
				return err
			}
			found++
			more, err := readCandidates(path, name == "best_config_topn.csv")
			list = append(list, more...)
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, found, err
		}
	}
	return list, found, nil
}

func readCandidates(path string, best bool) ([]candidate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	short := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
	t, err := readTable(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", short, err)
	}
	list, err := candidates(t, best)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", short, err)
	}
	return list, nil
}

// argv is the command line: the tool's default search where the experiment fixes nothing
// of a layout, else an experiment of our own, written into the folder.
func (s *search) argv(folder, version string) ([]string, error) {
	common := []string{"--top-n", strconv.Itoa(max(s.request.Top, 5)), "--save-dir", filepath.Join(folder, "out"), "--no-color"}
	if len(s.systems) > 0 {
		common = append(common, "--systems-paths", strings.Join(s.systems, ","))
	}
	if s.fixed() || len(s.search) < 2 {
		file := filepath.Join(folder, "search.yaml")
		content, err := json.Marshal(s.experiments(version)) // JSON is YAML
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("write the search: %w", err)
		}
		return append([]string{s.tool.Command, "cli", "exp", "--yaml-path", file}, common...), nil
	}
	l := &s.point.Load
	argv := []string{s.tool.Command, "cli", "default", "--model-path", s.model, "--system", s.point.System, "--backend", s.point.Runtime, "--total-gpus", strconv.Itoa(s.request.GPUs),
		"--isl", strconv.Itoa(l.InputTokens), "--osl", strconv.Itoa(l.OutputTokens), "--ttft", plain(s.limit(metric.TTFT)), "--tpot", plain(s.limit(metric.TPOT)),
		"--database-mode", s.mode, "--prefix", "0"}
	if version != "" {
		argv = append(argv, "--backend-version", version)
	}
	return append(argv, common...), nil
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// fixed reports whether the suite or the engine says anything that the tool's default
// search would choose by itself.
func (s *search) fixed() bool {
	for _, item := range spec.ConfigurationItems() {
		searched := !slices.Contains([]string{spec.ItemReplicas, spec.ItemMaxBatchTokens, spec.ItemPrefixCache, spec.ItemMaxBatchSize, spec.ItemChunkedPrefill,
			spec.ItemSchedulePolicy, spec.ItemCUDAGraphs, spec.ItemSpeculativeTokens, spec.ItemDType}, item.Name)
		if searched && !s.point.Item(item.Name).IsNull() {
			return true
		}
	}
	return false
}

// experiments are the tool's own experiments, one for each way of serving.
func (s *search) experiments(version string) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, serving := range s.search {
		e := map[string]any{
			"total_gpus": s.request.GPUs, "isl": s.point.Load.InputTokens, "osl": s.point.Load.OutputTokens, "prefix": 0,
			"ttft": s.limit(metric.TTFT), "tpot": s.limit(metric.TPOT), "database_mode": s.mode,
		}
		if f, ok := s.point.Item(spec.ItemMemoryFraction).Float(); ok {
			e["free_gpu_memory_fraction"] = f
		}
		if n, ok := s.point.Item(spec.ItemMaxSequenceLength).Int(); ok {
			e["max_seq_len"] = n
		}
		if serving == servingAggregated {
			e["serving_mode"] = "agg"
			s.workers(e, "", "agg_", version)
			all["agg"] = e
			continue
		}
		e["serving_mode"] = "disagg"
		s.workers(e, "prefill_", "prefill_", version)
		s.workers(e, "decode_", "decode_", version)
		all["disagg"] = e
	}
	return all
}

// workers sets what one kind of workers is and may be.
func (s *search) workers(e map[string]any, prefix, sizes, version string) {
	e[prefix+"model_path"], e[prefix+"system_name"], e[prefix+"backend_name"] = s.model, s.point.System, s.point.Runtime
	if version != "" {
		e[prefix+"backend_version"] = version
	}
	for _, m := range modes() {
		if text := s.point.Item(m.name).Text(); text != "" {
			e[prefix+m.field+"_quant_mode"] = text
		}
	}
	for name, field := range map[string]string{spec.ItemTensorParallel: "tp", spec.ItemPipelineParallel: "pp", spec.ItemAttentionDataParallel: "dp",
		spec.ItemMoETensorParallel: "moe_tp", spec.ItemMoEExpertParallel: "moe_ep"} {
		if n, ok := s.point.Config.Get(name).Int(); ok {
			e[sizes+field+"_candidates"] = []int{n}
		}
	}
}
