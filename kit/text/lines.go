package text

import "bytes"

// maxLine bounds one line, in bytes; what is longer is cut.
const maxLine = 4 << 20

// Lines hands on what is written to it line by line. Lines above 4 MiB are cut.
type Lines struct {
	each   func(line []byte)
	buffer []byte
}

// NewLines calls each for every complete line, without its end; it must not keep the
// slice. nil: nobody hears them.
func NewLines(each func(line []byte)) *Lines { return &Lines{each: each} }

// Write never fails, so that a program is never stopped by what it says.
func (l *Lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			l.add(b)
			return n, nil
		}
		l.add(b[:end])
		if l.each != nil {
			l.each(bytes.TrimSuffix(l.buffer, []byte("\r")))
		}
		l.buffer = l.buffer[:0]
		b = b[end+1:]
	}
}

func (l *Lines) add(b []byte) {
	free := maxLine - len(l.buffer)
	l.buffer = append(l.buffer, b[:min(free, len(b))]...)
}

// Rest is the line that was not ended.
func (l *Lines) Rest() string { return string(l.buffer) }
