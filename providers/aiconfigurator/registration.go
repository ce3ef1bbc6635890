package aiconfigurator

import (
	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare it: predictor "aiconfigurator" "name".
const Kind = "aiconfigurator"

// since is the version of aicv that brought the provider.
const since = "0.1"

// The names of the block's attributes.
const (
	attrCommand     = "command"
	attrPython      = "python"
	attrVenv        = "venv"
	attrDatabase    = "database_version"
	attrMode        = "database_mode"
	attrSystemsPath = "systems_paths"
	attrAssume      = "assume"
	attrSearch      = "search"
	attrDriver      = "driver"
	attrTimeout     = "timeout"
)

// The drivers: how the tool is asked.
const (
	driverAuto = "auto"
	driverSDK  = "sdk"
	driverCLI  = "cli"
)

// The ways of serving that a search looks through.
const (
	servingAggregated    = "aggregated"
	servingDisaggregated = "disaggregated"
)

// modeSilicon is the database mode in which measured tables must answer.
const modeSilicon = "SILICON"

// defaultTimeout bounds one request with all of its points.
const defaultTimeout = "15m"

// Registration is aiconfigurator as a predictor.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RolePredictor, Kind: Kind, Schema: block(), Metrics: mappings(),
		Doc: "NVIDIA's aiconfigurator: predictions from tables of measured kernels, made on a CPU.",
		New: spec.Constructor{Predictor: newPredictor},
	}
}

func block() spec.Block {
	path := func(name, example, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypePath, Doc: doc, Example: `"` + example + `"`, Since: since}
	}
	choice := func(name, standard, doc string, allowed ...string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeString, Allowed: allowed, Default: spec.StringValue(standard), Doc: doc, Example: `"` + allowed[len(allowed)-1] + `"`, Since: since}
	}
	return spec.Block{
		Doc: "NVIDIA's aiconfigurator, asked for all points in one process, and for good configurations where an experiment wants some recommended. At most one of command, python and venv says where it is; without any it is what the environment variable AICV_AICONFIGURATOR names (a command or a virtual environment), else the command on PATH. The model's config.json must come with the tool or lie at the model's path: nothing is fetched.",
		Attributes: []spec.Attribute{
			{Name: attrCommand, Type: spec.TypeString, Doc: "The tool's command: a name on PATH, or a path that starts from the suite's folder.", Example: `"aiconfigurator"`, Since: since},
			{Name: attrPython, Type: spec.TypeString, Doc: "The Python interpreter that has the tool installed.", Example: `"python3.12"`, Since: since},
			path(attrVenv, "/opt/aiconfigurator", "The virtual environment that has the tool installed."),
			{Name: attrDatabase, Type: spec.TypeString, Example: `"0.24.0"`, Since: since,
				Doc: "The version of the engine's tables to predict with: a version, or one of the tool's slots (current, previous, next). By default the runtime's own version where the tool has its tables, else the tool's current ones, which the prediction then says."},
			choice(attrMode, modeSilicon, "Where figures may come from: measured tables alone, or formulas too.", modeSilicon, "EMPIRICAL", "SOL", "HYBRID"),
			{Name: attrSystemsPath, Type: spec.TypeStringList, Example: `["default", "systems"]`, Since: since,
				Doc: "Folders of systems and tables, in the order in which they are searched; \"default\" is the tool's own. Paths start from the suite's folder."},
			{Name: attrAssume, Type: spec.TypeMap, Example: `{ gemm_quant = "fp8" }`, Since: since,
				Doc: "Items of the configuration that the tool is to take where neither the suite nor the engine says them, such as the quantization of recorded measurements that do not name it. Sizes that decide the number of GPUs are the configuration's alone."},
			{Name: attrSearch, Type: spec.TypeStringList, Single: true, Allowed: []string{servingAggregated, servingDisaggregated}, Example: `["aggregated"]`, Since: since,
				Doc: "The ways of serving that recommended rows are searched among; both by default. A disaggregated row is shown and set aside, because no runtime here can express it."},
			choice(attrDriver, driverAuto, "How the tool is asked: by its SDK, by its command line, or by the SDK where it can be used. The command line takes seconds for each point and hides where figures come from.", driverAuto, driverSDK, driverCLI),
			{Name: attrTimeout, Type: spec.TypeDuration, Default: spec.StringValue(defaultTimeout), Example: `"30m"`, Since: since,
				Doc: "The longest that one request may take, with all of its points. What was answered until then counts."},
		},
		Since: since,
	}
}

func mappings() []metric.Mapping {
	return []metric.Mapping{
		{Metric: metric.Throughput, Field: "tokens/s", Conversion: "total_throughput / GPUs of all replicas, counted by aicv"},
		{Metric: metric.TotalThroughput, Field: "tokens/s", Conversion: "x osl / (osl - 1) x replicas: the tool counts osl - 1 tokens of each request"},
		{Metric: metric.RequestThroughput, Field: "seq/s", Conversion: "x replicas"},
		{Metric: metric.UserThroughput, Field: "tokens/s/user"},
		{Metric: metric.TTFT, Field: "ttft"},
		{Metric: metric.TPOT, Field: "tpot"},
		{Metric: metric.Latency, Field: "request_latency"},
	}
}
