package loadgen

import (
	"encoding/json"
	"fmt"
)

// seen is the part of a streamed event that matters.
type seen struct {
	text   bool   // it carries text of the answer
	finish string // the reason why the answer ended; empty: it goes on
	usage  bool   // it carries token counts
	input  int    // tokens, the server's count
	output int
	failed []byte // the server's error; nil: none
}

// chunk is what encoding/json reads of an event: the meaning of scanEvent.
type chunk struct {
	Choices []struct {
		Text  string `json:"text"`
		Delta struct {
			Content          string `json:"content"`
			ReasoningContent string `json:"reasoning_content"`
			Reasoning        string `json:"reasoning"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// readEvent reads an event's data: usual ones by scanning, since there is one for each
// token, anything else with encoding/json.
func readEvent(data []byte) (seen, error) {
	if s, ok := scanEvent(data); ok {
		return s, nil
	}
	return decodeEvent(data)
}

func decodeEvent(data []byte) (seen, error) {
	var c chunk
	if err := json.Unmarshal(data, &c); err != nil {
		return seen{}, fmt.Errorf("an event is no valid JSON: %w", err)
	}
	var s seen
	for _, choice := range c.Choices {
		d := choice.Delta
		s.text = s.text || choice.Text != "" || d.Content != "" || d.ReasoningContent != "" || d.Reasoning != ""
		if choice.FinishReason != "" {
			s.finish = choice.FinishReason
		}
	}
	if c.Usage != nil {
		s.usage, s.input, s.output = true, c.Usage.PromptTokens, c.Usage.CompletionTokens
	}
	if len(c.Error) > 0 && string(c.Error) != "null" {
		s.failed = c.Error
	}
	return s, nil
}
