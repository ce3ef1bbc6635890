package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"aicv/lang/schema"
	"aicv/spec"
)

// block is one block of the files, its parts found but nothing evaluated.
type block struct {
	typ    *blockType
	labels []string
	at     spec.Range // the header
	nameAt spec.Range // the last label; the header where there is none
	attrs  map[string]*hcl.Attribute
	open   []*hcl.Attribute // of an open block: what no row names, in source order
	nested map[string][]*block
}

// name is the block's own name: its last label.
func (b *block) name() string {
	if len(b.labels) == 0 {
		return ""
	}
	return b.labels[len(b.labels)-1]
}

// one returns a nested block that may stand only once; nil where it is missing.
func (b *block) one(name string) *block {
	if blocks := b.nested[name]; len(blocks) > 0 {
		return blocks[0]
	}
	return nil
}

// decodeFile sorts the top-level blocks of one file.
func (l *loader) decodeFile(body hcl.Body) {
	content := l.content(body, l.table.root, "the top level", l.table.names)
	for _, raw := range content.Blocks {
		if typ := l.topLevelType(raw); typ != nil {
			l.blocks = append(l.blocks, l.decodeBlock(raw, typ))
		}
	}
}

// topLevelType finds the schema of a block; a role's block has one per kind.
func (l *loader) topLevelType(raw *hcl.Block) *blockType {
	kind := ""
	if len(raw.Labels) == 2 {
		kind = raw.Labels[0]
	}
	if typ := l.table.find(raw.Type, kind); typ != nil {
		return typ
	}
	l.failNear(rangeOf(raw.LabelRanges[0]), "Unknown "+raw.Type+" "+quoted(kind),
		"No provider of this version brings this kind of "+raw.Type+".", kind, l.table.kindNames(raw.Type))
	return nil
}

func (l *loader) decodeBlock(raw *hcl.Block, typ *blockType) *block {
	b := &block{typ: typ, labels: raw.Labels, at: l.inFile(rangeOf(raw.DefRange))}
	b.nameAt = b.at
	for i, r := range raw.LabelRanges {
		b.nameAt = l.inFile(rangeOf(r))
		l.checkLabel(raw.Labels[i], b.nameAt)
	}
	if typ.Open {
		l.decodeOpen(b, raw.Body)
		return b
	}
	content := l.content(raw.Body, typ.body, article(typ.Name)+" block", typ.memberNames())
	b.attrs = content.Attributes
	l.decodeNested(b, content.Blocks)
	return b
}

func (l *loader) decodeNested(b *block, blocks hcl.Blocks) {
	for _, raw := range blocks {
		typ := b.typ.nested[raw.Type]
		inner := l.decodeBlock(raw, typ)
		if b.nested == nil {
			b.nested = make(map[string][]*block)
		}
		first := b.one(raw.Type)
		if first != nil && !typ.Repeatable {
			l.duplicate(inner.at, first.at, "A second "+raw.Type+" block", "Only one may stand in "+article(b.typ.Name)+" block.")
			continue
		}
		if first := sameLabels(b.nested[raw.Type], inner); first != nil {
			l.duplicate(inner.nameAt, first.nameAt, "A second "+raw.Type+" "+quoted(inner.name()), "Each name may stand once.")
			continue
		}
		b.nested[raw.Type] = append(b.nested[raw.Type], inner)
	}
}

func sameLabels(blocks []*block, b *block) *block {
	for _, other := range blocks {
		if len(b.labels) > 0 && slices.Equal(other.labels, b.labels) {
			return other
		}
	}
	return nil
}

// duplicate reports a second declaration and shows the first.
func (l *loader) duplicate(at, first spec.Range, summary, detail string) {
	d := problem(at, summary, detail)
	d.Suggestion = "Rename or remove one of them."
	d.Notes = []spec.Note{{Text: "first declared here", Range: first}}
	l.report(d)
}

// decodeOpen takes a block whose attributes are the user's own names.
func (l *loader) decodeOpen(b *block, body hcl.Body) {
	attrs, diags := body.JustAttributes()
	l.parserDiags(inOrder(diags), false)
	b.attrs = make(map[string]*hcl.Attribute)
	for name, attr := range attrs {
		if _, named := b.typ.rows[name]; named {
			b.attrs[name] = attr
			continue
		}
		b.open = append(b.open, attr)
	}
	slices.SortFunc(b.open, func(x, y *hcl.Attribute) int { return x.NameRange.Start.Byte - y.NameRange.Start.Byte })
	for _, attr := range b.open {
		l.checkLabel(attr.Name, l.inFile(rangeOf(attr.NameRange)))
	}
}

// content splits a body by its schema. What the schema does not know is reported in
// our own words: the parser's suggestions take the first near name, not the best.
func (l *loader) content(body hcl.Body, s *hcl.BodySchema, where string, known []string) *hcl.BodyContent {
	content, diags := body.Content(s)
	for _, d := range inOrder(diags) {
		if !isUnknownMember(d) || d.Subject == nil {
			l.report(l.translate(d, false))
			continue
		}
		l.unknownMember(l.inFile(rangeOf(*d.Subject)), d.Summary, where, known)
	}
	return content
}

// inOrder sorts the parser's messages by place: it finds them in a map's order.
func inOrder(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return a.Subject.Start.Byte - b.Subject.Start.Byte
	})
	return sorted
}

// isUnknownMember recognizes the parser's messages about attributes and blocks that
// the schema does not have, in both syntaxes.
func isUnknownMember(d *hcl.Diagnostic) bool {
	switch d.Summary {
	case "Unsupported argument", "Unsupported block type", "Extraneous JSON object property":
		return true
	}
	return false
}

func (l *loader) unknownMember(at spec.Range, parserSummary, where string, known []string) {
	name := strings.Trim(l.sourceText(at), `"`)
	if slices.Contains(schema.Reserved(), name) {
		l.fail(at, "The block "+quoted(name)+" is reserved", "Its name is kept for a later version of aicv; this one does not have it. Remove the block.")
		return
	}
	if slices.Contains(known, name) {
		l.wrongForm(at, name, parserSummary)
		return
	}
	what := "attribute"
	switch {
	case parserSummary == "Unsupported block type":
		what = "block"
	case where == "the top level":
		what = "block"
	}
	summary, detail := "Unknown "+what+" "+quoted(name), "Nothing of this name belongs "+within(where)+"."
	if place := rightPlace(spelledOut(name)); place != "" && !slices.Contains(known, spelledOut(name)) {
		d := problem(at, summary, detail)
		d.Suggestion = place
		l.report(d)
		return
	}
	l.failNear(at, summary, detail, meant(name, known), known)
}

// within puts a place into a sentence.
func within(where string) string {
	if where == "the top level" {
		return "at " + where
	}
	return "in " + where
}

// rightPlace says where an item of the load or the configuration is set: people write
// them into the experiment itself.
func rightPlace(item string) string {
	switch item {
	case schema.ItemInputTokens, schema.ItemOutputTokens, schema.ItemConcurrency, schema.ItemRequestRate:
		return "Set " + item + " in a workload block, or as an axis of the matrix."
	}
	isItem := func(a spec.Attribute) bool { return a.Name == item }
	if slices.ContainsFunc(spec.ConfigurationItems(), isItem) {
		return "Set " + item + " in the experiment's configuration block, or as an axis of its matrix."
	}
	return ""
}

// wrongForm reports a block written as an attribute, or the reverse.
func (l *loader) wrongForm(at spec.Range, name, parserSummary string) {
	d := problem(at, quoted(name)+" is an attribute, not a block", "")
	d.Suggestion = "Write " + name + " = ..."
	if slices.Contains(l.table.names, name) {
		d.Suggestion = "Declare the block outside, and write " + name + " = " + name + ".NAME here."
	}
	if parserSummary != "Unsupported block type" {
		d.Summary, d.Suggestion = quoted(name)+" is a block, not an attribute", "Write "+name+" { ... }"
	}
	l.report(d)
}

// checkLabel holds names to what references can spell.
func (l *loader) checkLabel(label string, at spec.Range) {
	if !validName(label) {
		l.fail(at, "Bad name "+quoted(label), "A name starts with a letter or an underscore, and goes on with letters, digits, underscores and dashes.")
	}
}

// validName accepts ASCII identifiers: names appear in addresses, file names and
// selectors on the command line.
func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// sourceText returns the bytes of a range; empty where the file is not known.
func (l *loader) sourceText(r spec.Range) string {
	source := l.sources[r.File]
	if r.Start.Byte < 0 || r.End.Byte > len(source) || r.Start.Byte > r.End.Byte {
		return ""
	}
	return string(source[r.Start.Byte:r.End.Byte])
}

// article puts a or an before a name.
func article(name string) string {
	if strings.ContainsAny(name[:min(1, len(name))], "aeiou") {
		return "an " + name
	}
	return "a " + name
}
