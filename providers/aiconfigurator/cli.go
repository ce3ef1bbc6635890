package aiconfigurator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"aicv/kit/pytool"
	"aicv/kit/subprocess"
)

// cli asks the tool by its command line, one process for each point.
type cli struct {
	*settings
	tool *pytool.Tool
	why  string // why not by the SDK
}

// maxWorkers bounds the processes at the same time; each takes seconds of a core and
// several hundred MiB.
const maxWorkers = 4

// ask asks for every point.
func (c *cli) ask(ctx context.Context, questions []question, wire []wirePoint) ([]outcome, error) {
	ctx, stop := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("it took longer than %s", c.timeout))
	defer stop()
	outcomes := make([]outcome, len(wire))
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(maxWorkers, runtime.NumCPU(), len(wire)) {
		workers.Go(func() {
			for i := range next {
				outcomes[i] = c.one(ctx, &questions[wire[i].Point])
			}
		})
	}
	for i := range wire {
		next <- i
	}
	close(next)
	workers.Wait()
	if i := slices.IndexFunc(outcomes, func(o outcome) bool { return o.done }); i < 0 {
		return nil, c.wrong("the command line answered nothing: "+outcomes[0].lost, "run it by hand: "+c.tool.Command+" cli estimate --help")
	}
	return outcomes, nil
}

// one asks for one point.
func (c *cli) one(ctx context.Context, q *question) outcome {
	empty, err := os.MkdirTemp("", "aicv-aiconfigurator-")
	if err != nil {
		return outcome{lost: "no folder to run in: " + err.Error()}
	}
	defer os.RemoveAll(empty)
	var out strings.Builder
	argv := append([]string{c.tool.Command}, q.argv(c.versionFor(q))...)
	argv = append(argv, "--no-color")
	if len(c.systems) > 0 {
		argv = append(argv, "--systems-paths", strings.Join(c.systems, ","))
	}
	ended, err := subprocess.Run(ctx, subprocess.Command{Args: argv, Dir: empty, Env: environment(), Line: func(line []byte) {
		if out.Len() < maxAnswer {
			out.Write(line)
			out.WriteByte('\n')
		}
	}})
	if err != nil {
		return outcome{lost: err.Error()}
	}
	o := c.outcome(&ended, out.String()+ended.Partial)
	o.line.Answer.MoE = q.wire.Arguments.MoETP+q.wire.Arguments.MoEEP > 0
	return o
}

// versionFor is the version of the database to ask for. The command line does not say
// which there are, so only a declared one is asked for.
func (c *cli) versionFor(q *question) string { return q.wire.Database }

// outcome reads what one process said and how it ended.
func (c *cli) outcome(ended *subprocess.Ended, stdout string) outcome {
	if ended.Cause != nil || ended.Signal != "" {
		return outcome{lost: "not answered: " + failed(ended)}
	}
	if ended.Code != 0 {
		text := lastError(ended.Stderr, stdout)
		return outcome{done: true, line: wireLine{Error: text, Kind: kindOf(text, ended.Code)}}
	}
	e, err := readBox(stdout)
	if err != nil {
		return outcome{done: true, line: wireLine{Error: "it ended well and gave no result: " + err.Error(), Kind: "other"}}
	}
	e.estimate.hidden = "asked by the command line, because " + c.why + ": it hides where figures come from" + e.unseen()
	return outcome{done: true, line: wireLine{Answer: e.estimate, Warnings: e.warnings, Loading: e.loading}}
}

// lastError is what a failed command says: on standard error, else its last log line of
// an error.
func lastError(stderr, stdout string) string {
	last := pytool.LastLine(stderr)
	if _, text, ok := strings.Cut(last, ": error: "); ok { // argparse
		return text
	}
	if last == "" {
		for line := range strings.Lines(stdout) {
			if l, ok := readLog(strings.TrimSpace(line)); ok && l.level == "E" {
				last = l.text
			}
		}
	}
	for _, prefix := range []string{"Error: ", "RuntimeError: ", "ValueError: "} {
		last = strings.TrimPrefix(last, prefix)
	}
	if last == "" {
		return "it failed and said nothing"
	}
	return last
}

// kindOf says what a failure of the command line means.
func kindOf(text string, code int) string {
	switch {
	case strings.HasPrefix(text, "OOM:"):
		return "memory"
	case strings.Contains(text, "is not a valid HuggingFace model path"):
		return "model"
	case strings.Contains(text, "perf data") || strings.Contains(text, "DataNotAvailable"):
		return "data"
	case code == 1 || code == 2:
		return "request"
	}
	return "other"
}

// errNoBox says that no result was printed.
var errNoBox = errors.New("it printed no result")
