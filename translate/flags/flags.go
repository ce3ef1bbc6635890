// Package flags reads the flags of inference engines as items of the configuration. It is
// the way in; the way out is the runtimes' own rendering. A test holds both together.
package flags

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aicv/spec"
	"aicv/translate/tree"
)

// Kind says what a flag takes.
type Kind uint8

// The kinds.
const (
	Size  Kind = iota // a whole number from 1
	Share             // a number from 0 to 1
	Word              // one of Values, or any word where there are none
	On                // a bare flag that sets true
	Off               // a bare flag that sets false
)

// Flag is one flag of an engine that stands for an item.
type Flag struct {
	Names    []string // without dashes, the engine's own first, then its aliases
	Item     string
	Kind     Kind
	Values   []Value // of a Word; empty: any
	Fidelity spec.Fidelity
	Why      string // empty only where it is exact
}

// Value is a word that a flag takes and what it says.
type Value struct {
	Word     string
	Item     string // of the suite; empty: the item is left to the engine, as it is unset
	Fidelity spec.Fidelity
	Why      string
}

// Reading is what a flag's value says.
type Reading struct {
	Value    spec.Value // Null: the item is left to the engine
	Fidelity spec.Fidelity
	Why      string
}

// The engines whose flags are known.
const (
	SGLang = "sglang"
	VLLM   = "vllm"
)

// Engines lists the engines whose flags are known.
func Engines() []string { return []string{SGLang, VLLM} }

// Of lists the flags of an engine that stand for items; nil for an engine that is not
// known.
func Of(engine string) []Flag {
	switch engine {
	case SGLang:
		return sglang()
	case VLLM:
		return vllm()
	}
	return nil
}

// Find looks a flag up by any of its names, dashes or underscores.
func Find(engine, name string) (Flag, bool) {
	name = Plain(name)
	for _, f := range Of(engine) {
		if slices.Contains(f.Names, name) {
			return f, true
		}
	}
	return Flag{}, false
}

// ForItem finds the flag that an item is written as.
func ForItem(engine, item string) (Flag, bool) {
	for _, f := range Of(engine) {
		if f.Item == item {
			return f, true
		}
	}
	return Flag{}, false
}

// Plain is a flag's name without leading dashes, its underscores as dashes.
func Plain(name string) string {
	return strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
}

// Quoted is said of numbers that a document has as texts.
const Quoted = "a number written as a text; read as the number"

// Read understands one value of the flag; false where it says nothing that the item can
// hold, with the reason in Why.
func (f Flag) Read(n *tree.Node) (Reading, bool) {
	r := Reading{Fidelity: f.Fidelity, Why: f.Why}
	switch f.Kind {
	case Size, Share:
		return f.number(n, r)
	case Word:
		return f.word(n, r)
	}
	if n.Kind == tree.Null || n.Kind == tree.String && n.Text == "" {
		n = tree.Flag(true)
	}
	if n.Kind != tree.Bool {
		return Reading{Why: "expected true or false"}, false
	}
	r.Value = spec.BoolValue((n.Text == "true") == (f.Kind == On))
	return r, true
}

func (f Flag) number(n *tree.Node, r Reading) (Reading, bool) {
	if n.Kind == tree.String {
		text := strings.TrimSpace(n.Text)
		if _, err := strconv.ParseFloat(text, 64); err != nil || strings.ContainsAny(text, "xXpPnN_") {
			return Reading{Why: "expected a number"}, false
		}
		n = tree.Num(strings.TrimPrefix(text, "+"))
		r.Why = join(r.Why, Quoted)
		r.Fidelity = worse(r.Fidelity, spec.FidelityApproximate)
	}
	if f.Kind == Size {
		whole, ok := n.Int()
		if !ok || whole < 1 {
			return Reading{Why: "expected a whole number from 1"}, false
		}
		r.Value = spec.IntValue(whole)
		return r, true
	}
	share, ok := n.Float()
	if !ok || share < 0 || share > 1 {
		return Reading{Why: "expected a number from 0 to 1"}, false
	}
	r.Value = spec.NumberValue(strconv.FormatFloat(share, 'f', -1, 64))
	return r, true
}

func (f Flag) word(n *tree.Node, r Reading) (Reading, bool) {
	if n.Kind != tree.String || n.Text == "" {
		return Reading{Why: "expected a word"}, false
	}
	if len(f.Values) == 0 {
		r.Value = spec.StringValue(n.Text)
		return r, true
	}
	for _, v := range f.Values {
		if v.Word != n.Text {
			continue
		}
		if v.Item != "" {
			r.Value = spec.StringValue(v.Item)
		}
		r.Fidelity, r.Why = worse(r.Fidelity, v.Fidelity), join(r.Why, v.Why)
		return r, true
	}
	return Reading{Why: f.Item + " has no word for " + strconv.Quote(n.Text)}, false
}

// DataParallel says which item an engine's data-parallel size is. Under data-parallel
// attention the ranks share one model: vLLM does so for every mixture of experts, SGLang
// where it is told to.
func DataParallel(engine string, moe, attention bool) (item string, f spec.Fidelity, why string) {
	if engine == VLLM && moe || engine == SGLang && attention {
		return spec.ItemAttentionDataParallel, spec.FidelityExact, ""
	}
	return spec.ItemReplicas, spec.FidelityApproximate, dpServers
}

// perRank says which flags count otherwise than their items under data-parallel attention:
// SGLang's sizes are of the whole server and the items of one rank, vLLM's limit of
// requests is of one rank and the item of the whole server.
func perRank(engine, item string) (ofServer, ofRank bool) {
	switch {
	case engine == SGLang && (item == spec.ItemTensorParallel || item == spec.ItemMaxBatchTokens):
		return true, false
	case engine == VLLM && item == spec.ItemMaxBatchSize:
		return false, true
	}
	return false, false
}

// ItemOf turns a flag's number into its item's under so many ranks of attention, 0
// where they vary; false where there is none.
func ItemOf(engine, item string, n, ranks int) (int, bool) {
	ofServer, ofRank := perRank(engine, item)
	return scaled(n, ranks, ofRank, ofServer)
}

// NumberOf is the way back.
func NumberOf(engine, item string, n, ranks int) (int, bool) {
	ofServer, ofRank := perRank(engine, item)
	return scaled(n, ranks, ofServer, ofRank)
}

// scaled multiplies or divides by the ranks, or leaves a number as it is.
func scaled(n, ranks int, up, down bool) (int, bool) {
	switch {
	case !up && !down:
		return n, true
	case ranks < 1:
		return 0, false
	case up:
		return n * ranks, true
	}
	return n / ranks, n%ranks == 0
}

// Write is the word that a value is written as; false where there is none.
func (f Flag) Write(v spec.Value) (*tree.Node, bool) {
	switch f.Kind {
	case On, Off:
		return tree.Flag(v.Bool() == (f.Kind == On)), true
	case Word:
		if len(f.Values) == 0 {
			return tree.Text(v.Text()), true
		}
		for _, pair := range f.Values {
			if pair.Item == v.Text() {
				return tree.Text(pair.Word), true
			}
		}
		return nil, false
	}
	return tree.FromValue(v), true
}

func worse(a, b spec.Fidelity) spec.Fidelity {
	if a == spec.FidelityUnsupported || b == spec.FidelityExact {
		return a
	}
	return b
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}

// VersionOf reads an engine's version from a tag such as v0.5.2-cu126; empty where there
// is none.
func VersionOf(tag string) string {
	m := regexp.MustCompile(`^v?(\d+(?:\.\d+)+(?:\.?(?:post|rc)\d+)?)(?:-.*)?$`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return m[1]
}
