package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// object is one JSON object of a foreign document.
type object map[string]json.RawMessage

// at finds what a path of names joined by dots leads to; nil where it leads nowhere. A
// name with [] is a list of one object, one with [x=y] a list of which the only object
// whose x is y counts.
func (o object) at(path string) json.RawMessage {
	name, rest, deeper := strings.Cut(path, ".")
	name, among, listed := strings.Cut(name, "[")
	raw := o[name]
	if !deeper || raw == nil {
		return raw
	}
	var inner object
	if listed {
		inner = only(raw, strings.TrimSuffix(among, "]"))
	} else if json.Unmarshal(raw, &inner) != nil {
		return nil
	}
	return inner.at(rest)
}

// only is the one object of a list that has a value (x=y); nil where there is none or
// several.
func only(raw json.RawMessage, value string) object {
	var list []object
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	name, want, _ := strings.Cut(value, "=")
	list = slices.DeleteFunc(list, func(o object) bool { return o.text(name) != want })
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

// number reads a number, or a text that is one; false where there is none.
func (o object) number(path string) (float64, bool) {
	text := string(o.at(path))
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && n-n == 0 // neither NaN nor infinite
}

// text reads a string, a number as it stands, or the only text of a list; empty where
// there is none.
func (o object) text(path string) string {
	raw := o.at(path)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if _, ok := o.number(path); ok {
		return string(raw)
	}
	var only []string
	if json.Unmarshal(raw, &only) == nil && len(only) == 1 {
		return only[0]
	}
	return ""
}

// first reads the first of several paths that holds a text.
func (o object) first(paths []string) string {
	for _, p := range paths {
		if t := o.text(p); t != "" {
			return t
		}
	}
	return ""
}

// firstNumber reads the first of several paths that holds a number.
func (o object) firstNumber(paths []string) (float64, bool) {
	for _, p := range paths {
		if n, ok := o.number(p); ok {
			return n, true
		}
	}
	return 0, false
}

// same reports whether all numbers of a list are one number; true of nothing.
func (o object) same(path string) bool {
	var list []float64
	if json.Unmarshal(o.at(path), &list) != nil {
		return true
	}
	return !slices.ContainsFunc(list, func(n float64) bool { return n != list[0] })
}

// maxRecords bounds what one file may hold.
const maxRecords = 100_000

// objects reads a document: one object, a list of them, several one behind the other
// (JSON lines), or a list inside an object.
func objects(data []byte, list string) ([]object, error) {
	plain := finite(data)
	if err := once(plain); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	var all []object
	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		found, err := unpacked(raw, list)
		if err != nil {
			return nil, err
		}
		if all = append(all, found...); len(all) > maxRecords {
			return nil, fmt.Errorf("it holds more than %d results", maxRecords)
		}
	}
	return all, nil
}

func unpacked(raw json.RawMessage, list string) ([]object, error) {
	var many []object
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	var one object
	if err := json.Unmarshal(raw, &one); err != nil {
		return nil, fmt.Errorf("it holds something that is no object: %w", err)
	}
	inner := one.at(list)
	if list == "" || inner == nil {
		return []object{one}, nil
	}
	if err := json.Unmarshal(inner, &many); err != nil {
		return nil, fmt.Errorf("its %s is no list of objects: %w", list, err)
	}
	for _, each := range many { // what tool wrote it stands once, beside the list
		if each != nil && each["metadata"] == nil && one["metadata"] != nil {
			each["metadata"] = one["metadata"]
		}
	}
	return many, nil
}
