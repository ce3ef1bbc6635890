package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aicv/spec"
)

// Answer reads single fields of a JSON answer. Answers of engines may hold their whole
// environment, secrets included: nothing but the fields asked for is ever looked at.
type Answer struct{ raw json.RawMessage }

// ReadAnswer takes a JSON object.
func ReadAnswer(body []byte) (Answer, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil {
		return Answer{}, fmt.Errorf("the answer is no JSON object: %w", withoutContent(err))
	}
	return Answer{body}, nil
}

// withoutContent keeps a decoder's error from quoting the answer.
func withoutContent(err error) error {
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return fmt.Errorf("syntax error at byte %d", s.Offset)
	}
	return errors.New("it has another form")
}

// Object is a nested object, by path; one that is not there answers nothing. A number in
// the path is an index of a list: "internal_states.0".
func (a Answer) Object(path string) Answer { return Answer{a.find(path)} }

func (a Answer) find(path string) json.RawMessage {
	raw := a.raw
	for name := range strings.SplitSeq(path, ".") {
		if i, err := strconv.Atoi(name); err == nil {
			var list []json.RawMessage
			if json.Unmarshal(raw, &list) != nil || i >= len(list) {
				return nil
			}
			raw = list[i]
			continue
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		raw = object[name]
	}
	return raw
}

// There reports whether the field is there, be it null.
func (a Answer) There(path string) bool { return len(a.find(path)) > 0 }

// Value is a field that is a number, a text or a switch; Null for anything else.
func (a Answer) Value(path string) spec.Value {
	raw := a.find(path)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return spec.Value{}
	}
	var v spec.Value
	if json.Unmarshal(raw, &v) != nil {
		return spec.Value{}
	}
	return v
}

// Int is a whole number; false where the field is none.
func (a Answer) Int(path string) (int, bool) { return a.Value(path).Int() }

// Text is a field's text; empty where it has none.
func (a Answer) Text(path string) string { return a.Value(path).Text() }

// Bool is a switch; false in the second place where the field is none.
func (a Answer) Bool(path string) (on, known bool) {
	v := a.Value(path)
	return v.Bool(), v.Kind() == spec.Bool
}

// Report collects what an engine reports.
type Report struct{ Configuration spec.Configuration }

// Set takes a value that is not Null.
func (r *Report) Set(item string, v spec.Value) {
	if !v.IsNull() && v.Text() != "" {
		r.Configuration = r.Configuration.With(item, v)
	}
}

// Int takes a number if it is known.
func (r *Report) Int(item string, n int, known bool) {
	if known {
		r.Set(item, spec.IntValue(n))
	}
}

// Bool takes a switch if it is known.
func (r *Report) Bool(item string, on, known bool) {
	if known {
		r.Set(item, spec.BoolValue(on))
	}
}

// Text takes a text that is not empty.
func (r *Report) Text(item, text string) {
	if text != "" {
		r.Set(item, spec.StringValue(text))
	}
}

// DType is a data type in the vocabulary of items: bfloat16 of torch.bfloat16; empty for
// auto and for none.
func DType(text string) string {
	switch text = strings.TrimPrefix(strings.ToLower(text), "torch."); text {
	case "auto", "none":
		return ""
	case "half":
		return "float16"
	case "bf16":
		return "bfloat16"
	case "float":
		return "float32"
	}
	return text
}
