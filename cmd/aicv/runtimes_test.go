package main

import (
	"testing"

	"aicv/kit/engine"
	"aicv/providers/sglang"
	"aicv/providers/vllm"
	"aicv/spec"
)

// TestRuntimesPageIsCurrent fails when the page and the tables drift apart.
func TestRuntimesPageIsCurrent(t *testing.T) {
	const head = `# Runtimes

<!-- Generated from the tables of providers/sglang and providers/vllm; AICV_UPDATE=1 go test ./cmd/aicv rewrites it. -->

How each item of a configuration becomes flags of an engine, and how exactly. Of an item's rows the first
counts whose value, condition and versions hold. What no row expresses is ` + "`unsupported`" + `: the cell is not
comparable then, unless the suite accepts the item by name.

- A placeholder in braces stands for an item's value, or for items multiplied and divided. A division must leave no rest.
- ` + "`max_batch_size`" + ` is of one replica, over all of its data-parallel ranks; ` + "`max_batch_tokens`" + ` is of one scheduler step.
- Flags of the runtime's ` + "`args`" + ` are added behind. One that a row gives already is an error: set the item instead.
- A version that is newer than the table is taken to have the flags of the newest one known, and the plan says so.
- In a container the model's path is mounted read-only below /models, and the model hub's cache beside it.

`
	page := head + engine.Page(sglang.Table(), sglang.Failures()) + "\n" + engine.Page(vllm.Table(), vllm.Failures())
	checkPage(t, "runtimes.md", []byte(page))
}

// TestTablesCoverEveryItem: an item without a row would be dropped without a reason.
func TestTablesCoverEveryItem(t *testing.T) {
	for _, table := range []engine.Table{sglang.Table(), vllm.Table()} {
		rows := map[string]int{}
		for _, r := range table.Rows {
			rows[r.Item]++
			if r.Fidelity != spec.FidelityExact && r.Why == "" {
				t.Errorf("%s, %s: %s without a reason", table.Engine, r.Item, r.Fidelity)
			}
			if r.Fidelity == spec.FidelityUnsupported && len(r.Args) > 0 {
				t.Errorf("%s, %s: unsupported, with flags", table.Engine, r.Item)
			}
		}
		for _, item := range spec.ConfigurationItems() {
			if rows[item.Name] == 0 {
				t.Errorf("%s has no row for %s", table.Engine, item.Name)
			}
		}
	}
}

// TestAtLeast22Signatures counts the failures that each engine's log is searched for.
func TestAtLeast22Signatures(t *testing.T) {
	for name, failures := range map[string][]engine.Signature{"SGLang": sglang.Failures(), "vLLM": vllm.Failures()} {
		if len(failures) < 22 {
			t.Errorf("%s: %d signatures", name, len(failures))
		}
		for _, s := range failures {
			if s.Summary == "" || s.Fix == "" {
				t.Errorf("%s: %q lacks a cause or a fix", name, s.Pattern)
			}
		}
	}
}
