package genaibench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"aicv/kit/results"
	"aicv/spec"
)

// warmer sends the warm-up that the tool does not.
type warmer struct {
	http  *http.Client
	url   string
	key   string
	model string
	load  spec.Load
	seed  uint64
}

// maxAnswer bounds a warm-up answer, in bytes.
const maxAnswer = 64 << 20

// warmed is what the warm-up showed.
type warmed struct {
	began   time.Time
	latency time.Duration     // mean of the requests that were answered
	rows    []spec.RequestRow // in the order in which they ended
}

// book adds a request that started at a time and has just ended.
func (w *warmed) book(start time.Duration, input int, err error) {
	row := spec.RequestRow{Index: len(w.rows), Phase: spec.PhaseWarmup, Start: start, Latency: time.Since(w.began) - start, InputTokens: input}
	if err != nil {
		row.Error, row.Latency = err.Error(), 0
	}
	w.rows = append(w.rows, row)
}

// finish takes the mean latency; an error where no request was answered.
func (w *warmed) finish() error {
	good := results.Rows(w.rows).Good()
	if len(w.rows) > 0 && good == 0 {
		return fmt.Errorf("none of %d warm-up requests was answered: %s", len(w.rows), w.rows[0].Error)
	}
	for i := range w.rows {
		w.latency += w.rows[i].Latency / time.Duration(max(1, good))
	}
	return nil
}

// run sends n requests, concurrency at a time, and calls each after every one. It is an
// error where none is answered.
func (w *warmer) run(ctx context.Context, n int, each func(done int)) (*warmed, error) {
	var mu sync.Mutex
	got := &warmed{began: time.Now()}
	next := make(chan int)
	var group sync.WaitGroup
	for range min(n, w.load.Concurrency) {
		group.Go(func() {
			for i := range next {
				start := time.Since(got.began)
				err := w.ask(ctx, i)
				mu.Lock()
				got.book(start, w.load.InputTokens, err)
				each(len(got.rows))
				mu.Unlock()
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return got, got.finish()
}

// ask sends one request at the load's shape.
func (w *warmer) ask(ctx context.Context, index int) error {
	body, err := json.Marshal(map[string]any{"model": w.model, "max_tokens": w.load.OutputTokens, "temperature": 0, "ignore_eos": true,
		"messages": []map[string]string{{"role": "user", "content": w.prompt(index)}}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if w.key != "" {
		request.Header.Set("Authorization", "Bearer "+w.key)
	}
	response, err := w.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d: %s", response.StatusCode, bytes.TrimSpace(text[:min(len(text), 300)]))
	}
	return nil
}

// prompt makes a prompt of about the load's length that no other shares its beginning with.
func (w *warmer) prompt(index int) string {
	words := strings.Fields("the of and to in is was for that it with as his on be at by had not are but from or have an they which one you were all her")
	random := rand.New(rand.NewPCG(w.seed, uint64(index)))
	var b strings.Builder
	for i := range w.load.InputTokens {
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
		Transport:     &http.Transport{MaxIdleConnsPerHost: concurrency, ResponseHeaderTimeout: 10 * time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}
