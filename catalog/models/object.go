package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"aicv/spec"
)

// Bounds on what a configuration may say. They are far above every real model and low
// enough that a hostile file costs little.
const (
	maxFile       = 32 << 20 // bytes; the largest real file seen has 3 MB
	maxLayers     = 1024
	maxSize       = 1 << 24 // of hidden and intermediate sizes, heads, experts, vocabulary
	maxContext    = 1 << 40
	maxParameters = 1e15
)

// usage is an error about what was asked for or given.
func usage(file, problem, fix string) error {
	if file != "" {
		problem = file + ": " + problem
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: printable(problem), Fix: fix}
}

// printable replaces what a terminal would obey, because files are foreign.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// quote shows a foreign text, shortened and safe to print.
func quote(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "..."
	}
	return fmt.Sprintf("%q", text)
}

// object reads the fields of one JSON object. The first problem sticks, and every later
// read gives a harmless value, so that callers check once at the end.
type object struct {
	file   string
	path   string // of the object inside the file: "text_config."
	fields map[string]json.RawMessage
	err    *error // shared by all objects of a file
}

// parseObject reads a whole file.
func parseObject(file string, content []byte) (object, error) {
	var err error
	o := object{file: file, err: &err}
	if len(content) > maxFile {
		return o, usage(file, fmt.Sprintf("the file has more than %d MiB, which no configuration has", maxFile>>20), "")
	}
	if decodeErr := json.Unmarshal(finite(content), &o.fields); decodeErr != nil {
		return o, usage(file, "this is no JSON object: "+shorten(decodeErr.Error()), "")
	}
	if o.fields == nil {
		return o, usage(file, "this is no JSON object: it is null", "")
	}
	return o, nil
}

func shorten(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// finite replaces the words NaN and Infinity, which Python writes and JSON does not know,
// by texts, so that a field that has one is refused only where it is read.
func finite(content []byte) []byte {
	if !bytes.Contains(content, []byte("Infinity")) && !bytes.Contains(content, []byte("NaN")) {
		return content
	}
	out := make([]byte, 0, len(content)+64)
	inText := false
	for i := 0; i < len(content); i++ {
		c := content[i]
		switch {
		case inText && c == '\\' && i+1 < len(content):
			out = append(out, c, content[i+1])
			i++
			continue
		case c == '"':
			inText = !inText
		case !inText:
			if word := nonFinite(content[i:]); word != "" {
				out = append(out, '"')
				out = append(out, word...)
				out = append(out, '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func nonFinite(rest []byte) string {
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return word
		}
	}
	return ""
}

// fail keeps the first problem.
func (o object) fail(field, format string, args ...any) {
	if *o.err == nil {
		*o.err = usage(o.file, o.path+field+" "+fmt.Sprintf(format, args...), "")
	}
}

// failed reports whether a problem was met.
func (o object) failed() bool { return *o.err != nil }

// has reports a field that is there and not null.
func (o object) has(field string) bool {
	raw, found := o.fields[field]
	return found && string(raw) != "null"
}

// first finds the first of several spellings that is there; the last where none is.
func (o object) first(fields ...string) string {
	for _, f := range fields {
		if o.has(f) {
			return f
		}
	}
	return fields[len(fields)-1]
}

// whole reads a whole number from low to high; absent where the field is not there.
func (o object) whole(field string, low, high, absent int64) int64 {
	if !o.has(field) {
		return absent
	}
	n, ok := wholeNumber(o.fields[field])
	if !ok || n < low || n > high {
		o.fail(field, "is %s; it must be a whole number from %d to %d", shown(o.fields[field]), low, high)
		return max(low, 1)
	}
	return n
}

// size reads a size that must be there; several fields are spellings of it.
func (o object) size(fields ...string) int64 {
	field := o.first(fields...)
	if !o.has(field) {
		o.fail(strings.Join(fields, " or "), "is missing")
		return 1
	}
	return o.whole(field, 1, maxSize, 1)
}

// sizeOr reads a size that may be left out.
func (o object) sizeOr(absent int64, fields ...string) int64 {
	return o.whole(o.first(fields...), 1, maxSize, absent)
}

// count reads a number that may be 0 and may be left out.
func (o object) count(fields ...string) int64 { return o.whole(o.first(fields...), 0, maxSize, 0) }

// wholeNumber reads 4096, 4096.0 and 4.096e3.
func wholeNumber(raw json.RawMessage) (int64, bool) {
	var n json.Number
	if len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// shown is a field's value in a message.
func shown(raw json.RawMessage) string {
	const most = 40
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "?") + "..."
	}
	return strings.Join(strings.Fields(string(raw)), " ")
}

// text reads a text; empty where the field is not there.
func (o object) text(field string) string {
	if !o.has(field) {
		return ""
	}
	var s string
	if json.Unmarshal(o.fields[field], &s) != nil {
		o.fail(field, "is %s; it must be a text", shown(o.fields[field]))
	}
	return s
}

// flag reads a truth value.
func (o object) flag(field string, absent bool) bool {
	if !o.has(field) {
		return absent
	}
	var b bool
	if json.Unmarshal(o.fields[field], &b) != nil {
		o.fail(field, "is %s; it must be true or false", shown(o.fields[field]))
	}
	return b
}

// object reads a nested object; empty where the field is not there.
func (o object) object(field string) object {
	inner := object{file: o.file, path: o.path + field + ".", err: o.err}
	if !o.has(field) {
		return inner
	}
	if json.Unmarshal(o.fields[field], &inner.fields) != nil {
		o.fail(field, "is %s; it must be an object", shown(o.fields[field]))
	}
	return inner
}

// list reads a list; nil where the field is not there.
func (o object) list(field string) []json.RawMessage {
	if !o.has(field) {
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(o.fields[field], &items) != nil {
		o.fail(field, "is %s; it must be a list", shown(o.fields[field]))
	}
	return items
}

// texts reads a list of texts.
func (o object) texts(field string) []string {
	items := o.list(field)
	if items == nil {
		return nil
	}
	out := make([]string, len(items))
	for i, raw := range items {
		if json.Unmarshal(raw, &out[i]) != nil || raw[0] != '"' {
			o.fail(fmt.Sprintf("%s[%d]", field, i), "is %s; it must be a text", shown(raw))
			return nil
		}
	}
	return out
}

// wholes reads a list of whole numbers from low to high.
func (o object) wholes(field string, low, high int64) []int64 {
	items := o.list(field)
	out := make([]int64, len(items))
	for i, raw := range items {
		n, ok := wholeNumber(raw)
		if !ok || n < low || n > high {
			o.fail(fmt.Sprintf("%s[%d]", field, i), "is %s; it must be a whole number from %d to %d", shown(raw), low, high)
			return nil
		}
		out[i] = n
	}
	return out
}

// objects reads a list of objects.
func (o object) objects(field string) []object {
	items := o.list(field)
	out := make([]object, len(items))
	for i, raw := range items {
		name := fmt.Sprintf("%s[%d]", field, i)
		out[i] = object{file: o.file, path: o.path + name + ".", err: o.err}
		if json.Unmarshal(raw, &out[i].fields) != nil {
			o.fail(name, "is %s; it must be an object", shown(raw))
			return nil
		}
	}
	return out
}

// members lists an object's fields as objects, sorted by name.
func (o object) members(field string) (names []string, values []object) {
	inner := o.object(field)
	for name := range inner.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values = append(values, inner.object(name))
	}
	return names, values
}

// number reads a number that must be there.
func (o object) number(field string, low, high float64) float64 {
	var x float64
	if raw := o.fields[field]; len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &x) != nil || x < low || x > high {
		o.fail(field, "is %s; it must be a number from %g to %g", orMissing(raw), low, high)
		return low
	}
	return x
}

func orMissing(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	return shown(raw)
}

// indices reads layer indices, as a list or as a text with commas.
func (o object) indices(field string) []int64 {
	if raw := o.fields[field]; len(raw) == 0 || raw[0] != '"' {
		return o.wholes(field, 0, maxLayers)
	}
	var out []int64
	for part := range strings.SplitSeq(o.text(field), ",") {
		i, ok := wholeNumber(json.RawMessage(strings.TrimSpace(part)))
		if !ok || i < 0 || i > maxLayers {
			o.fail(field, "has %s; it must list layers from 0 to %d", quote(part), maxLayers)
			return nil
		}
		out = append(out, i)
	}
	return out
}
