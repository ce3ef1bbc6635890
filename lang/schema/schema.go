// Package schema is the one declarative table of the language: every block and
// attribute with type, default, bounds and doc. Decoding, defaults, suggestions, the
// reference page and the machine-readable schemas are all made from it.
package schema

import (
	"cmp"
	"slices"

	"aicv/spec"
)

// The names of the top-level blocks that are no provider role's.
const (
	Suite      = "suite"
	Variable   = "variable"
	Locals     = "locals"
	Model      = "model"
	Hardware   = "hardware"
	Workload   = "workload"
	Experiment = "experiment"
	Guard      = "guard"
)

// Function is one function that expressions can call.
type Function struct {
	Name      string
	Signature string // substr(str, offset, length)
	Doc       string // one or two sentences
}

// since is the version of aicv that brought the first language.
const since = "0.1"

// Reserved lists the block types whose names are taken for later versions; they are
// refused at the top level and in experiments.
func Reserved() []string { return []string{"budget"} }

// Roles lists the provider roles in the order in which the language shows them.
func Roles() []spec.Role {
	return []spec.Role{spec.RoleTarget, spec.RoleRuntime, spec.RolePredictor, spec.RoleBenchmark}
}

// Language is the whole language: the core blocks, and one block per role and kind
// of the registrations, with the role's common rows and the provider's own. Order
// is that of the reference page; kinds of one role are sorted.
func Language(registrations []spec.Registration) []spec.Block {
	blocks := []spec.Block{suiteBlock(), variableBlock(), localsBlock(), modelBlock(), hardwareBlock()}
	for _, role := range Roles() {
		blocks = append(blocks, roleBlocks(role, registrations)...)
	}
	return append(blocks, workloadBlock(), experimentBlock(), guardBlock())
}

func roleBlocks(role spec.Role, registrations []spec.Registration) []spec.Block {
	var blocks []spec.Block
	for _, r := range registrations {
		if r.Role == role {
			blocks = append(blocks, providerBlock(r))
		}
	}
	slices.SortStableFunc(blocks, func(a, b spec.Block) int { return cmp.Compare(a.Kind, b.Kind) })
	return blocks
}

// providerBlock merges the role's common rows with the provider's own; its own row
// replaces a common one of the same name.
func providerBlock(r spec.Registration) spec.Block {
	block := r.Schema
	block.Name, block.Kind, block.Labels = string(r.Role), r.Kind, []string{"kind", "name"}
	block.Repeatable = true
	block.Doc = cmp.Or(block.Doc, r.Doc)
	block.Since = cmp.Or(block.Since, since)
	var rows []spec.Attribute
	for _, common := range commonRows(r.Role) {
		if _, replaced := r.Schema.Attribute(common.Name); !replaced {
			rows = append(rows, common)
		}
	}
	block.Attributes = append(rows, r.Schema.Attributes...)
	return block
}

// commonRows are the attributes that every kind of a role has.
func commonRows(role spec.Role) []spec.Attribute {
	if role != spec.RoleRuntime {
		return nil
	}
	return []spec.Attribute{
		{Name: "version", Type: spec.TypeString, Doc: "Version of the engine, as its project numbers it.", Example: `"0.24.0"`, Since: since},
		{Name: "image", Type: spec.TypeString, Doc: "Container image that holds the engine.", Example: `"registry.example.com/engine:1.0"`, Since: since},
		{Name: "args", Type: spec.TypeMap, Public: true, Doc: "Further engine flags, without their leading dashes.", Example: `{ "schedule-policy" = "fcfs" }`, Since: since},
		{Name: "env", Type: spec.TypeStringMap, Doc: "Environment variables of the server. A secret is given by reference: env(\"NAME\").", Example: `{ HF_TOKEN = env("HF_TOKEN") }`, Since: since},
	}
}

func suiteBlock() spec.Block {
	return spec.Block{
		Name: Suite, Since: since, Doc: "Settings of the whole suite. Optional.",
		Attributes: []spec.Attribute{
			{Name: "name", Type: spec.TypeString, Doc: "Name of the suite in reports. The folder's name where it is not set.", Example: `"llama-h100"`, Since: since},
			{Name: "on_undecided", Type: spec.TypeString, Default: spec.StringValue("fail"), Allowed: []string{"fail", "warn"},
				Doc: "What claims without a decision do to the exit code: fail gives 4, warn gives 0.", Example: `"warn"`, Since: since},
			{Name: "seed", Type: spec.TypeInt, Default: spec.IntValue(1), Min: bound(0),
				Doc: "Seeds the order of runs, and the prompts of workloads that set no seed.", Example: "42", Since: since},
		},
	}
}

func variableBlock() spec.Block {
	return spec.Block{
		Name: Variable, Labels: []string{"name"}, Repeatable: true, Since: since,
		Example: `variable "gpus" {
  type        = number
  default     = 8
  description = "GPUs of the node."

  validation {
    condition     = var.gpus <= 8
    error_message = "A node has eight GPUs."
  }
}`,
		Doc: "An input of the suite, read as var.NAME. Set by --var, --var-file, aicv.auto.hclvars or AICV_VAR_NAME, in falling precedence.",
		Attributes: []spec.Attribute{
			{Name: "type", Type: spec.TypeTypeExpr, Doc: "Type of the value. Without it any value is taken.", Example: "list(number)", Since: since},
			{Name: "default", Type: spec.TypeAny, Doc: "Value where none is given. Without it the variable must be set.", Example: `"/mnt/data/models"`, Since: since},
			{Name: "description", Type: spec.TypeString, Doc: "What the variable is for.", Example: `"Folder of the checkpoints."`, Since: since},
			{Name: "sensitive", Type: spec.TypeBool, Default: spec.BoolValue(false),
				Doc: "Hides the value in messages. Credentials belong in env(\"NAME\") instead, which is never stored.", Example: "true", Since: since},
		},
		Blocks: []spec.Block{{
			Name: "validation", Repeatable: true, Since: since, Doc: "A condition that the value must meet.",
			Attributes: []spec.Attribute{
				{Name: "condition", Type: spec.TypeBool, Required: true, Doc: "True where the value is good.", Example: "var.gpus <= 8", Since: since},
				{Name: "error_message", Type: spec.TypeString, Required: true, Doc: "What to say where it is not.", Example: `"A node has eight GPUs."`, Since: since},
			},
		}},
	}
}

func localsBlock() spec.Block {
	return spec.Block{Name: Locals, Repeatable: true, Open: true, Since: since, Doc: "Named values, read as local.NAME.",
		Example: `locals {
  accuracy = ["throughput within 10%", "tpot within 10%", "ttft within 15%"]
}`}
}

func modelBlock() spec.Block {
	return spec.Block{
		Name: Model, Labels: []string{"name"}, Repeatable: true, Since: since, Doc: "A model that is served.",
		Attributes: []spec.Attribute{
			{Name: "id", Type: spec.TypeString, Required: true, Doc: "The model as the predictor and the model hub know it.", Example: `"Qwen/Qwen3-32B-FP8"`, Since: since},
			{Name: "path", Type: spec.TypePath, Doc: "Local checkpoint. Its config.json becomes part of the model's identity.", Example: `"/mnt/data/models/Qwen3-32B-FP8"`, Since: since},
		},
	}
}

func hardwareBlock() spec.Block {
	return spec.Block{
		Name: Hardware, Labels: []string{"name"}, Repeatable: true, Since: since,
		Doc: "A pool of like GPUs. Without one, metrics per GPU do not exist.",
		Attributes: []spec.Attribute{
			{Name: "system", Type: spec.TypeString, Required: true, Example: `"h200_sxm"`, Since: since,
				Doc: "aiconfigurator's name of the system (aicv hardware list), or a name that a predictor of your own knows."},
			{Name: "gpus", Type: spec.TypeInt, Required: true, Min: bound(1), Doc: "GPUs in the pool.", Example: "8", Since: since},
			{Name: "memory", Type: spec.TypeSize, Example: `"80GiB"`, Since: since,
				Doc: "Memory of one GPU, for a system of your own: what fits is judged by it. Of the systems that aicv knows it is known."},
		},
	}
}

func bound(n float64) *float64 { return &n }
