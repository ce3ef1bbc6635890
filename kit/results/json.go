package results

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// decode reads JSON as Python's json module writes it, where NaN and Infinity are bare
// words: they become null, so that they count as missing.
func decode(data []byte, into any) error {
	if err := json.Unmarshal(finite(data), into); err != nil {
		return fmt.Errorf("it is no JSON of this kind: %w", err)
	}
	return nil
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
