package sim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// encoder writes one answer's JSON. Everything but the token is the same in each
// event, so it is put together once.
type encoder struct {
	x              *exchange
	id             string
	created        int64
	prefix, suffix string // around a token's text
}

func newEncoder(x *exchange) *encoder {
	e := &encoder{x: x, created: time.Now().Unix()}
	e.id = "cmpl-sim-" + strconv.FormatInt(x.record.ID, 10)
	if x.g.endpoint == chat {
		e.id = "chat" + e.id
	}
	e.prefix, e.suffix = e.frame()
	return e
}

// frame is an event around a token's text.
func (e *encoder) frame() (prefix, suffix string) {
	head := "data: " + e.head("chat.completion.chunk", "text_completion") + `,"choices":[{"index":0,`
	if e.x.g.endpoint == chat {
		return head + `"delta":{"content":"`, `"},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	}
	return head + `"text":"`, `","logprobs":null,"finish_reason":null}]}` + "\n\n"
}

// head is the start of every object, without the closing brace.
func (e *encoder) head(chatObject, completionObject string) string {
	object := completionObject
	if e.x.g.endpoint == chat {
		object = chatObject
	}
	model, err := json.Marshal(e.x.server.settings.model)
	if err != nil { // a string always marshals
		model = []byte(`""`)
	}
	return `{"id":"` + e.id + `","object":"` + object + `","created":` + strconv.FormatInt(e.created, 10) + `,"model":` + string(model)
}

// begin appends the event that opens a chat answer: a role, and no content yet.
func (e *encoder) begin(b []byte) []byte {
	if e.x.g.endpoint != chat {
		return b
	}
	b = append(b, "data: "+e.head("chat.completion.chunk", "")...)
	return append(b, `,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
}

// token appends the event of one token.
func (e *encoder) token(b []byte, index int) []byte {
	b = append(b, e.prefix...)
	b = appendWord(b, index)
	return append(b, e.suffix...)
}

// appendWord is the text of an output token: one word.
func appendWord(b []byte, index int) []byte {
	return strconv.AppendInt(append(b, " w"...), int64(index), 10)
}

// end is what follows the last token: the finish reason, the usage where asked for,
// and the end mark.
func (e *encoder) end() []byte {
	object := e.head("chat.completion.chunk", "text_completion")
	delta := `"text":""`
	if e.x.g.endpoint == chat {
		delta = `"delta":{}`
	}
	b := []byte("data: " + object + `,"choices":[{"index":0,` + delta + `,"logprobs":null,"finish_reason":"` + e.x.g.finish + `"}]}` + "\n\n")
	if e.x.g.usage {
		b = append(b, "data: "+object+`,"choices":[],"usage":`...)
		b = append(b, e.usageJSON()...)
		b = append(b, "}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

// usage counts tokens; a wrong one is off by a few.
func (e *encoder) usage() usage {
	output := e.x.record.Output
	if e.x.fate.wrongUsage {
		output += 3
	}
	return usage{e.x.g.input, output, e.x.g.input + output}
}

func (e *encoder) usageJSON() []byte {
	data, err := json.Marshal(e.usage())
	if err != nil { // our own types always marshal
		return []byte("null")
	}
	return data
}

// whole is an answer in one piece.
func (e *encoder) whole() json.RawMessage {
	var text strings.Builder
	for i := range e.x.record.Output {
		text.Write(appendWord(nil, i))
	}
	choice := `"text":"` + text.String() + `"`
	if e.x.g.endpoint == chat {
		choice = `"message":{"role":"assistant","content":"` + text.String() + `"}`
	}
	return json.RawMessage(e.head("chat.completion", "text_completion") + `,"choices":[{"index":0,` + choice +
		`,"logprobs":null,"finish_reason":"` + e.x.g.finish + `"}],"usage":` + string(e.usageJSON()) + "}")
}
