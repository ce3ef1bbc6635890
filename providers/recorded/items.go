package recorded

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// The items of a point that are no items of the configuration.
const (
	itemModel          = "model"
	itemSystem         = "system"
	itemRuntime        = "runtime"
	itemRuntimeVersion = "runtime_version"
	itemConcurrency    = "concurrency"
	itemRequestRate    = "request_rate"
	itemInputTokens    = "input_tokens"
	itemOutputTokens   = "output_tokens"
)

// maxCount bounds whole numbers of items; more is a broken file.
const maxCount = 1_000_000_000

// item is one thing that a point says and that a column may hold.
type item struct {
	name     string
	typ      spec.Type
	least    int  // of whole numbers
	identity bool // names what was measured, in place of how it was set up or driven
	size     bool // counts GPUs; 1 where it is not set
}

// items lists everything that can be matched, identity first, then load, then
// configuration.
func items() []item {
	all := []item{
		{name: itemModel, typ: spec.TypeString, identity: true},
		{name: itemSystem, typ: spec.TypeString, identity: true},
		{name: itemRuntime, typ: spec.TypeString, identity: true},
		{name: itemRuntimeVersion, typ: spec.TypeString, identity: true},
		{name: itemConcurrency, typ: spec.TypeInt, least: 1},
		{name: itemRequestRate, typ: spec.TypeNumber},
		{name: itemInputTokens, typ: spec.TypeInt, least: 1},
		{name: itemOutputTokens, typ: spec.TypeInt, least: 1},
	}
	for _, row := range spec.ConfigurationItems() {
		x := item{name: row.Name, typ: row.Type}
		if row.Min != nil {
			x.least = int(*row.Min)
		}
		switch row.Name {
		case spec.ItemReplicas, spec.ItemTensorParallel, spec.ItemPipelineParallel, spec.ItemAttentionDataParallel:
			x.size = true
		}
		all = append(all, x)
	}
	return all
}

func findItem(name string) (item, bool) {
	for _, x := range items() {
		if x.name == name {
			return x, true
		}
	}
	return item{}, false
}

func itemNames() []string {
	var names []string
	for _, x := range items() {
		names = append(names, x.name)
	}
	return names
}

// configured reports whether the item is one of the configuration's.
func (x item) configured() bool {
	return !x.identity && x.name != itemConcurrency && x.name != itemRequestRate &&
		x.name != itemInputTokens && x.name != itemOutputTokens
}

// canonical brings a cell's text into the form in which values are compared; empty
// stays empty.
func (x item) canonical(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	switch x.typ {
	case spec.TypeInt:
		return x.canonicalCount(text)
	case spec.TypeNumber:
		number, err := metric.ParseDecimal(text)
		if err != nil || number.Sign() < 0 {
			return "", fmt.Errorf("%s is %q, want a number of 0 or more", x.name, text)
		}
		return number.String(), nil
	case spec.TypeBool:
		if lower := strings.ToLower(text); lower == "true" || lower == "false" {
			return lower, nil
		}
		return "", fmt.Errorf("%s is %q, want true or false", x.name, text)
	}
	return text, nil
}

// canonicalCount accepts 8 and 8.0, as table tools write whole numbers.
func (x item) canonicalCount(text string) (string, error) {
	n, whole := wholeNumber(text)
	if !whole || n < x.least {
		return "", fmt.Errorf("%s is %q, want a whole number of %d or more", x.name, text, x.least)
	}
	if n > maxCount {
		return "", fmt.Errorf("%s is %q, which is too large to be real", x.name, text)
	}
	return strconv.Itoa(n), nil
}

func wholeNumber(text string) (int, bool) {
	number, err := metric.ParseDecimal(text)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(number.String())
	return n, err == nil
}

// keyed is the form in keys: sizes of 1 and sizes that are not set are the same.
func (x item) keyed(canonical string) string {
	if x.size && canonical == "1" {
		return ""
	}
	return canonical
}

// value turns canonical text back into a typed value.
func (x item) value(canonical string) spec.Value {
	switch x.typ {
	case spec.TypeInt, spec.TypeNumber:
		return spec.NumberValue(canonical)
	case spec.TypeBool:
		return spec.BoolValue(canonical == "true")
	}
	return spec.StringValue(canonical)
}

// of reads the item from a point, in canonical form; empty where it is not set.
func (x item) of(p *spec.Point) string {
	switch x.name {
	case itemModel:
		return p.ModelID
	case itemSystem:
		return p.System
	case itemRuntime:
		return p.Runtime
	case itemRuntimeVersion:
		return p.RuntimeVersion
	case itemConcurrency:
		return count(p.Load.Concurrency)
	case itemInputTokens:
		return count(p.Load.InputTokens)
	case itemOutputTokens:
		return count(p.Load.OutputTokens)
	case itemRequestRate:
		if p.Load.RequestRate.Sign() == 0 {
			return ""
		}
		return p.Load.RequestRate.String()
	}
	return x.ofSetting(p.Config.Get(x.name))
}

// ofSetting is the canonical text of a configuration's value. Numbers may be written
// in several ways (0.90 and 0.9), so they are read once more.
func (x item) ofSetting(v spec.Value) string {
	if x.typ != spec.TypeNumber || v.IsNull() {
		return v.Text()
	}
	number, err := v.Decimal()
	if err != nil {
		return v.Text()
	}
	return number.String()
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// put writes the item into a point.
func (x item) put(p *spec.Point, canonical string) error {
	if canonical == "" {
		return nil
	}
	switch x.name {
	case itemModel:
		p.ModelID = canonical
	case itemSystem:
		p.System = canonical
	case itemRuntime:
		p.Runtime = canonical
	case itemRuntimeVersion:
		p.RuntimeVersion = canonical
	case itemRequestRate:
		rate, err := metric.ParseDecimal(canonical)
		p.Load.RequestRate = rate
		return err
	case itemConcurrency, itemInputTokens, itemOutputTokens:
		return x.putCount(p, canonical)
	default:
		p.Config = p.Config.With(x.name, x.value(canonical))
	}
	return nil
}

func (x item) putCount(p *spec.Point, canonical string) error {
	n, err := strconv.Atoi(canonical)
	if err != nil {
		return errors.New(x.name + " is no whole number")
	}
	switch x.name {
	case itemConcurrency:
		p.Load.Concurrency = n
	case itemInputTokens:
		p.Load.InputTokens = n
	default:
		p.Load.OutputTokens = n
	}
	return nil
}
