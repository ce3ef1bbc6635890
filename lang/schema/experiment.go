package schema

import (
	"strconv"

	"aicv/metric"
	"aicv/spec"
)

// The names of the workload's items; a matrix axis of the same name sets the item.
const (
	ItemInputTokens   = spec.LoadInputTokens
	ItemOutputTokens  = spec.LoadOutputTokens
	ItemTraffic       = "traffic"
	ItemConcurrency   = spec.LoadConcurrency
	ItemRequestRate   = spec.LoadRequestRate
	ItemRequests      = "requests"
	ItemDuration      = "duration"
	ItemWarmup        = "warmup"
	ItemWarmupTime    = "warmup_duration"
	ItemSeed          = "seed"
	ItemInputLengths  = spec.LoadInputLengths
	ItemOutputLengths = spec.LoadOutputLengths
	ItemArrivals      = spec.LoadArrivals
	ItemBurstiness    = "burstiness"
	ItemSharedPrefix  = spec.LoadSharedPrefix
	ItemDataset       = spec.LoadDataset
	ItemBatch         = spec.LoadBatch
)

// BatchStatic is the value of batch for batches that start together and end before the
// next one starts.
const BatchStatic = "static"

// MaxCells is the largest number of cells that one experiment's matrix may have.
const MaxCells = 4096

func workloadBlock() spec.Block {
	return spec.Block{
		Name: Workload, Labels: []string{"name"}, Repeatable: true, Since: since,
		Doc: "The shape of the requests and how hard the server is driven.",
		Example: `workload "long" {
  input_tokens  = 4000
  output_tokens = 1000
  concurrency   = [8, 32, 128]
}`,
		Attributes: WorkloadItems(),
	}
}

// WorkloadItems are the rows of the workload block; a matrix axis of the same name
// sets the item.
func WorkloadItems() []spec.Attribute {
	count := func(name string, least float64, example, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeInt, Min: bound(least), Doc: doc, Example: example, Since: since}
	}
	return []spec.Attribute{
		count(ItemInputTokens, 1, "4000", "Input length (ISL) of every request, in tokens."),
		count(ItemOutputTokens, 1, "1000", "Output length (OSL) of every request, in tokens."),
		{Name: ItemTraffic, Type: spec.TypeString, Doc: "Both lengths at once, in genai-bench's notation: D(input,output) fixed, N(mean,deviation)/(mean,deviation) normal, U(min,max)/(min,max) uniform, input first.", Example: `"D(4000,1000)"`, Since: since},
		{Name: ItemConcurrency, Type: spec.TypeIntList, Single: true, Min: bound(1),
			Doc: "Requests in flight, over all replicas. A list is an axis: one cell per value.", Example: "[8, 32, 128]", Since: since},
		{Name: ItemRequestRate, Type: spec.TypeNumber, Min: bound(0), Doc: "Requests per second, in place of a concurrency.", Example: "2.5", Since: since},
		{Name: ItemInputLengths, Type: spec.TypeString, Doc: "Input lengths that vary, in place of input_tokens: normal(mean,deviation), lognormal(mean,deviation) or uniform(min,max). Drawn from the seed. Predictions are for fixed lengths and answer nothing here.", Example: `"lognormal(4000,2000)"`, Since: since},
		{Name: ItemOutputLengths, Type: spec.TypeString, Doc: "Output lengths that vary, in place of output_tokens, written as input_lengths.", Example: `"normal(300,150)"`, Since: since},
		{Name: ItemArrivals, Type: spec.TypeString, Allowed: []string{string(spec.ArrivalsConstant), string(spec.ArrivalsPoisson), string(spec.ArrivalsGamma)},
			Doc: "How the requests of a request_rate follow each other, drawn from the seed. Where it is not set: poisson.", Example: `"gamma"`, Since: since},
		{Name: ItemBurstiness, Type: spec.TypeNumber, Min: bound(0), Doc: "Shape of gamma arrivals: 1 is Poisson, less is burstier, more is smoother. Where it is not set: 1.", Example: "0.5", Since: since},
		{Name: ItemSharedPrefix, Type: spec.TypeShare, Doc: "Share of each prompt that all prompts begin with, to measure a prefix cache on purpose. Where it is not set, no two prompts share their beginning.", Example: `"50%"`, Since: since},
		{Name: ItemDataset, Type: spec.TypeString, Doc: "File of prompts, relative to the suite's folder: .jsonl with prompt (and output_tokens) per line, .csv with these columns, or .json in ShareGPT's shape. Output lengths that it does not say are output_tokens.", Example: `"prompts.jsonl"`, Since: since},
		{Name: ItemBatch, Type: spec.TypeString, Allowed: []string{BatchStatic}, Doc: "static: batches of concurrency requests start together, and the next one starts when all have ended, as static estimates assume.", Example: `"static"`, Since: since},
		count(ItemRequests, 1, "640", "Measured requests per run. Where it is not set: 20 x concurrency, and what the claims' percentiles need."),
		{Name: ItemDuration, Type: spec.TypeDuration, Doc: "Shortest window of a run. Where it is not set the number of requests decides.", Example: `"60s"`, Since: since},
		count(ItemWarmup, 1, "64", "Warm-up requests before the window. Where it is not set: 2 x concurrency."),
		{Name: ItemWarmupTime, Type: spec.TypeDuration, Doc: "Shortest warm-up, for engines that take time to settle whatever they are asked. Where it is not set the number of requests decides.", Example: `"30s"`, Since: since},
		count(ItemSeed, 0, "7", "Seeds the prompts; each load and each repeat has prompts of its own. Where it is not set: the suite's seed."),
	}
}

// References are the experiment's attributes that name a declared block, in the
// order of the reference page. An axis of the same name lists references.
func References() []spec.Attribute {
	reference := func(name, example, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeReference, Ref: name, Doc: doc, Example: example, Since: since}
	}
	return []spec.Attribute{
		reference(Model, "model.qwen3_32b", "The model. The only one declared where it is not set."),
		reference(Hardware, "hardware.h200x8", "The hardware. The only one declared where it is not set."),
		reference(string(spec.RoleTarget), "target.docker.local", "Where servers run. The only one declared where it is not set, else this host's processes."),
		reference(string(spec.RoleRuntime), "runtime.sglang.v0_5_14", "What runs. The only one declared where it is not set."),
		reference(string(spec.RolePredictor), "predictor.aiconfigurator.aic", "The source of predictions. The only one declared where it is not set; without any, and with null, there are none."),
		reference(string(spec.RoleBenchmark), "benchmark.genaibench.gb", "The client that measures. The only one declared where it is not set, else loadgen."),
		reference(Workload, "workload.long", "The load. The only one declared where it is not set."),
	}
}

// DoesNotFit is the experiment's attribute about cells that do not fit on their GPUs,
// UnfitSkip and UnfitDeploy are its values.
const (
	DoesNotFit  = "does_not_fit"
	UnfitSkip   = "skip"
	UnfitDeploy = "deploy"
)

func experimentBlock() spec.Block {
	rows := append(References(), spec.Attribute{
		Name: "points_from", Type: spec.TypeReference, Ref: string(spec.RoleBenchmark), Since: since,
		Doc:     "A recorded benchmark, in place of a matrix: every point of it that agrees with what the experiment fixes becomes a cell.",
		Example: "benchmark.recorded.h200",
	}, acceptRow(), spec.Attribute{
		Name: DoesNotFit, Type: spec.TypeString, Default: spec.StringValue(UnfitSkip), Allowed: []string{UnfitSkip, UnfitDeploy}, Since: since,
		Doc: "What becomes of cells that by estimate do not fit on their GPUs: skip leaves them out, and their claims are without data; " +
			"deploy measures them all the same. aicv plan -v shows the arithmetic.",
		Example: `"deploy"`,
	})
	return spec.Block{
		Name: Experiment, Labels: []string{"name"}, Repeatable: true, Since: since,
		Doc: "Cells to predict, measure and judge, and the claims about them.",
		Example: `experiment "scaling" {
  runtime  = runtime.sglang.v0_5_14
  workload = workload.long

  matrix {
    tensor_parallel = [1, 2, 4, 8]
  }
  configuration {
    max_batch_tokens = 8192
  }
  repeats {
    min = 3
    max = 10
  }
  assert "accuracy" {
    expect = ["throughput within 10%", "ttft within 15%"]
  }
}`,
		Attributes: rows,
		Blocks:     []spec.Block{matrixBlock(), configurationBlock(), recommendedBlock(), sloBlock(), repeatsBlock(), assertBlock(), guardBlock(), originBlock()},
	}
}

// originBlock says what an experiment was translated from. Nothing that is measured
// depends on it.
func originBlock() spec.Block {
	return spec.Block{
		Name: "origin", Since: since,
		Doc: "What aicv import made the experiment from. aicv export takes from it what a suite can not express; plan, apply and verdicts ignore it.",
		Example: `origin {
  format = "autotuner"
  file   = "origin/task.json"
}`,
		Attributes: []spec.Attribute{
			{Name: "format", Type: spec.TypeString, Required: true, Doc: "The format of the file, as aicv import names it.", Example: `"autotuner"`, Since: since},
			{Name: "file", Type: spec.TypePath, Required: true, Doc: "Copy of the document, relative to the suite's folder.", Example: `"origin/task.json"`, Since: since},
			{Name: "entry", Type: spec.TypeString, Doc: "Part of the document that the experiment stands for, where it has several.", Example: `"exp_agg"`, Since: since},
		},
	}
}

func matrixBlock() spec.Block {
	return spec.Block{
		Name: "matrix", Open: true, Since: since,
		Doc: "Axes: each attribute is a list, and every combination is a cell. An axis named like an item of the configuration, the workload " +
			"or the experiment sets it; any other is read as matrix.NAME in the experiment's expressions. At most 4,096 cells.",
		Example: `matrix {
  model           = [model.qwen3_8b, model.qwen3_32b]
  tensor_parallel = [1, 2, 4, 8]
  exclude         = [{ model = model.qwen3_32b, tensor_parallel = 1 }]
}`,
		Attributes: []spec.Attribute{
			{Name: "include", Type: spec.TypeAny, Doc: "Further rows, as a list of objects; each is a cell with the axes that it names.",
				Example: "[{ tensor_parallel = 8, concurrency = 256 }]", Since: since},
			{Name: "exclude", Type: spec.TypeAny, Doc: "Rows to leave out, as a list of objects; a row goes where all the axes that an object names agree.",
				Example: "[{ tensor_parallel = 1, concurrency = 128 }]", Since: since},
		},
	}
}

func configurationBlock() spec.Block {
	return spec.Block{
		Name: "configuration", Since: since, Attributes: spec.ConfigurationItems(),
		Doc: "How the engine is set up, in aiconfigurator's vocabulary. Items that are not set are left to the engine.",
		Example: `configuration {
  tensor_parallel  = 4
  kv_cache_quant   = "fp8"
  max_batch_tokens = 8192
}`,
	}
}

func recommendedBlock() spec.Block {
	return spec.Block{
		Name: "recommended", Since: since, Doc: "Adds the rows that the predictor recommends under the slo, each at its own load.",
		Attributes: []spec.Attribute{
			{Name: "top", Type: spec.TypeInt, Required: true, Min: bound(1), Doc: "Rows to add, best first.", Example: "5", Since: since},
		},
	}
}

// sloBlock has one row per metric that can be limited, with an example in its unit.
func sloBlock() spec.Block {
	block := spec.Block{Name: "slo", Since: since,
		Example: `slo {
  ttft = "1s"
  tpot = "30ms"
}`,
		Doc: "Limits of the experiment, each a quantity with its unit; recommended, goodput and later decision metrics read them."}
	for _, m := range metric.All() {
		if m.Name == metric.Goodput {
			continue // defined by the slo itself
		}
		block.Attributes = append(block.Attributes, spec.Attribute{
			Name: string(m.Name), Type: spec.TypeString, Doc: limitDoc(m), Example: limitExample(m), Since: since,
		})
	}
	return block
}

func limitDoc(m metric.Metric) string {
	if m.Direction == metric.MoreIsBetter {
		return "Least " + string(m.Name) + "."
	}
	return "Largest " + string(m.Name) + "."
}

func limitExample(m metric.Metric) string {
	switch m.Unit {
	case metric.Milliseconds:
		return `"500ms"`
	case metric.Share:
		return `"1%"`
	}
	return `"20 ` + string(m.Unit) + `"`
}

func repeatsBlock() spec.Block {
	row := func(name string, n int, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeInt, Default: spec.IntValue(n), Min: bound(1), Doc: doc, Example: strconv.Itoa(max(n, 3)), Since: since}
	}
	return spec.Block{
		Name: "repeats", Since: since, Doc: "How often each cell is measured.",
		Example: `repeats {
  min    = 3
  max    = 10
  starts = 1
}`,
		Attributes: []spec.Attribute{
			row("min", 3, "Runs of each cell before the first look at its claims. Recorded data that hold fewer decide nothing: set min and max to what they hold."),
			row("max", 10, "Runs of each cell at most."),
			row("starts", 1, "Times that the server is brought up; above 1 the means of the starts are the sample."),
		},
	}
}

func assertBlock() spec.Block {
	return spec.Block{
		Name: "assert", Labels: []string{"name"}, Repeatable: true, Since: since, Doc: "A named group of claims.",
		Attributes: []spec.Attribute{
			{Name: "severity", Type: spec.TypeString, Default: spec.StringValue("error"), Allowed: []string{"error", "warn", "info"},
				Doc: "Whether the claims decide the exit code (error) or are only reported.", Example: `"warn"`, Since: since},
			{Name: "expect", Type: spec.TypeClaims, Required: true, Single: true, Doc: "The claims.",
				Example: `["throughput within 10%", "ttft_p99 < 2s"]`, Since: since},
		},
	}
}
