package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// endpoint is one of the two generating endpoints.
type endpoint string

const (
	chat       endpoint = "chat"
	completion endpoint = "completion"
)

// maxBody bounds a request's body.
const maxBody = 64 << 20

// The output length where a request sets none.
const (
	defaultCompletionTokens = 16
	defaultChatTokens       = 256
)

// generateRequest is the part of the OpenAI request that the simulator honours,
// with the sampling extensions of vLLM and SGLang.
type generateRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	Prompt              json.RawMessage `json:"prompt"`
	Stream              bool            `json:"stream"`
	StreamOptions       *streamOptions  `json:"stream_options"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	MinTokens           int             `json:"min_tokens"`
	IgnoreEOS           bool            `json:"ignore_eos"`
	N                   *int            `json:"n"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// generation is a request that passed all checks.
type generation struct {
	endpoint endpoint
	words    []string // tokens of the prompt
	input    int
	output   int
	finish   string // "length" or "stop"
	stream   bool
	usage    bool // stream: append the usage
}

// refusal is an HTTP error answer.
type refusal struct {
	status int
	kind   string
	text   string
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "BadRequestError", fmt.Sprintf(format, args...)}
}

// parse reads and checks a request; draw gives a number in [0, 1) for output
// lengths that the engine may choose.
func (s *Server) parse(r *http.Request, at endpoint, draw float64) (generation, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return generation{}, badRequest("read the body: %v", err)
	}
	var request generateRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return generation{}, badRequest("the body is no valid JSON request: %v", err)
	}
	if request.Model != s.settings.model {
		return generation{}, &refusal{http.StatusNotFound, "NotFoundError", fmt.Sprintf("The model %q does not exist; this server has %q.", request.Model, s.settings.model)}
	}
	if request.N != nil && *request.N != 1 {
		return generation{}, badRequest("n is %d; the simulator gives one choice", *request.N)
	}
	g := generation{endpoint: at, stream: request.Stream, usage: request.StreamOptions != nil && request.StreamOptions.IncludeUsage}
	if g.words, g.input, err = request.tokens(at); err != nil {
		return generation{}, badRequest("%v", err)
	}
	if g.input == 0 {
		return generation{}, badRequest("the prompt is empty")
	}
	s.addSystemPrompt(&g)
	return g, s.setLength(&g, &request, draw)
}

// addSystemPrompt puts the same tokens before every prompt, as a chat template may.
func (s *Server) addSystemPrompt(g *generation) {
	n := s.settings.faults.systemPrompt
	if n == 0 || g.endpoint != chat {
		return
	}
	g.input += n
	g.words = append(slices.Repeat([]string{"system"}, n), g.words...)
}

// setLength decides how many tokens come: max_tokens with ignore_eos, else a length
// between min_tokens and it, as if the model had ended the text there.
func (s *Server) setLength(g *generation, request *generateRequest, draw float64) error {
	longest := s.settings.maxSequence - g.input
	most := min(longest, defaultCompletionTokens)
	if g.endpoint == chat {
		most = min(longest, defaultChatTokens)
	}
	if request.MaxTokens != nil {
		most = *request.MaxTokens
	}
	if request.MaxCompletionTokens != nil {
		most = *request.MaxCompletionTokens
	}
	if most < 1 && longest >= 1 {
		return badRequest("max_tokens is %d, and must be at least 1", most)
	}
	if most > longest || longest < 1 {
		return badRequest("%d prompt and %d output tokens are more than the longest sequence (%d tokens)", g.input, most, s.settings.maxSequence)
	}
	if request.MinTokens < 0 || request.MinTokens > most {
		return badRequest("min_tokens is %d, and must lie between 0 and max_tokens (%d)", request.MinTokens, most)
	}
	g.output, g.finish = most, "length"
	if least := max(1, request.MinTokens); !request.IgnoreEOS && least < most {
		g.output = least + int(draw*float64(most-least+1))
		if g.output < most {
			g.finish = "stop"
		}
	}
	return nil
}

// tokens splits the prompt. Prompts given as token ids have a count but no words.
func (r *generateRequest) tokens(at endpoint) ([]string, int, error) {
	if at == completion {
		return completionTokens(r.Prompt)
	}
	var words []string
	for _, message := range r.Messages {
		text, err := messageText(message.Content)
		if err != nil {
			return nil, 0, err
		}
		words = append(words, strings.Fields(text)...)
	}
	return words, len(words), nil
}

// messageText reads a message's content: a string, or a list of text parts.
func messageText(content json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return "", errors.New("content is neither a string nor a list of parts")
	}
	var b strings.Builder
	for _, part := range parts {
		if part.Type != "text" {
			return "", fmt.Errorf("content part of type %q: the simulator reads text only", part.Type)
		}
		b.WriteString(part.Text)
		b.WriteByte(' ')
	}
	return b.String(), nil
}

// completionTokens reads a prompt: a string, a list of one string, or token ids.
func completionTokens(prompt json.RawMessage) ([]string, int, error) {
	var text string
	if json.Unmarshal(prompt, &text) == nil {
		words := strings.Fields(text)
		return words, len(words), nil
	}
	var texts []string
	if json.Unmarshal(prompt, &texts) == nil && len(texts) == 1 {
		words := strings.Fields(texts[0])
		return words, len(words), nil
	}
	var ids []int
	if json.Unmarshal(prompt, &ids) == nil {
		return nil, len(ids), nil
	}
	return nil, 0, errors.New("prompt is neither a string, nor a list of one string, nor a list of token ids")
}

// writeRefusal answers with an error body in OpenAI's form.
func writeRefusal(w http.ResponseWriter, r *refusal) {
	type detail struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    int    `json:"code"`
	}
	writeJSON(w, r.status, struct {
		Error detail `json:"error"`
	}{detail{r.text, r.kind, r.status}})
}

// usage is the token count of an answer.
type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}
