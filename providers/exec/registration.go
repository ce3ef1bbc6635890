package exec

import (
	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare it: predictor "exec" "name".
const Kind = "exec"

// Protocol is the version of the protocol that requests and answers name.
const Protocol = "aicv-predictor/1"

// since is the version of aicv that brought the provider.
const since = "0.1"

// The names of the block's attributes.
const (
	attrCommand   = "command"
	attrMetrics   = "metrics"
	attrEnv       = "env"
	attrFiles     = "files"
	attrTimeout   = "timeout"
	attrSupport   = "support"
	attrRecommend = "recommend"
)

// defaultTimeout bounds one request with all of its points.
const defaultTimeout = "5m"

// Registration is a program of one's own as a predictor.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RolePredictor, Kind: Kind, Schema: block(), Metrics: mappings(), Answers: answers,
		Doc: "Any program that answers JSON points with JSON predictions.",
		New: spec.Constructor{Predictor: newPredictor},
	}
}

func block() spec.Block {
	flag := func(name, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeBool, Default: spec.BoolValue(false), Doc: doc, Example: "true", Since: since}
	}
	return spec.Block{
		Doc: "A program of one's own: it reads points as JSON on its standard input and answers with JSON lines on its standard output (docs/predictor-protocol.md). It runs in the suite's folder, once for all points.",
		Attributes: []spec.Attribute{
			{Name: attrCommand, Type: spec.TypeStringList, Required: true, Since: since, Example: `["python3", "predict.py"]`,
				Doc: "The program and its arguments; no shell reads them. A name is looked for on PATH, a path starts from the suite's folder. The program's content, and that of arguments that name files, are part of what predictions are cached by."},
			{Name: attrMetrics, Type: spec.TypeStringList, Required: true, Allowed: metric.Names(), Since: since, Example: `["throughput", "ttft", "tpot"]`,
				Doc: "The metrics that it answers."},
			{Name: attrFiles, Type: spec.TypeStringList, Since: since, Example: `["simulator/", "coefficients.json"]`,
				Doc: "Further files and folders that its answers depend on: when one changes, it is asked again."},
			{Name: attrEnv, Type: spec.TypeStringMap, Since: since, Example: `{ SIM_TOKEN = env("SIM_TOKEN") }`,
				Doc: "Environment variables beside aicv's own. A secret is given by reference: env(\"NAME\")."},
			{Name: attrTimeout, Type: spec.TypeDuration, Default: spec.StringValue(defaultTimeout), Since: since, Example: `"10m"`,
				Doc: "The longest that one request may take, with all of its points. What was answered until then counts."},
			flag(attrSupport, "Whether it also says which models, systems and runtimes it has data for; aicv validate then asks it."),
			flag(attrRecommend, "Whether it also recommends configurations, for an experiment's recommended block."),
		},
	}
}

// mappings says that any metric of the contract may be answered; which of them, the
// declaration says.
func mappings() []metric.Mapping {
	var rows []metric.Mapping
	for _, m := range metric.All() {
		rows = append(rows, metric.Mapping{Metric: m.Name, Field: "the value of that name, where metrics lists it"})
	}
	return rows
}

// answers lists the metrics that a declaration names, in contract order.
func answers(c *spec.Component) []metric.Name {
	var given []metric.Name
	for _, name := range c.Attrs.Strings(attrMetrics) {
		given = append(given, metric.Name(name))
	}
	return metric.InOrder(given)
}
