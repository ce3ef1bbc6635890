package schema

import "aicv/spec"

// Accept is the experiment's attribute that names accepted items.
const Accept = "accept"

func acceptRow() spec.Attribute {
	return spec.Attribute{
		Name: Accept, Type: spec.TypeStringList, Single: true, Allowed: itemNames(), Since: since,
		Doc: "Configuration items that may differ between what is asked for, what the engine runs and what the prediction assumes, or that the engine has no flag for. " +
			"Without it such a difference makes claims against predictions not comparable.",
		Example: `["memory_fraction"]`,
	}
}

func itemNames() []string {
	var names []string
	for _, row := range spec.ConfigurationItems() {
		names = append(names, row.Name)
	}
	return names
}

func guardBlock() spec.Block {
	severity := spec.Attribute{Name: "severity", Type: spec.TypeString, Default: spec.StringValue(string(spec.FindingSpoils)),
		Allowed: []string{string(spec.FindingSpoils), string(spec.FindingWarn), string(spec.FindingNote)}, Since: since, Example: `"warn"`,
		Doc: "What breaking a threshold of this guard comes to: the metrics concerned are not comparable, or the verdict has a warning, or it is only noted."}
	return spec.Block{
		Name: Guard, Labels: []string{"name"}, Repeatable: true, Since: since,
		Doc: "Thresholds of the self-checks that every measurement is put through, in place of the usual ones. In an experiment it holds there, and prevails; " +
			"beside the experiments it holds in all of them. A guard that changes judges the runs that are there again, and measures nothing.",
		Example: `guard "comparable" {
  prefix_cache_hits_max = "1%"
  preemptions_max       = 0
  require_effective     = true
}`,
		Attributes: append([]spec.Attribute{severity}, spec.GuardThresholds()...),
	}
}
