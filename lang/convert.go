package lang

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"aicv/metric"
	"aicv/spec"
)

// plainValue checks a value against its row and makes it plain. The error says what is
// expected and what is there, without the value itself where that is sensitive.
func plainValue(row *spec.Attribute, v cty.Value, c conversion) (spec.Value, error) {
	v, marks := v.UnmarkDeep()
	c.hidden = len(marks) > 0
	if v.IsNull() {
		return spec.Value{}, nil
	}
	if row.Secret {
		return c.credential(v)
	}
	c.public = row.Public
	c.secrets = c.secrets && !row.Public
	out, err := c.typed(row, v)
	if err != nil {
		return spec.Value{}, err
	}
	return out, nil
}

// credential takes a reference to a secret and nothing else.
func (c conversion) credential(v cty.Value) (spec.Value, error) {
	if name, ok := secretOf(v); ok && c.secrets {
		return spec.SecretValue(name), nil
	}
	return spec.Value{}, &mismatch{expected: `a reference to an environment variable, because what a suite holds is stored`, unshown: true,
		suggestion: `Write env("NAME"), and export NAME where aicv runs.`}
}

// conversion is how values become plain in one place.
type conversion struct {
	secrets bool // references to secrets are taken
	quoted  bool // the source has it in quotes: a number in a template is meant as a text
	hidden  bool // the value must not be shown
	public  bool // every user of the host can read it
}

// mismatch is a value that does not fit its row.
type mismatch struct {
	expected   string
	got        string
	suggestion string
	unshown    bool // not even its line in the source may be shown
}

// Error writes both sides.
func (m *mismatch) Error() string {
	if m.got == "" {
		return "expected " + m.expected
	}
	return "expected " + m.expected + ", got " + m.got
}

// hide leaves the value out of the message.
func (m *mismatch) hide(sensitive bool) {
	if sensitive {
		m.got, m.suggestion = "", ""
	}
}

// expected makes a mismatch, with the value where it may be shown.
func (c conversion) expected(what string, v cty.Value) error {
	m := &mismatch{expected: what, got: typeName(v)}
	if _, secret := secretOf(v); secret && c.public {
		m.expected = "no secret: what it holds ends where others can read it, in the arguments of a process or the log of a tool"
		m.suggestion = "Give it where the block takes a reference, such as env or api_key."
	}
	if text, ok := describe(v); ok && !c.hidden && v.Type().IsPrimitiveType() && !v.IsNull() {
		m.got += ": " + text
	}
	return m
}

func (c conversion) typed(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	switch row.Type {
	case spec.TypeInt, spec.TypeNumber:
		return c.number(row, v)
	case spec.TypeBool:
		if v.Type() != cty.Bool {
			return spec.Value{}, c.expected("true or false", v)
		}
		return spec.BoolValue(v.True()), nil
	case spec.TypeDuration:
		return c.duration(v)
	case spec.TypeShare:
		return c.share(v)
	case spec.TypeSize:
		return c.size(v)
	case spec.TypeStringList, spec.TypeIntList, spec.TypeClaims:
		return c.list(row, v)
	case spec.TypeStringMap, spec.TypeMap:
		return c.object(row, v)
	case spec.TypeAny:
		return c.plain(v)
	case spec.TypeReference:
		return c.reference(row, v)
	}
	return c.text(row, v)
}

// text takes a string. A bare number is refused: written as a version, 0.10 would
// silently become 0.1.
func (c conversion) text(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	if name, ok := secretOf(v); ok && c.secrets {
		return spec.SecretValue(name), nil
	}
	if v.Type() == cty.Number && c.quoted {
		text, err := numberText(v.AsBigFloat())
		return spec.StringValue(text), err
	}
	if v.Type() != cty.String {
		err := c.expected("a string", v)
		if m := (*mismatch)(nil); errors.As(err, &m) && v.Type() == cty.Number {
			m.suggestion = "Write it in quotes" + suchAs(row) + "."
		}
		return spec.Value{}, err
	}
	return spec.StringValue(v.AsString()), c.allowed(row, v.AsString())
}

// suchAs shows how a text is written: a quantity with its unit, a version with its dots.
func suchAs(row *spec.Attribute) string {
	if row == nil || !strings.HasPrefix(row.Example, `"`) {
		return ""
	}
	return ", such as " + row.Example
}

func (c conversion) allowed(row *spec.Attribute, text string) error {
	if len(row.Allowed) == 0 || slices.Contains(row.Allowed, text) {
		return nil
	}
	m := &mismatch{expected: "one of " + listed(quotedAll(row.Allowed))}
	if !c.hidden {
		m.got = shorten(strconv.Quote(text))
		m.suggestion = didYouMean(text, row.Allowed)
	}
	return m
}

func quotedAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoted(n)
	}
	return out
}

func (c conversion) number(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	what := "a number"
	if row.Type == spec.TypeInt || row.Type == spec.TypeIntList {
		what = "a whole number"
	}
	if v.Type() != cty.Number || v.IsNull() {
		return spec.Value{}, c.expected(what, v)
	}
	f := v.AsBigFloat()
	if f.IsInf() {
		_, err := numberText(f)
		return spec.Value{}, err
	}
	if what == "a whole number" && !f.IsInt() {
		return spec.Value{}, c.expected(what, v)
	}
	if err := c.bounds(row, f, v); err != nil {
		return spec.Value{}, err
	}
	text, err := numberText(f)
	return spec.NumberValue(text), err
}

func (c conversion) bounds(row *spec.Attribute, f *big.Float, v cty.Value) error {
	if row.Min != nil && f.Cmp(big.NewFloat(*row.Min)) < 0 {
		return c.expected("at least "+floatText(*row.Min), v)
	}
	if row.Max != nil && f.Cmp(big.NewFloat(*row.Max)) > 0 {
		return c.expected("at most "+floatText(*row.Max), v)
	}
	return nil
}

func floatText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// largest bounds every number of the language: what is larger, or closer to zero than
// its inverse, is a slip, and would not fit the exact decimals of claims.
const largest = 1e15

// numberText writes a number as its exact decimal where that is short, else as the
// nearest float's.
func numberText(f *big.Float) (string, error) {
	if f.IsInf() {
		return "", &mismatch{expected: "a finite number", got: "the result of a division by zero"}
	}
	if n, accuracy := f.Int64(); accuracy == big.Exact && n <= largest && n >= -largest {
		return strconv.FormatInt(n, 10), nil
	}
	nearest, _ := f.Float64()
	if abs := math.Abs(nearest); abs > largest || abs < 1/largest || math.IsNaN(nearest) {
		return "", &mismatch{expected: "a number between 1e-15 and 1e15 in size, or 0"}
	}
	text := floatText(nearest)
	if same, _, err := big.ParseFloat(text, 10, f.Prec(), big.ToNearestEven); err == nil && same.Cmp(f) == 0 {
		return text, nil
	}
	if exact := f.Text('f', -1); len(exact) <= 20 {
		return exact, nil
	}
	return text, nil
}

func (c conversion) duration(v cty.Value) (spec.Value, error) {
	const what = `a duration such as "30s" or "5m"`
	if v.Type() != cty.String || v.IsNull() {
		return spec.Value{}, c.expected(what, v)
	}
	d, err := time.ParseDuration(v.AsString())
	if err != nil || d < 0 {
		return spec.Value{}, c.expected(what, v)
	}
	return spec.StringValue(v.AsString()), nil
}

// share takes "95%" or a number between 0 and 1, and gives the number.
func (c conversion) share(v cty.Value) (spec.Value, error) {
	const what = `a share such as "95%"`
	text := ""
	switch v.Type() {
	case cty.Number:
		text, _ = numberText(v.AsBigFloat())
	case cty.String:
		percent, ok := strings.CutSuffix(v.AsString(), "%")
		d, err := metric.ParseDecimal(percent)
		share, fits := d.Mul(metric.MustDecimal("0.01"))
		if ok && err == nil && fits {
			text = share.String()
		}
	}
	d, err := metric.ParseDecimal(text)
	if err != nil || d.Sign() < 0 || d.Float64() > 1 {
		return spec.Value{}, c.expected(what, v)
	}
	return spec.NumberValue(text), nil
}

func isSequence(v cty.Value) bool {
	t := v.Type()
	return t.IsTupleType() || t.IsListType() || t.IsSetType()
}

func (c conversion) list(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	element := func(e cty.Value) (spec.Value, error) {
		if row.Type == spec.TypeIntList {
			return c.number(row, e)
		}
		if e.IsNull() {
			return spec.Value{}, c.expected("a string", e)
		}
		return c.text(row, e)
	}
	if !isSequence(v) {
		if !row.Single {
			return spec.Value{}, c.expected("a list", v)
		}
		item, err := element(v)
		return spec.ListValue(item), err
	}
	items := make([]spec.Value, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		item, err := element(e)
		if err != nil {
			return spec.Value{}, fmt.Errorf("element %d: %w", len(items)+1, err)
		}
		items = append(items, item)
	}
	return spec.ListValue(items...), nil
}

func (c conversion) object(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		return spec.Value{}, c.expected("a map", v)
	}
	if _, ok := nodeOf(v); ok {
		return spec.Value{}, c.expected("a map", v)
	}
	var fields []spec.Field
	values := v.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		plain, err := c.field(row, values[name])
		if err != nil {
			return spec.Value{}, fmt.Errorf("%s: %w", strconv.Quote(name), err)
		}
		if !plain.IsNull() {
			fields = append(fields, spec.Field{Name: name, Value: plain})
		}
	}
	return spec.MapValue(fields...), nil
}

// field is one value of a map. In a map of strings numbers and flags are taken as
// their text: environment variables have no other types.
func (c conversion) field(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	if row.Type == spec.TypeMap || v.IsNull() {
		return c.plain(v)
	}
	switch v.Type() {
	case cty.Bool:
		return spec.StringValue(strconv.FormatBool(v.True())), nil
	case cty.Number:
		text, err := numberText(v.AsBigFloat())
		return spec.StringValue(text), err
	}
	return c.text(row, v)
}

// reference gives the address of the block that a provider's row refers to.
func (c conversion) reference(row *spec.Attribute, v cty.Value) (spec.Value, error) {
	n, ok := nodeOf(v)
	if !ok || n.root != row.Ref {
		return spec.Value{}, c.expected("a reference to a "+row.Ref, v)
	}
	return spec.StringValue(n.address()), nil
}

// plain makes any value plain.
func (c conversion) plain(v cty.Value) (spec.Value, error) {
	if name, ok := secretOf(v); ok && c.secrets {
		return spec.SecretValue(name), nil
	}
	if _, ok := nodeOf(v); ok {
		return spec.Value{}, c.expected("a plain value", v)
	}
	switch t := v.Type(); {
	case v.IsNull():
		return spec.Value{}, nil
	case t == cty.Bool:
		return spec.BoolValue(v.True()), nil
	case t == cty.String:
		return spec.StringValue(v.AsString()), nil
	case t == cty.Number:
		text, err := numberText(v.AsBigFloat())
		return spec.NumberValue(text), err
	case isSequence(v):
		return c.plainList(v)
	case t.IsObjectType() || t.IsMapType():
		return c.object(&spec.Attribute{Type: spec.TypeMap}, v)
	}
	return spec.Value{}, c.expected("a plain value", v)
}

func (c conversion) plainList(v cty.Value) (spec.Value, error) {
	items := make([]spec.Value, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		item, err := c.plain(e)
		if err != nil {
			return spec.Value{}, err
		}
		items = append(items, item)
	}
	return spec.ListValue(items...), nil
}
