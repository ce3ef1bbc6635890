package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer bounds what is read of an engine's answer.
const maxAnswer = 16 << 20

// askTimeout bounds one question to an engine. SGLang's are answered between two steps.
const askTimeout = 20 * time.Second

// StatusError is an answer that is not 200.
type StatusError struct {
	URL  string
	Code int
}

// Error names address and code.
func (e *StatusError) Error() string { return fmt.Sprintf("%s answered %d", e.URL, e.Code) }

// Get asks an engine. Answers of any other status than 200 are a *StatusError.
func Get(ctx context.Context, url string) ([]byte, error) { return ask(ctx, http.MethodGet, url) }

// Post asks an engine to do something that needs no body.
func Post(ctx context.Context, url string) ([]byte, error) { return ask(ctx, http.MethodPost, url) }

func ask(ctx context.Context, method, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is where its target says
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, &StatusError{url, response.StatusCode}
	}
	return body, nil
}
