package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aicv/kit/subprocess"
	"aicv/spec"
)

// The bounds on an answer.
const (
	maxAnswer = 64 << 20 // bytes of all lines
	maxStray  = 5        // lines that are no answers, as far as they are shown
)

// header is the first line of every answer: who speaks.
type header struct {
	Protocol string `json:"protocol"`
	Tool     string `json:"tool"`
	Version  string `json:"version"`
	Database string `json:"database"`
}

// conversation follows what a program says to one request, line by line.
type conversation struct {
	// accept takes a line behind the header; an error says why it answers nothing.
	accept func(line []byte) error
	redact func([]byte) []byte

	header *header
	lines  int      // read so far
	size   int      // of them, in bytes
	stray  []string // lines that answer nothing, and why
	strays int
	broken error // the program does not speak the protocol; nothing more is read
}

var errTooMuch = fmt.Errorf("it was stopped, because it printed more than %d MiB", maxAnswer>>20)

// line takes the next line; an error ends the conversation.
func (c *conversation) line(line []byte) error {
	c.lines++
	c.size += len(line) + 1
	if c.size > maxAnswer {
		return errTooMuch
	}
	line = c.redact(bytes.TrimSpace(line))
	switch {
	case c.broken != nil || len(line) == 0:
		return c.broken
	case c.header == nil:
		c.broken = c.greet(line)
		return c.broken
	}
	if err := c.accept(line); err != nil {
		if c.strays++; c.strays <= maxStray {
			c.stray = append(c.stray, fmt.Sprintf("line %d: %v: %s", c.lines, err, shown(line)))
		}
	}
	return nil
}

// greet reads the first line.
func (c *conversation) greet(line []byte) error {
	var h header
	if err := strict(line, &h); err != nil {
		return fmt.Errorf("its first line is no header, because %w: %s", err, shown(line))
	}
	switch h.Protocol {
	case Protocol:
	case "":
		return fmt.Errorf("its first line names no protocol: %s", shown(line))
	default:
		return fmt.Errorf("it speaks the protocol %s, and this aicv speaks %s", excerpt([]byte(h.Protocol)), Protocol)
	}
	h.Tool, h.Version, h.Database = tidy(h.Tool), tidy(h.Version), tidy(h.Database)
	c.header = &h
	return nil
}

// end takes what stands behind the last complete line: a whole object counts, half of
// one does not.
func (c *conversation) end(partial string) error {
	if strings.TrimSpace(partial) == "" {
		return nil
	}
	return c.line([]byte(partial))
}

// ending is how a program ended.
type ending struct {
	subprocess.Ended
	stderr string // its last words, without secrets
}

// unwell says in what way the program did not end well; empty where it did.
func (e *ending) unwell() string {
	switch {
	case e.Cause != nil:
		return e.Cause.Error()
	case e.Signal != "":
		return "it was ended by the signal " + e.Signal
	case e.Code != 0:
		return fmt.Sprintf("it ended with exit status %d", e.Code)
	}
	return ""
}

// run starts the program, puts the request and follows the answer. The error is a
// program that could not be started or an interruption by the user.
func (p *program) run(ctx context.Context, request []byte, c *conversation) (ending, error) {
	path, err := p.path()
	if err != nil {
		return ending{}, err
	}
	environment, secrets, err := p.environment()
	if err != nil {
		return ending{}, err
	}
	c.redact = redacter(secrets)
	limited, stop := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("it was stopped after %s", p.timeout))
	defer stop()
	limited, giveUp := context.WithCancelCause(limited)
	defer giveUp(nil)
	ended, err := subprocess.Run(limited, subprocess.Command{
		Args: append([]string{path}, p.argv[1:]...), Dir: p.dir, Env: environment, Stdin: request,
		Line: func(line []byte) {
			if err := c.line(line); err != nil {
				giveUp(err)
			}
		},
	})
	if err != nil {
		return ending{}, p.missing("the program could not be run", err, "run it by hand: "+strings.Join(p.argv, " "))
	}
	if ctx.Err() != nil {
		return ending{}, interrupted(ctx)
	}
	if err := c.end(ended.Partial); err != nil && ended.Cause == nil {
		ended.Cause = err
	}
	return ending{ended, lastWords(string(c.redact([]byte(ended.Stderr))))}, nil
}

// failure is the error of a conversation in which nothing was answered.
func (p *program) failure(c *conversation, e *ending, unanswered string) error {
	summary, fix := p.reason(c, e, unanswered)
	detail := append(slices.Clone(c.stray), e.stderr)
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: p.address + ": " + summary, Fix: fix, Detail: strings.TrimSpace(strings.Join(detail, "\n"))}
}

func (p *program) reason(c *conversation, e *ending, unanswered string) (summary, fix string) {
	unwell := e.unwell()
	switch {
	case c.broken != nil:
		return c.broken.Error(), fmt.Sprintf(`print {"protocol":"%s"} as the first line of standard output, and messages for people on standard error`, Protocol)
	case errors.Is(e.Cause, errTooMuch):
		return unwell, "print one line for each point and nothing else"
	case e.Cause != nil:
		return and(unwell, unanswered), "raise timeout, or look why the program takes so long"
	case unwell != "":
		return and(unwell, unanswered), "run it by hand: " + strings.Join(p.argv, " ")
	case c.header == nil:
		return "it printed nothing", "print the answer on standard output"
	}
	return unanswered, "see docs/predictor-protocol.md for what an answer holds"
}

func and(first, second string) string {
	if second == "" {
		return first
	}
	return first + ", and " + second
}

// doubts are the findings on all that a conversation brought.
func (c *conversation) doubts(e *ending) []spec.Finding {
	var findings []spec.Finding
	add := func(check, message string) {
		findings = append(findings, spec.Finding{Check: check, Severity: spec.FindingWarn, Message: message})
	}
	if unwell := e.unwell(); unwell != "" {
		text := "the program did not end well: " + unwell
		if e.stderr != "" {
			text += "; its last words: " + tidy(e.stderr)
		}
		add("predictor_exit", text)
	}
	if c.strays > 0 {
		text := fmt.Sprintf("%d of its lines answer nothing: %s", c.strays, strings.Join(c.stray, "; "))
		if c.strays == 1 {
			text = "one of its lines answers nothing: " + c.stray[0]
		}
		add("predictor_output", cut(text, maxText))
	}
	return findings
}
