package engine

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Bounds of what is read from a line of a log, in bytes.
const (
	longestArguments = 64 << 10
	longestWord      = 80 // a value that is a text
)

// Arguments are the values of the names that were asked for, as an engine's log has them:
// in the notation of Python.
type Arguments map[string]string

// ReadArguments reads `name=value, name=value` and `{'name': value, ...}` up to the end of
// the line or the closing bracket. Values may nest: what is in them is theirs. Nothing is
// kept but the names that are asked for, since the others may hold keys; nor a value that
// is not followed by anything, which may be cut off.
func ReadArguments(text string, names ...string) Arguments {
	text, _, _ = strings.Cut(text[:min(len(text), longestArguments)], "\n")
	text = strings.TrimLeft(text, " {(")
	found := Arguments{}
	for text != "" {
		end := strings.IndexAny(text, "=:")
		if end < 0 {
			break
		}
		name := strings.Trim(text[:end], " '\"")
		text = text[end+1:]
		end = valueEnd(text)
		if end == len(text) {
			break
		}
		for _, wanted := range names {
			if _, twice := found[name]; name == wanted && !twice {
				found[name] = strings.TrimSpace(text[:end])
			}
		}
		if text[end] != ',' {
			break // the closing bracket
		}
		text = text[end+1:]
	}
	return found
}

// valueEnd is where a value ends: at the comma or the closing bracket that belong to what
// is around it; the length of the text where there is none.
func valueEnd(text string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case quote != 0:
			if b == '\\' {
				i++
			} else if b == quote {
				quote = 0
			}
		case b == '\'' || b == '"':
			quote = b
		case strings.IndexByte("([{", b) >= 0:
			depth++
		case depth == 0 && strings.IndexByte(",)]}", b) >= 0:
			return i
		case strings.IndexByte(")]}", b) >= 0:
			depth--
		}
	}
	return len(text)
}

// Inside are the arguments of a nested value: of Config(a=1) and of {'a': 1}.
func (a Arguments) Inside(name string, names ...string) Arguments {
	value := a[name]
	from := strings.IndexAny(value, "({")
	if from < 0 {
		return Arguments{}
	}
	return ReadArguments(value[from+1:], names...)
}

// Fields are single values of a JSON object, to be put together.
type Fields map[string]json.RawMessage

// Put takes a value under a field's name: None as null, numbers, True, False and texts,
// and of <Mode.FULL: 2> the name FULL. What is nested, and what is not there, is left out.
func (f Fields) Put(name string, a Arguments, argument string) {
	value, there := a[argument]
	if !there || value == "" {
		return
	}
	if raw := encoded(value); raw != nil {
		f[name] = raw
	}
}

func encoded(value string) json.RawMessage {
	switch value {
	case "None":
		return json.RawMessage("null")
	case "True":
		return json.RawMessage("true")
	case "False":
		return json.RawMessage("false")
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil && json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	switch value[0] {
	case '(', '[', '{':
		return nil
	case '<':
		value, _, _ = strings.Cut(value, ":")
		value = value[strings.LastIndexByte(value, '.')+1:]
	case '\'', '"':
		value = strings.Trim(value, value[:1])
	}
	if len(value) > longestWord || strings.ContainsAny(value, `()[]{}<>'"\`) {
		return nil // an expression, or no word
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return raw
}

// Answer is the object of the fields.
func (f Fields) Answer() Answer {
	raw, err := json.Marshal(f)
	if err != nil {
		return Answer{}
	}
	return Answer{raw}
}

// Within puts the object of the fields into another's field; without fields it does nothing.
func (f Fields) Within(outer Fields, name string) {
	if len(f) > 0 {
		outer[name] = f.Answer().raw
	}
}
