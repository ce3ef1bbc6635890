package benchtool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"aicv/spec"
)

// Warmup is the warm-up that tools of others do not send, or not with prompts of their
// own: closed loop, at the load's shape.
type Warmup struct {
	URL         string // of the server, without a path
	Key         string // bearer token; empty: none
	Model       string // as requests name it
	Completions bool   // /v1/completions is called, which needs no chat template; else /v1/chat/completions
	Concurrency int    // requests in flight
	Load        spec.Load
	Requests    int
	Least       time.Duration // it takes so long at least, with more requests if need be
	Seed        uint64        // of the prompts
}

// Run sends the warm-up and reports its progress. It is an error where no request is
// answered, and where ctx ends; a *Refused where the server failed all of them, of which
// there are enough then to be sure.
func (w *Warmup) Run(ctx context.Context, emit spec.Emit) (*Warmed, error) {
	client := warmupClient(w.Concurrency)
	defer client.CloseIdleConnections()
	began := time.Now()
	got, err := w.send(ctx, client, func(done int) {
		emit(spec.Event{Time: time.Now(), Type: spec.EventProgress, Phase: "warm-up", Done: done, Total: max(done, w.Requests), Elapsed: time.Since(began)})
	})
	switch {
	case ctx.Err() != nil:
		return got, Interrupted(ctx, "the warm-up was ended")
	case errors.As(err, new(*Refused)):
		return got, err
	case err != nil:
		return got, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the warm-up failed", Cause: err, Fix: "see the server's log"}
	}
	return got, nil
}

// maxAnswer bounds a warm-up answer, in bytes.
const maxAnswer = 64 << 20

// Warmed is what the warm-up showed.
type Warmed struct {
	Began   time.Time
	Latency time.Duration     // mean of the requests that were answered
	Rows    []spec.RequestRow // in the order in which they ended

	overwhelmed int           // requests that the server failed
	took        time.Duration // until the last ended
}

// send sends the requests, calls each after every one, and fails where none is answered.
func (w *Warmup) send(ctx context.Context, client *http.Client, each func(done int)) (*Warmed, error) {
	var mu sync.Mutex
	got := &Warmed{Began: time.Now()}
	next := make(chan int)
	var group sync.WaitGroup
	for range w.places() {
		group.Go(func() {
			for i := range next {
				start := time.Since(got.Began)
				err := w.ask(ctx, client, i)
				mu.Lock()
				got.book(start, w.Load.InputTokens, err)
				each(len(got.Rows))
				mu.Unlock()
			}
		})
	}
	goesOn := func(i int) bool {
		mu.Lock()
		defer mu.Unlock()
		if got.refused() {
			return i < max(w.Concurrency, enoughFailures)
		}
		return i < w.Requests || time.Since(got.Began) < w.Least
	}
	for i := 0; ctx.Err() == nil && goesOn(i); i++ {
		next <- i
	}
	close(next)
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return got, got.finish(w.Concurrency)
}

// places is how many requests are in flight.
func (w *Warmup) places() int {
	if w.Least > 0 {
		return w.Concurrency
	}
	return min(w.Requests, w.Concurrency)
}

// ask sends one request at the load's shape.
func (w *Warmup) ask(ctx context.Context, client *http.Client, index int) error {
	path, order := "/v1/chat/completions", map[string]any{"model": w.Model, "max_tokens": w.Load.OutputTokens, "temperature": 0, "ignore_eos": true}
	if w.Completions {
		path, order["prompt"] = "/v1/completions", w.prompt(index)
	} else {
		order["messages"] = []map[string]string{{"role": "user", "content": w.prompt(index)}}
	}
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if w.Key != "" {
		request.Header.Set("Authorization", "Bearer "+w.Key)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return &statusError{response.StatusCode, bytes.TrimSpace(text[:min(len(text), 300)])}
	}
	return nil
}

// prompt makes a prompt of about the load's length that no other shares its beginning with.
func (w *Warmup) prompt(index int) string {
	words := strings.Fields("the of and to in is was for that it with as his on be at by had not are but from or have an they which one you were all her")
	random := rand.New(rand.NewPCG(w.Seed, uint64(index)))
	var b strings.Builder
	for i := range w.Load.InputTokens {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[random.IntN(len(words))])
	}
	return b.String()
}

// errRedirect keeps requests, and the key that they carry, with the server they are for.
var errRedirect = errors.New("the server answers with a redirect, which is not followed")

func warmupClient(concurrency int) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: concurrency, IdleConnTimeout: 2 * time.Second, ResponseHeaderTimeout: 10 * time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}
