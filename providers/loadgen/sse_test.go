package loadgen

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func noClock() time.Duration { return 0 }

// readAll collects the data of all events and the error that ended the stream.
func readAll(source io.Reader) ([]string, error) {
	r := newEventReader(source, noClock)
	var found []string
	for {
		data, _, err := r.next()
		if err != nil {
			return found, err
		}
		found = append(found, string(data))
	}
}

func TestEventReader(t *testing.T) {
	for _, x := range []struct {
		name, stream string
		want         []string
	}{
		{"lf", "data: a\n\ndata: b\n\n", []string{"a", "b"}},
		{"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		{"cr", "data: a\r\rdata: b\r\r", []string{"a", "b"}},
		{"mixed ends", "data: a\r\n\ndata: b\r\r\n", []string{"a", "b"}},
		{"no space", "data:a\n\n", []string{"a"}},
		{"only one space goes", "data:  a \n\n", []string{" a "}},
		{"several lines", "data: a\ndata: b\n\n", []string{"a\nb"}},
		{"empty data", "data\n\ndata:\n\n", []string{"", ""}},
		{"comments and other fields", ": ping\n\nevent: x\nid: 3\ndata: a\nretry: 5\n\n: bye\n\n", []string{"a"}},
		{"a field that only begins with data", "database: x\n\ndata: a\n\n", []string{"a"}},
		{"byte order mark", "\xef\xbb\xbfdata: a\n\n", []string{"a"}},
		{"broken off before the blank line", "data: a\n\ndata: b\n", []string{"a"}},
		{"broken off in a line", "data: a\n\ndat", []string{"a"}},
		{"blank lines", "\n\n\n\ndata: a\n\n\n\n", []string{"a"}},
		{"nothing", "", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			for name, source := range map[string]io.Reader{
				"at once": strings.NewReader(x.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(x.stream)),
				"data with the end": iotest.DataErrReader(strings.NewReader(x.stream)),
			} {
				got, err := readAll(source)
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: error %v", name, err)
				}
				if diff := cmp.Diff(x.want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestEventReaderBounds(t *testing.T) {
	long := strings.Repeat("x", maxLine+1000)
	if got, err := readAll(strings.NewReader("data: a\n\ndata: " + long + "\n\n")); len(got) != 1 || !errors.Is(err, errLongLine) {
		t.Errorf("%d events, error %v", len(got), err)
	}
	lines := strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 1200)
	if _, err := readAll(strings.NewReader(lines + "\n")); !errors.Is(err, errLongLine) {
		t.Errorf("an event of many lines: error %v", err)
	}
	fits := "data: " + strings.Repeat("x", maxLine/2) + "\n\n"
	if got, err := readAll(strings.NewReader(fits)); len(got) != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("half of the bound: %d events, error %v", len(got), err)
	}
}

// TestEventTimes: an event has the time of the read that brought its data.
func TestEventTimes(t *testing.T) {
	clock := time.Duration(0)
	pieces := iotest.OneByteReader(strings.NewReader("data: a\n\ndata: b\n\n"))
	r := newEventReader(pieces, func() time.Duration { clock++; return clock })
	for _, want := range []time.Duration{8, 17} { // the line end after a and after b
		if _, at, err := r.next(); err != nil || at != want {
			t.Errorf("arrived at read %d (%v), want %d", at, err, want)
		}
	}
}

// TestEventReaderIgnoresCuts: how a stream is cut into reads changes nothing.
func TestEventReaderIgnoresCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.StringOf(rapid.RuneFrom([]rune("data: \r\n\r\nab:"))).Draw(t, "stream")
		whole, _ := readAll(strings.NewReader(stream))
		cut, _ := readAll(iotest.HalfReader(iotest.OneByteReader(strings.NewReader(stream))))
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzEventReader(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n"))
	f.Add([]byte("\xef\xbb\xbfdata: a\r\ndata:b\r\r\n: c\n\n"))
	f.Add([]byte("data\n\n\r\r\ndata:"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := readAll(strings.NewReader(string(stream)))
		if err == nil {
			t.Fatal("no end")
		}
		cut, _ := readAll(iotest.OneByteReader(strings.NewReader(string(stream))))
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Fatal(diff)
		}
		for _, data := range whole {
			if strings.ContainsRune(data, '\r') {
				t.Fatalf("%q holds a line end", data)
			}
		}
	})
}

// FuzzAnswer reads arbitrary streams as answers: an error or a consistent answer,
// never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}\n\ndata: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
	f.Add("data: {\"error\":{\"message\":\"x\"}}\n\n")
	f.Add("data: null\n\ndata: 3\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		c := &client{began: time.Now()}
		var got answer
		if err := c.read(strings.NewReader(stream), &got); err != nil || got.check(1) != nil {
			return
		}
		if len(got.times) == 0 || got.output < len(got.times) {
			t.Errorf("%q was accepted as %+v", stream, got)
		}
	})
}
