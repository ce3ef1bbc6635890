package recorded

import (
	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare both roles: predictor "recorded" and
// benchmark "recorded".
const Kind = "recorded"

// since is the version of aicv that brought the provider.
const since = "0.1"

// Predictor registers recorded predictions.
func Predictor() spec.Registration {
	schema := common("predictions")
	schema.Attributes = append(schema.Attributes,
		spec.Attribute{Name: attrModelled, Type: spec.TypeStringMap, Since: since, Example: `{ kv_cache_quant = "resolved_kvcache" }`,
			Doc: "Item to column: what the prediction assumed beyond the items that are matched. It is compared, and finds no row."},
		text(attrDatabase, `"0.24.0"`, "Version of the performance database behind all rows."),
		text(attrDatabaseColumn, `"tables"`, "Column that holds the version of the performance database. Another version than the runtime's is said on the prediction."),
	)
	return spec.Registration{
		Role: spec.RolePredictor, Kind: Kind, Schema: schema, Metrics: mappings(), Answers: answers,
		Doc: "Predictions from a CSV or JSON file of points.",
		New: spec.Constructor{Predictor: newPredictor},
	}
}

// Benchmark registers recorded measurements.
func Benchmark() spec.Registration {
	schema := common("measurements")
	schema.Attributes = append(schema.Attributes,
		text(attrGPUsColumn, `"gpus"`, "Column that holds the number of GPUs. Rows whose layout occupies another number are set aside and listed."),
		text(attrRunColumn, `"measured_on"`, "Column that tells the runs of one point apart. Without it rows with one point and different figures are an error."),
		spec.Attribute{Name: attrWindow, Type: spec.TypeString, Since: since, Default: spec.StringValue(string(spec.WindowUnknown)), Example: `"steady"`,
			Allowed: []string{string(spec.WindowWholeRun), string(spec.WindowSteady), string(spec.WindowUnknown)},
			Doc:     "Over what time the rates were taken: from the first request to the last, or inside a steady stream."},
	)
	return spec.Registration{
		Role: spec.RoleBenchmark, Kind: Kind, Schema: schema, Metrics: mappings(), Answers: answers,
		Doc: "Measurements from a CSV or JSON file of points. Nothing is deployed.",
		New: spec.Constructor{Recording: newRecording},
	}
}

// common are the rows that both roles share.
func common(what string) spec.Block {
	return spec.Block{
		Doc: "Recorded " + what + ": a CSV file with a header line, or a JSON array of flat objects. Only rows that equal a point in every item of match answer it; none is interpolated.",
		Attributes: []spec.Attribute{
			{Name: attrFile, Type: spec.TypePath, Required: true, Doc: "The file, relative to the suite's folder; its name ends in .csv or .json.", Example: `"` + what + `.csv"`, Since: since},
			{Name: attrMatch, Type: spec.TypeStringMap, Required: true, Since: since, Example: `{ model = "model", tensor_parallel = "tp", concurrency = "concurrency" }`,
				Doc: "Item to column: model, system, runtime, runtime_version, and the items of the workload and the configuration."},
			{Name: attrFixed, Type: spec.TypeMap, Since: since, Example: `{ kv_cache_quant = "bfloat16" }`,
				Doc: "Items that no column holds and that are the same in all rows."},
			{Name: attrWhere, Type: spec.TypeStringMap, Since: since, Example: `{ backend = "vllm" }`,
				Doc: "Column to value: only rows that have all of them are read."},
			{Name: attrDerive, Type: spec.TypeStringList, Since: since, Allowed: derivableTexts(), Example: `["throughput"]`,
				Doc: "Metrics to compute from the others, for a closed loop with all slots busy: latency = ttft + (output_tokens - 1) x tpot, total_throughput = concurrency x output_tokens / latency. They are marked as derived."},
			text(attrTool, `"aiconfigurator"`, "Tool that made the figures."),
			text(attrVersion, `"0.12.0"`, "Version of that tool."),
			text(attrReasonColumn, `"fail_reason"`, "Column that says why a row has no figures."),
		},
		Blocks: []spec.Block{metricBlock()},
	}
}

func metricBlock() spec.Block {
	column := text(attrColumn, `"ttft_ms"`, "Column that holds it. An empty cell means that the row does not have it.")
	unit := text(attrUnit, `"ms"`, "Unit of the column, as claims write units. An empty one is a share from 0 to 1.")
	column.Required, unit.Required = true, true
	return spec.Block{Name: attrMetric, Labels: []string{"metric"}, Repeatable: true, Since: since,
		Example: "metric \"ttft\" {\n  column = \"ttft_ms\"\n  unit   = \"ms\"\n}",
		Doc:     "A metric that the file holds, by its name in the metric contract.", Attributes: []spec.Attribute{column, unit}}
}

func text(name, example, doc string) spec.Attribute {
	return spec.Attribute{Name: name, Type: spec.TypeString, Doc: doc, Example: example, Since: since}
}

// mappings says that any metric of the contract may be recorded; which of them a file
// holds, its metric blocks declare.
func mappings() []metric.Mapping {
	var rows []metric.Mapping
	for _, m := range metric.All() {
		rows = append(rows, metric.Mapping{Metric: m.Name, Field: "the column that a metric block declares", Conversion: "from the declared unit"})
	}
	return rows
}

// answers lists the metrics that a declaration names or derives, in contract order.
func answers(c *spec.Component) []metric.Name {
	var given []metric.Name
	for _, block := range c.Attrs[attrMetric].Items() {
		label, _ := block.Field("label")
		given = append(given, metric.Name(label.Text()))
	}
	for _, name := range c.Attrs.Strings(attrDerive) {
		given = append(given, metric.Name(name))
	}
	return metric.InOrder(given)
}
