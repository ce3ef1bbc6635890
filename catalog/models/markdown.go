package models

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the page docs/models.md.
func Markdown() []byte {
	var b strings.Builder
	b.WriteString(pageIntro)
	b.WriteString("\n## Models\n\n")
	fmt.Fprintln(&b, "| id | class | parameters | active | layers | attention | experts | context | weights | KV cache | KiB per token | source |")
	fmt.Fprintln(&b, "|---|---|--:|--:|--:|---|---|--:|---|---|--:|---|")
	for _, row := range Rows() {
		b.WriteString(pageRow(row))
	}
	b.WriteString("\n## Other names\n\nThe architecture is shared; the weights may differ.\n\n| name | id | where it is in use |\n|---|---|---|\n")
	for _, a := range Aliases() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", a.Name, a.ID, a.Source)
	}
	b.WriteString("\n## Modes of weights\n\n| mode | weights | what multiplies with them | bits per weight with scales |\n|---|---|---|--:|\n")
	for _, f := range Formats() {
		bits := float64(f.Format.Bits)
		if f.Format.Group > 0 {
			bits += float64(f.Format.ScaleBits) / float64(f.Format.Group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %.4g |\n", f.Format.Mode, f.Weights, f.Activations, bits)
	}
	b.WriteString("\n## Classes\n\nClasses whose weights are counted: ")
	b.WriteString(strings.Join(Classes(), ", "))
	b.WriteString(".\n")
	return []byte(b.String())
}

// Classes lists the Hugging Face classes whose weights are counted, sorted.
func Classes() []string {
	var names []string
	for name := range layouts() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const pageIntro = `# Models

<!-- Generated from the table of catalog/models; AICV_UPDATE=1 go test ./catalog/models rewrites it. -->

What aicv knows of models without their checkpoint. ` + "`aicv models show ID`" + ` prints a row with the
parameters of each part and what a GPU of a parallel setup holds; ` + "`aicv models inspect PATH`" + ` reads the
same from a checkpoint's config.json and compares. A model that is not listed is no error: aicv reads
its config.json where the suite gives a ` + "`path`" + `, and else knows it by name only.

- Parameters are those of the language model. Layers for multi-token prediction and encoders of
  multimodal models are not counted.
- Active parameters are what one token's forward pass multiplies with: without the experts that it does
  not use, and without the input embedding unless that is the lm head as well.
- The KV cache is what an engine keeps it in when it is left to choose, and its KiB per token on one GPU
  without parallelism, in layers that keep every token. Windows and recurrent states come on top.
- GEMMs and experts in different modes are listed as such: "bfloat16, experts nvfp4".

` + "`scripts/retabulate-models`" + ` makes the table from the configurations that aiconfigurator-core bundles, and
from those of scripts/retabulate-models/more.json for models that it does not; it carries figures over and
copies no file.
`

func pageRow(row Row) string {
	a := row.Architecture
	c := a.Parameters()
	experts := ""
	if e, moe := a.Experts(); moe {
		experts = fmt.Sprintf("%d of %d", e.Active, e.Count)
		if e.Shared > 0 {
			experts += fmt.Sprintf(" + %d", e.Shared)
		}
	}
	dtype, _ := a.KVCacheDefault()
	perToken := ""
	if f, err := a.Footprint(Setup{}); err == nil {
		perToken = fmt.Sprintf("%.4g", float64(f.Stages[0].KVCache.PerToken)/1024)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %d | %s | %s | %d | %s | %s | %s | %s |\n", row.ID, a.Class, Billions(c.Total), Billions(c.Active),
		a.LayerCount(), a.distinct(func(b *Block) string { return b.Attention.describe() }), experts, a.Context, a.Weights(), dtype, perToken, row.Source)
}

// Billions writes a number of parameters: "8.03B", "1.04T".
func Billions(n int64) string {
	switch x := float64(n); {
	case n == 0:
		return ""
	case x >= 1e12:
		return fmt.Sprintf("%.4gT", x/1e12)
	case x >= 1e9:
		return fmt.Sprintf("%.4gB", x/1e9)
	}
	return fmt.Sprintf("%.3gM", float64(n)/1e6)
}
