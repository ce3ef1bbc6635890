package lang

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"aicv/catalog/hardware"
	"aicv/spec"
)

// hardware makes a pool of GPUs. The memory of a system that the registry knows is
// known; another system is taken as it is, and its memory is what the block says.
func (l *loader) hardware(n *node, d decoded) *spec.Hardware {
	h := &spec.Hardware{Name: n.name(), System: d.attrs.Text("system"), GPUs: d.attrs.Int("gpus"), Range: n.at}
	bytes, _ := d.attrs["memory"].Float()
	h.Memory = int64(bytes)
	s, known := hardware.Lookup(h.System)
	hidden := n.hidden || d.raw["system"].ContainsMarked() || d.raw["memory"].ContainsMarked()
	switch {
	case known && h.Memory > 0:
		l.report(memoryKnown(l.at(n.block.attrs["memory"].Expr), s, hidden))
	case known:
		h.Memory = s.Usable()
	case h.Memory == 0:
		l.report(unknownSystem(l.at(n.block.attrs["system"].Expr), h.System, hidden))
	}
	return h
}

// memoryKnown refuses a second opinion on a known system: with other memory it is another
// system, and predictions would be for GPUs that are not there.
func memoryKnown(at spec.Range, s hardware.System, hidden bool) spec.Diagnostic {
	d := problem(at, "The memory of this system is known", "Only for a system that aicv does not know it can be declared.")
	if !hidden {
		d.Detail = "A GPU of " + s.Name + " has " + strconv.FormatInt(s.Usable()>>20, 10) + " MiB. GPUs with other memory are another system."
	}
	d.Suggestion = "Remove the attribute."
	return d
}

// unknownSystem warns: the predictor of a team may know what the registry does not. Who
// declares the memory means it.
func unknownSystem(at spec.Range, name string, hidden bool) spec.Diagnostic {
	d := warning(at, "Unknown system", "aiconfigurator "+hardware.ToolVersion+" has no such system. If another predictor has, declare the memory of its GPUs too: "+
		"without it nobody can say what fits.")
	if hidden {
		return d
	}
	d.Summary += " " + quoted(shorten(name))
	d.Suggestion = didYouMean(name, hardware.Names())
	if likely := hardware.Guess(name); len(likely) > 0 {
		d.Suggestion = "Did you mean " + strings.Join(quotedAll(likely), " or ") + "?"
	}
	if d.Suggestion == "" {
		d.Suggestion = "aicv hardware list shows the systems that there are."
	}
	return d
}

// size takes "80GiB" or "80GB", and gives the number of bytes.
func (c conversion) size(v cty.Value) (spec.Value, error) {
	const what = `a size such as "80GiB"`
	if v.Type() != cty.String || v.IsNull() {
		return spec.Value{}, c.expected(what, v)
	}
	m := regexp.MustCompile(`^([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([KMGT]?)(i?)B$`).FindStringSubmatch(v.AsString())
	if m == nil || m[2] == "" && m[3] != "" {
		return spec.Value{}, c.expected(what, v)
	}
	number, _ := strconv.ParseFloat(m[1], 64) // the pattern has made sure that it is one
	step := map[string]float64{"": 1000, "i": 1024}[m[3]]
	power := map[string]float64{"": 0, "K": 1, "M": 2, "G": 3, "T": 4}[m[2]]
	bytes := math.Round(number * math.Pow(step, power))
	if bytes < 1 || bytes > largest {
		return spec.Value{}, c.expected("a size between 1 byte and 900 TiB", v)
	}
	return spec.NumberValue(strconv.FormatFloat(bytes, 'f', 0, 64)), nil
}
