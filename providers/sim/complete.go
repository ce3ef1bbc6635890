package sim

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"time"
)

// hashText hashes text to a seed.
func hashText(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // hash.Hash never returns an error
	return h.Sum64()
}

// fate is what the faults do to one request.
type fate struct {
	http500, stall, truncate, wrongUsage bool
	early                                bool
	length                               float64 // draw for an output length that is the engine's to choose
}

// fateOf draws a request's fate from the seed and its number alone, so that it does
// not depend on timing.
func (s *Server) fateOf(number int64) fate {
	random := rand.New(rand.NewPCG(hashText(s.settings.seed), uint64(number)))
	x := s.settings.faults
	return fate{
		http500:    random.Float64() < x.http500Share,
		stall:      random.Float64() < x.stallShare,
		truncate:   random.Float64() < x.truncateShare,
		wrongUsage: random.Float64() < x.wrongUsageShare,
		length:     random.Float64(),
		early:      random.Float64() < x.earlyStopShare,
	}
}

// exchange is one request on its way through the server.
type exchange struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	g      generation
	fate   fate
	record RequestRecord
}

// complete serves one generating request.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, at endpoint) {
	x := &exchange{server: s, w: w, r: r}
	x.record = RequestRecord{ID: s.requests.Add(1), Endpoint: string(at), Status: http.StatusOK, ReceivedNS: time.Now().UnixNano()}
	x.fate = s.fateOf(x.record.ID)
	err := x.serve(at)
	var refused *refusal
	if errors.As(err, &refused) {
		x.record.Status = refused.status
	}
	if err != nil {
		x.record.Error = err.Error()
	}
	x.record.DoneNS = time.Now().UnixNano()
	s.log.write(x.record) // before the connection goes: nobody waits for the handler after
	switch {
	case refused != nil:
		writeRefusal(w, refused)
	case err != nil:
		x.cut() // the end of an answer that is not complete must not look like one
	}
}

// cut closes the connection at once.
func (x *exchange) cut() {
	if connection, _, err := http.NewResponseController(x.w).Hijack(); err == nil {
		_ = connection.Close()
	}
}

func (x *exchange) serve(at endpoint) error {
	if !x.server.ready() {
		return &refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "loading weights"}
	}
	g, err := x.server.parse(x.r, at, x.fate.length)
	if err != nil {
		return err
	}
	if x.fate.http500 {
		return &refusal{http.StatusInternalServerError, "InternalServerError", "fault: internal server error on demand"}
	}
	if x.fate.early && g.output > 1 {
		g.output, g.finish = g.output/2, "stop"
	}
	x.g, x.record.Input = g, g.input
	return x.generate()
}

// generate runs the request through the engine.
func (x *exchange) generate() error {
	engine := x.server.engine
	var blocks []uint64
	if x.server.settings.prefixCache {
		blocks = blockHashes(x.g.words)
	}
	out := engine.submit(x.g.input, x.g.output, blocks)
	defer engine.cancel(out) // frees what is left when the client goes first
	if x.g.stream {
		return x.stream(out)
	}
	return x.collect(out)
}

// stopAt is the number of tokens after which a fault strikes; the output's length
// where none does.
func (x *exchange) stopAt() int {
	switch {
	case x.fate.stall:
		return min(x.server.settings.faults.stallAfter, x.g.output-1)
	case x.fate.truncate:
		return x.g.output / 2
	}
	return x.g.output
}

var (
	errStalled   = errors.New("fault: stalled on demand")
	errTruncated = errors.New("fault: truncated on demand")
)

// breakOff ends a faulty answer; a stalled one is held until somebody gives up.
func (x *exchange) breakOff() error {
	cause := errTruncated
	if x.fate.stall {
		cause = errStalled
		select {
		case <-x.r.Context().Done():
		case <-x.server.aborted:
		}
	}
	return cause
}

// collect answers in one piece.
func (x *exchange) collect(out *stream) error {
	for x.record.Output < x.stopAt() {
		tokens, _, err := out.next(x.r.Context(), x.server.engine.dead)
		if err != nil {
			return err
		}
		x.record.Output += tokens
	}
	if x.stopAt() < x.g.output {
		return x.breakOff()
	}
	now := time.Now().UnixNano()
	for range x.record.Output {
		x.record.TokenNS = append(x.record.TokenNS, now) // all arrive with the answer
	}
	writeJSON(x.w, http.StatusOK, newEncoder(x).whole())
	return nil
}

// stream answers token by token, one event each.
func (x *exchange) stream(out *stream) error {
	header := x.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	encoder := newEncoder(x)
	controller := http.NewResponseController(x.w)
	x.record.TokenNS = make([]int64, 0, x.g.output)
	for x.record.Output < x.stopAt() {
		tokens, _, err := out.next(x.r.Context(), x.server.engine.dead)
		if err != nil {
			return err
		}
		if err := x.send(encoder, controller, min(tokens, x.stopAt()-x.record.Output)); err != nil {
			return err
		}
	}
	if x.stopAt() < x.g.output {
		return x.breakOff()
	}
	_, err := x.w.Write(encoder.end())
	return err
}

// send writes the events of some tokens and flushes them together.
func (x *exchange) send(encoder *encoder, controller *http.ResponseController, tokens int) error {
	var events []byte
	if x.record.Output == 0 {
		events = encoder.begin(events)
	}
	now := time.Now().UnixNano()
	for range tokens {
		events = encoder.token(events, x.record.Output)
		x.record.Output++
		x.record.TokenNS = append(x.record.TokenNS, now)
	}
	if _, err := x.w.Write(events); err != nil {
		return err
	}
	return controller.Flush()
}
