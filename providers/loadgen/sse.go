package loadgen

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// maxLine bounds a line and an event of a stream, in bytes.
const maxLine = 1 << 20

// errLongLine says that a server sent a line or an event beyond all measure.
var errLongLine = errors.New("a line of the event stream is longer than 1 MiB")

// eventReader reads server-sent events: it keeps the data and drops comments and
// other fields. Lines end with LF, CRLF or CR.
type eventReader struct {
	source io.Reader
	now    func() time.Duration
	buffer []byte        // lines that were read and not yet taken
	taken  int           // bytes of buffer that are used up
	stamp  time.Duration // of the last read
	skipLF bool          // the last line ended with CR
	begun  bool          // a first line was seen: no byte order mark any more
	failed error         // of the source
	data   []byte        // of the event in the making
}

func newEventReader(source io.Reader, now func() time.Duration) *eventReader {
	return &eventReader{source: source, now: now, buffer: make([]byte, 0, 4096)}
}

// next returns the data of the next event and the time at which it had arrived. The
// data is valid until the next call. The error is io.EOF at the end of the stream;
// an event without its closing blank line is dropped, as the format demands.
func (r *eventReader) next() ([]byte, time.Duration, error) {
	r.data = r.data[:0]
	var arrived time.Duration
	some := false
	for {
		line, err := r.line()
		if err != nil {
			return nil, 0, err
		}
		if len(line) == 0 {
			if some {
				return r.data, arrived, nil
			}
			continue
		}
		value, ok := dataOf(line)
		if !ok {
			continue
		}
		if some {
			r.data = append(r.data, '\n')
		}
		r.data = append(r.data, value...)
		if len(r.data) > maxLine {
			return nil, 0, errLongLine
		}
		some, arrived = true, r.stamp
	}
}

// dataOf returns the value of a data field.
func dataOf(line []byte) ([]byte, bool) {
	value, ok := bytes.CutPrefix(line, []byte("data"))
	if !ok {
		return nil, false
	}
	if len(value) == 0 {
		return value, true
	}
	if value[0] != ':' {
		return nil, false
	}
	return bytes.TrimPrefix(value[1:], []byte(" ")), true
}

// line returns the next line without its end.
func (r *eventReader) line() ([]byte, error) {
	searched := 0
	for {
		if line, ok := r.cut(searched); ok {
			return line, nil
		}
		if r.failed != nil {
			return nil, r.failed
		}
		searched = len(r.buffer) - r.taken
		if searched > maxLine {
			return nil, errLongLine
		}
		r.fill()
	}
}

// cut takes a line out of the buffer; the first searched bytes hold no line end.
func (r *eventReader) cut(searched int) ([]byte, bool) {
	if r.skipLF && r.taken < len(r.buffer) {
		if r.buffer[r.taken] == '\n' {
			r.taken++
			searched = 0
		}
		r.skipLF = false
	}
	rest := r.buffer[r.taken:]
	end := lineEnd(rest, searched)
	if end < 0 {
		return nil, false
	}
	r.skipLF = rest[end] == '\r'
	r.taken += end + 1
	line := rest[:end]
	if !r.begun {
		r.begun = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, true
}

// lineEnd is where the first line end from a byte on is; -1: there is none. It looks at a
// piece at a time, since a text with one kind of line end would else be searched to its end
// for the other kind, once a line.
func lineEnd(text []byte, from int) int {
	const piece = 512
	for ; from < len(text); from += piece {
		part := text[from:min(from+piece, len(text))]
		end := bytes.IndexByte(part, '\n')
		if end >= 0 {
			part = part[:end]
		}
		if cr := bytes.IndexByte(part, '\r'); cr >= 0 {
			end = cr
		}
		if end >= 0 {
			return from + end
		}
	}
	return -1
}

// fill reads once and stamps what came.
func (r *eventReader) fill() {
	if r.taken > 0 {
		r.buffer = r.buffer[:copy(r.buffer, r.buffer[r.taken:])]
		r.taken = 0
	}
	if len(r.buffer) == cap(r.buffer) {
		r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)[:len(r.buffer)]
	}
	n, err := r.source.Read(r.buffer[len(r.buffer):cap(r.buffer)])
	r.stamp = r.now()
	r.buffer = r.buffer[:len(r.buffer)+n]
	r.failed = err
}
