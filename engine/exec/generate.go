package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"aicv/spec"
)

// generates asks for a few tokens. A server that says that it is healthy may still not
// be able to generate; one that answers with content is.
func (w *waiting) generates(ctx context.Context, server *spec.Server) error {
	ctx, cancel := context.WithTimeout(ctx, generateTimeout)
	defer cancel()
	var last error
	for _, q := range questions(server.ModelName) {
		code, body, err := w.x.probe.post(ctx, server.URL+q.path, q.document)
		switch {
		case err != nil:
			return fmt.Errorf("it answers, but generates nothing: %w", err)
		case code == http.StatusOK:
			return hasContent(q.path, body)
		}
		last = fmt.Errorf("it answers, but generates nothing: %s answers %d", q.path, code)
		if code < 400 || code >= 500 {
			return last // another form of the question would not help
		}
	}
	return last
}

type question struct {
	path     string
	document []byte
}

// questions ask the same in the forms that servers know: as a completion, and as a
// chat for those that only chat.
func questions(model string) []question {
	const tokens = 8
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	type document struct {
		Model       string    `json:"model,omitempty"`
		Prompt      string    `json:"prompt,omitempty"`
		Messages    []message `json:"messages,omitempty"`
		MaxTokens   int       `json:"max_tokens"`
		Temperature float64   `json:"temperature"`
		IgnoreEOS   bool      `json:"ignore_eos,omitempty"` // else random weights may end at once
	}
	const text = "The capital of France is"
	documents := []struct {
		path string
		document
	}{
		{"/v1/completions", document{Model: model, Prompt: text, MaxTokens: tokens, IgnoreEOS: true}},
		{"/v1/completions", document{Model: model, Prompt: text, MaxTokens: tokens}},
		{"/v1/chat/completions", document{Model: model, Messages: []message{{"user", text}}, MaxTokens: tokens}},
	}
	var list []question
	for _, d := range documents {
		if data, err := json.Marshal(d.document); err == nil { // plain data never fails
			list = append(list, question{d.path, data})
		}
	}
	return list
}

// hasContent checks that an answer holds at least some text.
func hasContent(path string, body []byte) error {
	var answer struct {
		Choices []struct {
			Text    string `json:"text"`
			Message struct {
				Content   string `json:"content"`
				Reasoning string `json:"reasoning_content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("it answers %s with what is no completion: %w", path, err)
	}
	for _, c := range answer.Choices {
		if c.Text+c.Message.Content+c.Message.Reasoning != "" {
			return nil
		}
	}
	return errors.New("it answers " + path + " without any text")
}
