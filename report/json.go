package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"aicv/result"
)

// JSON writes the whole result as one JSON document in the form of
// result.FormatVersion, followed by a newline. It is written cell by cell: ten
// thousand of them are 20 MB, which need not lie in memory at once.
func JSON(w io.Writer, r *result.Result) error {
	j := &jsonWriter{out: bufio.NewWriterSize(w, 64<<10)}
	j.encoder = json.NewEncoder(&j.buffer)
	j.encoder.SetEscapeHTML(false)
	j.document(r)
	j.write([]byte{'\n'})
	if j.err == nil {
		j.err = j.out.Flush()
	}
	if j.err != nil {
		return fmt.Errorf("write the JSON report: %w", j.err)
	}
	return nil
}

// jsonWriter keeps the first error; what follows it is not written.
type jsonWriter struct {
	out     *bufio.Writer
	buffer  bytes.Buffer
	encoder *json.Encoder // into the buffer
	err     error
}

func (j *jsonWriter) document(r *result.Result) {
	frame := *r
	frame.Experiments = r.Experiments[:0]
	list(j, &frame, "experiments", r.Experiments, (*jsonWriter).experiment)
}

func (j *jsonWriter) experiment(e *result.Experiment) {
	frame := *e
	frame.Cells = e.Cells[:0]
	list(j, &frame, "cells", e.Cells, func(j *jsonWriter, c *result.Cell) { j.write(j.encode(c)) })
}

// list writes a frame with the rows in the list that it has empty; a list that is nil
// stays null. The list's name with its quotes can not stand in a string: there the
// quotes are escaped.
func list[Row any](j *jsonWriter, frame any, name string, rows []Row, write func(*jsonWriter, *Row)) {
	opening := []byte(`"` + name + `":[`)
	before, after, found := bytes.Cut(bytes.Clone(j.encode(frame)), append(opening, ']'))
	j.write(before)
	if !found {
		return
	}
	j.write(opening)
	for i := range rows {
		if i > 0 {
			j.write([]byte{','})
		}
		write(j, &rows[i])
	}
	j.write([]byte{']'})
	j.write(after)
}

// encode gives the value's JSON, valid until the next call.
func (j *jsonWriter) encode(value any) []byte {
	j.buffer.Reset()
	if err := j.encoder.Encode(value); err != nil && j.err == nil {
		j.err = err
	}
	return bytes.TrimSuffix(j.buffer.Bytes(), []byte{'\n'})
}

func (j *jsonWriter) write(text []byte) {
	if j.err == nil {
		_, j.err = j.out.Write(text)
	}
}
