package schemadoc

import "aicv/lang/schema"

// expressions writes the section on references, variables and functions.
func (p *page) expressions(functions []schema.Function) {
	p.line("")
	p.line("## Expressions")
	p.line("")
	p.line("Attributes take HCL expressions: `\"${var.models}/x\"`, `[for c in local.loads : c * 2]`, `var.fast ? 1 : 3`.")
	p.head("name", "stands for")
	p.row("`var.NAME`", "a variable's value")
	p.row("`local.NAME`", "a value of a `locals` block")
	p.row("`model.NAME`, `hardware.NAME`, `workload.NAME`", "the block; `model.NAME.id` and the like read its attributes")
	p.row("`target.KIND.NAME`, `runtime.KIND.NAME`, `predictor.KIND.NAME`, `benchmark.KIND.NAME`", "the block, or with an attribute behind it that attribute")
	p.row("`matrix.NAME`", "in an experiment's references and its configuration: the axis's value in this cell")
	p.line("")
	p.line("Everything has its value when the suite is read; references may go in any order, but not in a circle.")
	p.line("`env(\"NAME\")` refers to a secret: it can be passed on whole, it is resolved when a provider uses it, and its value")
	p.line("is never stored. The functions are pure: the same files give the same plan.")
	p.head("function", "what it gives")
	for _, f := range functions {
		p.row(code(f.Signature), f.Doc)
	}
}

// marks writes what the marks behind a verdict mean.
func (p *page) marks() {
	p.line("")
	p.line("## Marks on verdicts")
	p.line("")
	p.line("A mark qualifies a verdict; it does not change it.")
	p.head("mark", "meaning")
	p.row(code("n=1"), "A point verdict by one run, without an interval: the suite asks for one run, or recorded data hold one.")
	p.row(code("edited after data"), "The claim's form, tolerance or quantity, or the most runs, were changed once there were runs.")
	p.row(code("derived"), "A figure was computed from others instead of predicted or measured.")
	p.row(code("window=whole_run")+", "+code("window=unknown"), "The rates were not taken inside a steady stream, and the prediction is of one.")
	p.row(code("lost requests"), "Some requests failed, and the figure is of the others.")
	p.row(code("requests unknown"), "A percentile of recorded data that do not say how many requests stand behind it.")
	p.row(code("accepted"), "What was measured differs from what was predicted, and the suite accepts that.")
	p.row("any other", "The name of a finding that warns of the figure, such as `littles law`; the report lists the findings.")
}
