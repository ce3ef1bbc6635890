package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// decode reads JSON as Python's json module writes it, where NaN and Infinity are bare
// words: they become null, so that they count as missing.
func decode(data []byte, into any) error {
	plain := finite(data)
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("it is no JSON of this kind: %w", err)
	}
	return once(plain)
}

// once refuses documents in which an object has a key twice: encoding/json would take the
// last and say nothing, and nobody knows which of them is meant.
func once(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var open []*level
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
		if open, err = step(open, token); err != nil {
			return err
		}
	}
}

// level is an object or a list that is being read.
type level struct {
	keys map[string]bool // nil: a list
	key  bool            // the next token of an object is a key
}

// step takes one token of a document.
func step(open []*level, token json.Token) ([]*level, error) {
	top := &level{}
	if len(open) > 0 {
		top = open[len(open)-1]
	}
	if name, text := token.(string); text && top.keys != nil && top.key {
		if top.keys[name] {
			return nil, fmt.Errorf("it has the key %q twice in one object: which of the two holds is not known", bounded(name))
		}
		top.keys[name], top.key = true, false
		return open, nil
	}
	if token == json.Delim('}') || token == json.Delim(']') {
		return open[:len(open)-1], nil
	}
	top.key = true // behind a value comes a key
	switch token {
	case json.Delim('{'):
		open = append(open, &level{keys: map[string]bool{}, key: true})
	case json.Delim('['):
		open = append(open, &level{})
	}
	return open, nil
}

// finite replaces NaN, Infinity and -Infinity outside of strings by null. The input is
// returned as it is where it has none.
func finite(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case quoted && c == '\\' && i+1 < len(data):
			out = append(out, c, data[i+1])
			i += 2
			continue
		case c == '"':
			quoted = !quoted
		case !quoted:
			if n := nonFinite(data[i:]); n > 0 {
				out = append(out, "null"...)
				i += n
				continue
			}
		}
		out = append(out, data[i])
		i++
	}
	return out
}

// nonFinite is the length of the word at the beginning that stands for no number.
func nonFinite(text []byte) int {
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
