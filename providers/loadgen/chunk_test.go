package loadgen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// usual are events as servers send them for each token: all are scanned.
var usual = []string{
	`{"id":"chatcmpl-a3be5a5a392c72d1","object":"chat.completion.chunk","created":1795472445,"model":"Tiny/É","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}`,
	`{"id":"chatcmpl-a3be5a5a392c72d1","object":"chat.completion.chunk","created":1795472445,"model":"tiny","choices":[{"index":0,"delta":{"content":" \u00e9\n\"x"},"logprobs":null,"finish_reason":null,"token_ids":null}],"usage":null}`,
	`{"choices":[{"index":0,"delta":{"content":null,"reasoning_content":"so"},"finish_reason":"length","stop_reason":null,"matched_stop":{"a":[1,-2.5e+3,true,false,{}]}}]}`,
	`{"id":"cmpl-1","choices":[{"index":0,"text":" the","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":16,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}`,
	` { "choices" : [ ] , "usage" : { "prompt_tokens" : 200 , "total_tokens" : 264, "completion_tokens" : 64 } , "error" : null } `,
	`{"choices":[null,{"delta":null,"text":"a","finish_reason":"tool"}]}`,
	`{"choices":[{"delta":{"reasoning":"hm"}}],"usage":{}}`,
	`{}`,
}

// unusual are valid and invalid events that the scanner leaves to encoding/json, or else
// reads as it does.
var unusual = []string{
	`null`, `3`, `[]`, ``, `{`, `{"choices":null}`, `{"choices":{}}`, `{"choices":[],}`, `{,}`, `{"a":1 "b":2}`, `{"choices":[1]}`, `{} x`, `{"a":[1,]}`, `{"a":[,]}`,
	`{"Choices":[{"TEXT":"a"}]}`, `{"choice\u0073":[{"text":"a"}]}`, `{"choiceſ":[{"text":"a"}]}`,
	`{"choices":[{"text":"a"}],"choices":[{"finish_reason":"stop"}]}`, `{"choices":[{"text":"a","text":""}]}`, `{"usage":{"prompt_tokens":1},"usage":{"completion_tokens":2}}`,
	`{"usage":{"prompt_tokens":1e2}}`, `{"usage":{"prompt_tokens":-1}}`, `{"usage":{"prompt_tokens":01}}`, `{"usage":{"prompt_tokens":1.5}}`, `{"usage":{"prompt_tokens":99999999999999999999}}`, `{"usage":{"prompt_tokens":"3"}}`,
	`{"choices":[{"finish_reason":"L\u00e4nge"}]}`, "{\"choices\":[{\"finish_reason\":\"\xff\"}]}", "{\"choices\":[{\"text\":\"\xff\"}]}", "{\"choices\":[{\"text\":\"a\nb\"}]}",
	`{"choices":[{"text":"\x"}]}`, `{"choices":[{"text":"\u12"}]}`, `{"choices":[{"text":"\uD800"}]}`, `{"choices":[{"text":7}]}`, `{"choices":[{"text":"a}]}`,
	`{"error":{"message":"x"}}`, `{"error":"x","choices":[{"text":"a"}]}`, `{"error":nul}`, `{"a":tru}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":.5}`, `{"a":+1}`,
	`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"choices":[{"text":"a"}]}`, `{"a":` + strings.Repeat("[", 20000), `{"choices":[{"text":"a"}]}` + "\x00",
}

// sameAsDecoded fails where the scanner accepts an event that encoding/json refuses, or
// reads it otherwise.
func sameAsDecoded(t *testing.T, data string) {
	t.Helper()
	got, ok := scanEvent([]byte(data))
	if !ok {
		return
	}
	want, err := decodeEvent([]byte(data))
	if err != nil {
		t.Fatalf("%q was scanned, but %v", data, err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
		t.Fatalf("%q: decoded and scanned differ: %s", data, diff)
	}
}

func TestScanEvent(t *testing.T) {
	for _, data := range usual {
		if _, ok := scanEvent([]byte(data)); !ok {
			t.Errorf("%s was not scanned", data)
		}
		sameAsDecoded(t, data)
		for end := range data { // broken off
			sameAsDecoded(t, data[:end])
		}
	}
	for _, data := range unusual {
		sameAsDecoded(t, data)
	}
}

// TestReadEventFallsBack: what is not scanned is read all the same.
func TestReadEventFallsBack(t *testing.T) {
	got, err := readEvent([]byte(`{"Choices":[{"text":"a","text":"b","finish_reason":"l\u0065ngth"}],"usage":{"prompt_tokens":12345678901,"completion_tokens":2}}`))
	want := seen{text: true, finish: "length", usage: true, input: 12345678901, output: 2}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if got, err = readEvent([]byte(`{"error":{"code":5}}`)); err != nil || string(got.failed) != `{"code":5}` {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = readEvent([]byte(`{"choices":[{"text":1}]}`)); err == nil {
		t.Error("a number is no text")
	}
}

// TestScanEventSetsNothingAside: an event for each token must not make work for the
// garbage collector.
func TestScanEventSetsNothingAside(t *testing.T) {
	for _, data := range usual[:5] {
		event := []byte(data)
		if n := testing.AllocsPerRun(100, func() { _, _ = scanEvent(event) }); n != 0 {
			t.Errorf("%v allocations for %s", n, data)
		}
	}
}

func FuzzScanEvent(f *testing.F) {
	for _, data := range append(usual, unusual...) {
		f.Add(data)
	}
	f.Fuzz(sameAsDecoded)
}

func BenchmarkReadEvent(b *testing.B) {
	for name, read := range map[string]func([]byte) (seen, error){"scanned": readEvent, "decoded": decodeEvent} {
		b.Run(name, func(b *testing.B) {
			event := []byte(usual[1])
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
