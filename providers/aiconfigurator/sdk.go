package aiconfigurator

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"aicv/kit/pytool"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// program asks the tool's SDK; the tool's own interpreter runs it.
//
//go:embed estimate.py
var program string

// protocol is the version of what our program and we say to each other.
const protocol = 1

// The bounds on one process.
const (
	maxAnswer   = 256 << 20       // bytes of all lines
	maxRestarts = 8               // after a point on which the process died
	stall       = 3 * time.Minute // without a line: the point in work is given up
)

// wireRequest is what our program reads.
type wireRequest struct {
	Want    string      `json:"want"` // "estimate" or "support"
	Systems []string    `json:"systems_paths,omitempty"`
	Points  []wirePoint `json:"points"`
}

// wireLine is any line that our program prints: the header, a point, or the end.
type wireLine struct {
	AICV     int      `json:"aicv"`
	Version  string   `json:"version"`
	Core     string   `json:"core"`
	Python   string   `json:"python"`
	Memo     string   `json:"memo"`     // why version look-ups are not remembered
	Unusable string   `json:"unusable"` // why the SDK can not be used
	Done     *int     `json:"done"`
	Point    *int     `json:"point"`
	Answer   estimate `json:"answer"`
	Support  *struct {
		Supported bool   `json:"supported"`
		Why       string `json:"why"`
		Nearest   string `json:"nearest"`
	} `json:"support"`
	Error    string   `json:"error"`
	Kind     string   `json:"kind"`
	Warnings []string `json:"warnings"`
	Loading  []string `json:"loading"`
}

// errUnusable says that this tool's SDK can not be asked.
type errUnusable struct{ why string }

func (e *errUnusable) Error() string { return "its SDK can not be used: " + e.why }

// outcome is what came of one point.
type outcome struct {
	done bool
	line wireLine
	lost string // why nothing came of it: the process died or hung on it
}

// sdk asks the tool's SDK.
type sdk struct {
	*settings
	tool  *pytool.Tool
	stall time.Duration
}

// ask puts all points to one process. Where the process dies or hangs on a point, that
// point is given up and another process answers the rest.
func (s *sdk) ask(ctx context.Context, want string, points []wirePoint) ([]outcome, *wireLine, error) {
	ctx, stop := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("it took longer than %s", s.timeout))
	defer stop()
	outcomes := make([]outcome, len(points))
	index := make(map[int]int, len(points))
	for i := range points {
		index[points[i].Point] = i
	}
	var header *wireLine
	for restarts := 0; ; restarts++ {
		c := &conversation{outcomes: outcomes, index: index}
		ended, err := s.run(ctx, want, open(points, outcomes), c)
		if err != nil {
			return nil, nil, err
		}
		if c.header != nil {
			header = c.header
		}
		rest := open(points, outcomes)
		switch {
		case len(rest) == 0:
			return outcomes, header, nil
		case ctx.Err() != nil || c.broken != nil || c.header == nil || restarts == maxRestarts:
			return outcomes, header, s.abandon(ctx, outcomes, c, &ended)
		}
		outcomes[index[rest[0].Point]].lost = "the tool did not survive this point: " + failed(&ended)
	}
}

// greet starts our program without points and returns its header.
func (s *sdk) greet(ctx context.Context) (*wireLine, error) {
	ctx, stop := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("it took longer than %s", s.timeout))
	defer stop()
	c := &conversation{}
	ended, err := s.run(ctx, "estimate", []wirePoint{}, c)
	if err == nil && (c.header == nil || c.broken != nil || !ended.OK()) {
		err = s.abandon(ctx, nil, c, &ended)
	}
	return c.header, err
}

// open lists the points of which nothing came yet.
func open(points []wirePoint, outcomes []outcome) []wirePoint {
	var rest []wirePoint
	for i := range points {
		if o := &outcomes[i]; !o.done && o.lost == "" {
			rest = append(rest, points[i])
		}
	}
	return rest
}

// abandon says of the points without an outcome why there is none; an error where there
// is none of any point.
func (s *sdk) abandon(ctx context.Context, outcomes []outcome, c *conversation, ended *subprocess.Ended) error {
	why := failed(ended)
	if c.broken != nil {
		why = c.broken.Error()
	}
	answered := false
	for i := range outcomes {
		answered = answered || outcomes[i].done
		if !outcomes[i].done && outcomes[i].lost == "" {
			outcomes[i].lost = "not answered: " + why
		}
	}
	if answered {
		return nil
	}
	e := &spec.Error{Kind: spec.ErrUsage, Summary: s.address + ": the tool answered nothing: " + why, Detail: strings.TrimSpace(ended.Stderr),
		Fix: "aicv doctor looks at the installation; driver = \"cli\" asks by the command line"}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		e.Kind = spec.ErrInterrupted
	}
	return e
}

// failed says how a process that did not finish ended.
func failed(e *subprocess.Ended) string {
	switch last := pytool.LastLine(e.Stderr); {
	case e.Cause != nil:
		return e.Cause.Error()
	case last != "":
		return tidy(e.String() + ": " + last)
	case e.OK():
		return "it ended early"
	}
	return e.String()
}

// run starts one process for the points.
func (s *sdk) run(ctx context.Context, want string, points []wirePoint, c *conversation) (subprocess.Ended, error) {
	request, err := json.Marshal(wireRequest{Want: want, Systems: s.systems, Points: points})
	if err != nil {
		return subprocess.Ended{}, s.wrong("the request can not be written: "+err.Error(), "this is a defect of aicv, please report it")
	}
	empty, err := os.MkdirTemp("", "aicv-aiconfigurator-") // Python imports from where it runs
	if err != nil {
		return subprocess.Ended{}, fmt.Errorf("make a folder to run in: %w", err)
	}
	defer os.RemoveAll(empty)
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	watch := time.AfterFunc(s.stall, func() { kill(fmt.Errorf("it said nothing for %s", s.stall)) })
	defer watch.Stop()
	ended, err := subprocess.Run(ctx, subprocess.Command{
		Args: []string{s.tool.Python, "-c", program}, Dir: empty, Stdin: request, Env: environment(),
		Line: func(line []byte) {
			watch.Reset(s.stall)
			if err := c.line(line); err != nil {
				kill(err)
			}
		},
	})
	if err != nil {
		return ended, &spec.Error{Kind: spec.ErrUsage, Summary: s.address + ": the interpreter " + s.tool.Python + " can not be started", Cause: err, Fix: install}
	}
	if c.header != nil && c.header.Unusable != "" {
		return ended, &errUnusable{tidy(c.header.Unusable)}
	}
	return ended, nil
}

// environment is ours, with the tool's notices of deprecation off and text in UTF-8.
func environment() []string {
	return append(os.Environ(), "PYTHONWARNINGS=ignore", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1")
}

// conversation follows what one process says.
type conversation struct {
	outcomes []outcome
	index    map[int]int // point to outcome
	header   *wireLine
	size     int
	broken   error
}

// line takes the next line; an error ends the conversation.
func (c *conversation) line(line []byte) error {
	c.size += len(line)
	switch {
	case c.broken != nil || len(bytes.TrimSpace(line)) == 0:
		return c.broken
	case c.size > maxAnswer:
		c.broken = fmt.Errorf("it printed more than %d MiB", maxAnswer>>20)
		return c.broken
	}
	var w wireLine
	if err := json.Unmarshal(line, &w); err != nil {
		c.broken = fmt.Errorf("it printed what is no answer: %s", tidy(string(line[:min(len(line), 200)])))
		return c.broken
	}
	c.broken = c.accept(&w)
	return c.broken
}

func (c *conversation) accept(w *wireLine) error {
	switch {
	case c.header == nil && w.AICV != protocol:
		return errors.New("it began without a header")
	case c.header == nil:
		c.header = w
		return nil
	case w.Done != nil:
		return nil
	case w.Point == nil:
		return errors.New("it printed a line that names no point")
	}
	at, known := c.index[*w.Point]
	if !known || c.outcomes[at].done {
		return fmt.Errorf("it answered point %d, which was not asked for or answered before", *w.Point)
	}
	c.outcomes[at] = outcome{done: true, line: *w}
	return nil
}
