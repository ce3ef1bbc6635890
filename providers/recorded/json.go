package recorded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aicv/spec"
)

// jsonReader reads an array of flat objects token by token, so that every error has
// its line and a key that stands twice is seen.
type jsonReader struct {
	table   *table
	content []byte
	decoder *json.Decoder
	index   map[string]int // column -> position
	counted int            // bytes whose lines are counted
	lines   int
}

func (t *table) readJSON(content []byte) error {
	r := &jsonReader{table: t, content: content, decoder: json.NewDecoder(bytes.NewReader(content)), index: map[string]int{}, lines: 1}
	r.decoder.UseNumber()
	return r.readArray()
}

func (r *jsonReader) readArray() error {
	token, err := r.token()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return r.fail("the file must be an array of objects")
	}
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			if err := r.readObject(); err != nil {
				return err
			}
		case json.Delim(']'):
			return r.readEnd()
		default:
			return r.fail("the array must hold objects only")
		}
	}
}

func (r *jsonReader) readEnd() error {
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return r.fail("there is something behind the end of the array")
	}
	return nil
}

func (r *jsonReader) readObject() error {
	line := r.line()
	var cells []string
	var set []bool
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		if token == json.Delim('}') {
			return r.table.add(line, cells)
		}
		name, _ := token.(string) // the decoder accepts nothing else as a key
		at, err := r.position(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		for len(cells) <= at {
			cells, set = append(cells, ""), append(set, false)
		}
		if set[at] {
			return r.fail(fmt.Sprintf("the object has the key %q twice", name))
		}
		set[at] = true
		if cells[at], err = r.scalar(name); err != nil {
			return err
		}
	}
}

// position finds a column, or adds it.
func (r *jsonReader) position(column string) (int, error) {
	at, known := r.index[column]
	if known {
		return at, nil
	}
	at = len(r.table.columns)
	if at == maxColumns {
		return 0, r.fail(fmt.Sprintf("there are more than %d different keys", maxColumns))
	}
	r.index[column] = at
	r.table.columns = append(r.table.columns, column)
	return at, nil
}

func (r *jsonReader) scalar(key string) (string, error) {
	token, err := r.token()
	if err != nil {
		return "", err
	}
	switch x := token.(type) {
	case string:
		return strings.TrimSpace(x), nil
	case json.Number:
		return x.String(), nil
	case bool:
		return strconv.FormatBool(x), nil
	case nil:
		return "", nil
	}
	return "", r.fail(fmt.Sprintf("the value of %q is nested; only text, numbers, true, false and null are read", key))
}

func (r *jsonReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, r.fail("the file ends in the middle: it looks half-written")
	}
	if err != nil {
		return nil, r.fail("it is not JSON: " + err.Error())
	}
	return token, nil
}

// line is the line of the last token. Lines are counted forwards only.
func (r *jsonReader) line() int {
	at := min(int(r.decoder.InputOffset()), len(r.content))
	if at > r.counted {
		r.lines += bytes.Count(r.content[r.counted:at], []byte{'\n'})
		r.counted = at
	}
	return r.lines
}

func (r *jsonReader) fail(what string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s:%d: %s", r.table.name, r.line(), what),
		Fix: `write the points as [{"column": value, ...}, ...]`}
}
