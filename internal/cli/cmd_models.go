package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aicv/catalog/fit"
	"aicv/catalog/hardware"
	"aicv/catalog/models"
	"aicv/spec"
)

func (a *app) modelsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "models",
		Short: "Look at the models that aicv knows, or at a checkpoint",
		Long: `Aicv knows the architecture of well-known models, and reads it from a checkpoint's
config.json for any other: parameters by part, quantization, and what weights and KV
cache take on each GPU of a parallel setup.`,
		Example: "  aicv models list qwen3\n  aicv models show Qwen/Qwen3-32B-FP8 --tensor-parallel 4\n  aicv models inspect /mnt/data/models/Qwen3-32B-FP8",
	}
	c.AddCommand(a.modelsListCommand(), a.modelsShowCommand(), a.modelsInspectCommand())
	return c
}

func (a *app) modelsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [FILTER]",
		Short: "List the known models",
		Long: `List prints the table of models. A filter keeps the rows whose id, class or modes of
weights contain it, whatever the case of letters.`,
		Example: "  aicv models list\n  aicv models list fp8_block --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			rows := filterModels(models.Rows(), strings.Join(args, ""))
			if len(rows) == 0 {
				return unknownModel(args[0])
			}
			if a.json {
				return writeJSON(a.stdio.Out, map[string]any{"format_version": jsonFormat, "models": summaries(rows)})
			}
			return printModelList(a.stdio.Out, rows)
		},
	}
}

func filterModels(rows []models.Row, filter string) []models.Row {
	var kept []models.Row
	for _, row := range rows {
		text := strings.ToLower(row.ID + " " + row.Architecture.Class + " " + row.Architecture.Weights())
		if strings.Contains(text, strings.ToLower(filter)) {
			kept = append(kept, row)
		}
	}
	return kept
}

// unknownModel says that the table has no such model, and what is near.
func unknownModel(name string) error {
	fix := "aicv models list shows what there is; a suite may name any model, and `path` gives its config.json"
	if near := models.Nearest(name, 3); len(near) > 0 {
		fix = "did you mean " + strings.Join(near, ", ") + "? " + fix
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("the table of models has no %q", name), Fix: fix}
}

// setupFlags are named like the items of the language's configuration.
type setupFlags struct {
	setup     models.Setup
	length    int64
	sequences int64
	system    string // empty: whether it fits is not asked
	runtime   string
}

func (s *setupFlags) register(c *cobra.Command) {
	size := func(target *int, item, doc string) { c.Flags().IntVar(target, flagOf(item), 0, doc) }
	text := func(target *string, item, doc string) { c.Flags().StringVar(target, flagOf(item), "", doc) }
	size(&s.setup.Tensor, spec.ItemTensorParallel, "GPUs over which each layer's weights are split")
	size(&s.setup.Pipeline, spec.ItemPipelineParallel, "stages into which the layers are split")
	size(&s.setup.AttentionData, spec.ItemAttentionDataParallel, "data-parallel ranks of the attention layers")
	size(&s.setup.MoETensor, spec.ItemMoETensorParallel, "tensor-parallel size inside the experts")
	size(&s.setup.MoEExpert, spec.ItemMoEExpertParallel, "ranks over which experts are distributed")
	text(&s.setup.GEMMQuant, spec.ItemGEMMQuant, "quantize the dense multiplications of an unquantized checkpoint")
	text(&s.setup.MoEQuant, spec.ItemMoEQuant, "quantize the experts of an unquantized checkpoint")
	text(&s.setup.KVCacheQuant, spec.ItemKVCacheQuant, "data type of the KV cache (default: the checkpoint's)")
	c.Flags().Int64Var(&s.length, flagOf(spec.ItemMaxSequenceLength), 0, "length of a sequence in tokens (default: the model's context)")
	c.Flags().Int64Var(&s.sequences, flagOf(spec.ItemMaxBatchSize), 1, "sequences on each GPU at once")
	c.Flags().StringVar(&s.system, "system", "", "say whether that fits on the GPUs of a system: h200_sxm")
	c.Flags().StringVar(&s.runtime, "runtime", "vllm", "the engine whose own memory is counted, with --system")
}

// config is the setup as a suite would have it.
func (s *setupFlags) config() spec.Configuration {
	var c spec.Configuration
	for item, n := range map[string]int{spec.ItemTensorParallel: s.setup.Tensor, spec.ItemPipelineParallel: s.setup.Pipeline,
		spec.ItemAttentionDataParallel: s.setup.AttentionData, spec.ItemMoETensorParallel: s.setup.MoETensor, spec.ItemMoEExpertParallel: s.setup.MoEExpert} {
		if n != 0 {
			c = c.With(item, spec.IntValue(n))
		}
	}
	for item, mode := range map[string]string{spec.ItemGEMMQuant: s.setup.GEMMQuant, spec.ItemMoEQuant: s.setup.MoEQuant, spec.ItemKVCacheQuant: s.setup.KVCacheQuant} {
		if mode != "" {
			c = c.With(item, spec.StringValue(mode))
		}
	}
	return c
}

// fit says whether the setup fits on the GPUs of the system; nil where nobody asks.
func (s *setupFlags) fit(a *models.Architecture, length int64) (*fit.Result, error) {
	if s.system == "" {
		return nil, nil
	}
	system, known := hardware.Lookup(s.system)
	if !known {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("there is no system %q", s.system), Fix: "aicv hardware list shows the systems"}
	}
	pool := &spec.Hardware{Name: system.Name, System: system.Name, Memory: system.Usable()}
	server := fit.Inspect(fit.Question{Model: models.Description{Architecture: a}, Hardware: pool, Runtime: s.runtime, Config: s.config()})
	r := server.At(spec.Load{Concurrency: int(s.sequences) * max(s.setup.AttentionData, 1), InputTokens: int(length)})
	return &r, nil
}

// flagOf spells an item of the configuration as a flag.
func flagOf(item string) string { return strings.ReplaceAll(item, "_", "-") }

func (s *setupFlags) check() error {
	if s.length < 0 || s.sequences < 1 {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "a length or a number of sequences below 1 holds nothing", Fix: "give whole numbers from 1"}
	}
	return nil
}

func (a *app) modelsShowCommand() *cobra.Command {
	var flags setupFlags
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show all figures of a known model, with the memory that a setup takes",
		Long: `Show prints a model's architecture, its parameters by part, and what weights and KV cache
take on each GPU of the setup that the flags describe. They are named like the items of
the language's configuration.`,
		Example: "  aicv models show Qwen/Qwen3-32B-FP8\n  aicv models show DEEPSEEK_V3 --tensor-parallel 8 --moe-expert-parallel 8 --kv-cache-quant fp8\n  aicv models show Qwen/Qwen3-32B --max-sequence-length 5000 --max-batch-size 16 --system h100_sxm",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, found := models.Lookup(args[0])
			if !found {
				return unknownModel(args[0])
			}
			return a.printModel(modelReport{ID: m.ID, Note: m.Note(), Source: m.Source, architecture: m.Architecture}, flags)
		},
	}
	flags.register(c)
	return c
}

func (a *app) modelsInspectCommand() *cobra.Command {
	var flags setupFlags
	var id string
	c := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Read a checkpoint's config.json, and compare it with the table",
		Long: `Inspect reads a checkpoint's folder, with its config.json and hf_quant_config.json, or a
config.json alone, and prints what show prints. Where the table knows the model, by --id
or by the folder's name, it says in which figures the checkpoint differs.`,
		Example: "  aicv models inspect /mnt/data/models/Qwen3-32B-FP8\n  aicv models inspect config.json --id Qwen/Qwen3-32B --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			checkpoint, err := models.Read(args[0])
			if err != nil {
				return err
			}
			report := modelReport{ID: id, Source: checkpoint.File, architecture: checkpoint.Architecture}
			if err := report.compare(args[0]); err != nil {
				return err
			}
			return a.printModel(report, flags)
		},
	}
	flags.register(c)
	c.Flags().StringVar(&id, "id", "", "the model's id, to compare with")
	return c
}

// compare looks the checkpoint up in the table. An id that was given must be there.
func (r *modelReport) compare(path string) error {
	name := r.ID
	if name == "" {
		name = folderName(path)
	}
	m, found := models.Lookup(name)
	switch {
	case !found && r.ID != "":
		return unknownModel(r.ID)
	case !found:
		return nil
	}
	r.ID, r.Note = m.ID, m.Note()
	r.Compared = true
	r.Differences = models.Differences(r.architecture, m.Architecture)
	return nil
}

// folderName is the name of a checkpoint's folder; in the hub's cache the repository's,
// models--ORGANIZATION--NAME/snapshots/REVISION.
func folderName(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if filepath.Base(absolute) == "config.json" {
		absolute = filepath.Dir(absolute)
	}
	for dir := absolute; ; dir = filepath.Dir(dir) {
		if name, cached := strings.CutPrefix(filepath.Base(dir), "models--"); cached {
			return strings.Replace(name, "--", "/", 1)
		}
		if dir == filepath.Dir(dir) {
			return filepath.Base(absolute)
		}
	}
}
