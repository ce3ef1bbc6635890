package loadgen

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"aicv/spec"
)

// dialer opens connections; tests put pipes in its place.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// direct dials connections that take less CPU time where that is possible.
func (d dialer) direct(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return direct(conn), nil
}

// client sends the requests of one run.
type client struct {
	http    *http.Client
	url     string
	key     string // bearer token; empty: none
	chat    bool
	timeout time.Duration
	began   time.Time // the zero of all times
	head    []byte    // of a request's body, up to the prompt
	middle  []byte    // from the prompt to the number of tokens
	tail    []byte    // from there on
}

// order is one request to send.
type order struct {
	body   []byte
	output int // tokens asked for
}

// idleTimeout is how long a connection may be idle and be used again. Servers close theirs
// as well (those of vLLM and SGLang after 5 s), and a request that goes out at that moment
// is lost without fault of theirs.
const idleTimeout = 2 * time.Second

// newClient makes a client whose transport keeps one connection per request in
// flight open, of a rate as many as were in flight at once, speaks HTTP/1.1, and neither
// compresses nor goes through a proxy.
func newClient(b *benchmark, request spec.RunRequest, key string) (*client, error) {
	trusted, err := b.trusted()
	if err != nil {
		return nil, err
	}
	dial := b.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	transport := &http.Transport{
		DialContext:         dial.direct,
		MaxIdleConns:        0,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: cmp.Or(request.Load.Concurrency, mostInFlight),
		DisableCompression:  true,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2: one connection each
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     trusted,
	}
	c := &client{http: &http.Client{Transport: transport, CheckRedirect: stay}, key: key, chat: b.endpoint == endpointChat, timeout: b.timeout, began: time.Now()}
	model, err := json.Marshal(request.Server.ModelName)
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrBenchmark, Summary: "encode the model name", Cause: err}
	}
	c.frame(request.Server.URL, string(model))
	return c, nil
}

// frame prepares the address and the constant parts of a request's body.
func (c *client) frame(url, model string) {
	c.url = url + "/v1/completions"
	c.head = []byte(`{"model":` + model + `,"prompt":"`)
	c.middle = []byte(`","max_tokens":`)
	c.tail = []byte(`,"ignore_eos":true,"temperature":0,"stream":true,"stream_options":{"include_usage":true}}`)
	if c.chat {
		c.url = url + "/v1/chat/completions"
		c.head = []byte(`{"model":` + model + `,"messages":[{"role":"user","content":"`)
		c.middle = []byte(`"}],"max_tokens":`)
	}
}

// stay keeps requests, and the key that they carry, with the server that they are for.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c *client) now() time.Duration { return time.Since(c.began) }

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is what came of one request. Times are counted from the start of the run.
type answer struct {
	times  []time.Duration // of the events that carry text
	input  int             // tokens, the server's count
	output int
	finish string
	err    error
	lost   bool // no HTTP answer came at all: the server may be gone
}

// do sends one request and reads its stream to the end.
func (c *client) do(ctx context.Context, o order) answer {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	got := c.exchange(ctx, o)
	if got.err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		got.err, got.lost = fmt.Errorf("%w after %s", errTimeout, c.timeout), false
	}
	return got
}

// mostTimes bounds what is set aside for the times of one answer before it comes.
const mostTimes = 1 << 16

var errTimeout = errors.New("timeout")

func (c *client) exchange(ctx context.Context, o order) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(o.body))
	if err != nil {
		return answer{err: fmt.Errorf("make the request: %w", err), lost: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{err: err, lost: true}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return answer{err: c.statusError(response)}
	}
	got := answer{times: make([]time.Duration, 0, min(o.output, mostTimes))}
	if got.err = c.read(response.Body, &got); got.err == nil {
		got.err = got.check(o.output)
		drain(response.Body)
	}
	return got
}

// What is read behind the last event of a stream, and for how long.
const (
	drainMost = 64 << 10
	drainTime = 20 * time.Millisecond
)

// drain reads the end of an answer, which many servers send in a packet of its own behind
// the last event: only then is the connection used again. One that a server keeps open is
// closed.
func drain(body io.ReadCloser) {
	late := time.AfterFunc(drainTime, func() { _ = body.Close() })
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, drainMost)
}

// refusedError is an answer other than 200.
type refusedError struct {
	status int
	said   string // the status, and how the answer begins
}

func (e *refusedError) Error() string { return e.said }

// statusError quotes the beginning of an error answer.
func (c *client) statusError(response *http.Response) error {
	const shown = 512
	said := fmt.Sprintf("HTTP %d", response.StatusCode)
	if to := response.Header.Get("Location"); to != "" {
		said += " redirects to " + string(truncate(c.redact([]byte(to)), 200)) + ", which is not followed"
	}
	if wait := response.Header.Get("Retry-After"); wait != "" {
		said += " (Retry-After " + string(truncate(c.redact([]byte(wait)), 40)) + ")"
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, int64(shown+len(c.key))))
	if err == nil && len(text) > 0 {
		text = c.redact(text)
		said += ": " + string(bytes.TrimSpace(text[:min(shown, len(text))]))
	}
	return &refusedError{response.StatusCode, said}
}

// redact takes the key out of what a server says: some echo a request's headers, and
// what they say is stored.
func (c *client) redact(text []byte) []byte {
	if c.key == "" {
		return text
	}
	return bytes.ReplaceAll(text, []byte(c.key), []byte("(secret)"))
}

var errTruncated = errors.New("the stream broke off before its end")

// read takes a stream's events up to its end mark.
func (c *client) read(body io.Reader, got *answer) error {
	events := newEventReader(body, c.now)
	for {
		data, arrived, err := events.next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%w, after %d events with text", errTruncated, len(got.times))
		case err != nil:
			return fmt.Errorf("read the stream after %d events with text: %w", len(got.times), err)
		case string(data) == "[DONE]":
			return nil
		}
		if err := got.take(data, arrived, c.redact); err != nil {
			return err
		}
	}
}

// take books one event.
func (a *answer) take(data []byte, arrived time.Duration, redact func([]byte) []byte) error {
	event, err := readEvent(data)
	if err != nil {
		return err
	}
	if event.failed != nil {
		return fmt.Errorf("the server reports an error in the stream: %s", truncate(redact(event.failed), 300))
	}
	if event.text {
		a.times = append(a.times, arrived)
	}
	if event.finish != "" {
		a.finish = event.finish
	}
	if event.usage {
		a.input, a.output = event.input, event.output
	}
	return nil
}

func truncate(text []byte, limit int) []byte {
	if len(text) > limit {
		return append(text[:limit:limit], "..."...)
	}
	return text
}

// mostTokens is beyond what any model reads or writes: sums of such counts stay exact.
const mostTokens = 1 << 30

// check refuses answers whose token counts can not be true.
func (a *answer) check(output int) error {
	switch {
	case max(a.input, a.output) > mostTokens:
		return fmt.Errorf("wrong usage: %d prompt tokens and %d output tokens", a.input, a.output)
	case a.output == 0 && a.input == 0:
		return errors.New("wrong usage: the server sent no token counts")
	case len(a.times) == 0:
		return errors.New("the answer carries no text")
	case a.output < len(a.times):
		return fmt.Errorf("wrong usage: %d output tokens, but %d events with text", a.output, len(a.times))
	case a.finish == "length" && a.output != output:
		return fmt.Errorf("wrong usage: %d output tokens, but the answer ended at its limit of %d", a.output, output)
	case a.input < 1:
		return fmt.Errorf("wrong usage: %d prompt tokens", a.input)
	}
	return nil
}
