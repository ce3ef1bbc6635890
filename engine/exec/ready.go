package exec

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// probe asks a server's readiness paths.
type probe interface {
	// get returns the status code and the start of the body.
	get(ctx context.Context, url string) (int, []byte, error)
	// post sends a JSON document and returns the same.
	post(ctx context.Context, url string, document []byte) (int, []byte, error)
	close()
}

// probeBody bounds what is read of an answer.
const probeBody = 1 << 20

type httpProbe struct{ client *http.Client }

// newHTTPProbe uses no proxy: servers are asked where their target says that they are.
func newHTTPProbe() probe {
	return httpProbe{&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}}
}

func (p httpProbe) get(ctx context.Context, url string) (int, []byte, error) {
	return p.ask(ctx, http.MethodGet, url, nil)
}

func (p httpProbe) post(ctx context.Context, url string, document []byte) (int, []byte, error) {
	return p.ask(ctx, http.MethodPost, url, bytes.NewReader(document))
}

func (p httpProbe) ask(ctx context.Context, method, url string, document io.Reader) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, document)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", url, err)
	}
	if document != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, probeBody))
	return response.StatusCode, body, err
}

func (p httpProbe) close() { p.client.CloseIdleConnections() }

func (g *group) readyTimeout() time.Duration {
	if g.spec.Ready.Timeout > 0 {
		return g.spec.Ready.Timeout
	}
	return readyTimeout
}

// waiting is one wait for readiness.
type waiting struct {
	x       *executor
	g       *group
	began   time.Time
	adopted bool // its log may have lost the line that it was ready by
	pattern *regexp.Regexp
	log     string
	shown   string    // the last log line that was announced
	moved   time.Time // when it was
	cause   string    // why it is not ready yet
	deaf    int       // how often in a row its status could not be read
	loading *loading  // what the log says of the way
}

// deafLimit is how often in a row a status may be unreadable.
const deafLimit = 5

// awaitReady polls until the server is ready, has exited or takes too long.
func (x *executor) awaitReady(g *group, began time.Time, limit time.Duration, adopted bool) error {
	w := &waiting{x: x, g: g, began: began, adopted: adopted, moved: time.Now()}
	loading, err := newLoading(g)
	if err != nil {
		return err
	}
	w.loading = loading
	if p := g.spec.Ready.LogPattern; p != "" {
		pattern, err := regexp.Compile(p)
		if err != nil {
			return &spec.Error{Kind: spec.ErrUsage, Summary: g.cell.Runtime.Address() + ": its readiness pattern is no regular expression", Cause: err}
		}
		w.pattern = pattern
	}
	ctx, cancel := context.WithTimeout(x.graceful, limit)
	defer cancel()
	for delay := firstPoll; ; delay = min(2*delay, slowestPoll) {
		ready, err := w.look(ctx)
		if ready || err != nil {
			return err
		}
		if w.rest(ctx, delay); ctx.Err() != nil {
			return w.late(limit)
		}
	}
}

// rest waits between two looks, at most until a server that did not answer does: an
// engine's wait must not be longer for our looking seldom.
func (w *waiting) rest(ctx context.Context, delay time.Duration) {
	over := time.Now().Add(delay)
	for deaf := !w.listens(ctx); ; {
		left := time.Until(over)
		if left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(left, firstPoll)):
		}
		if deaf && left > firstPoll && w.listens(ctx) {
			return
		}
	}
}

// listens reports whether all servers answer where their health or their models are.
func (w *waiting) listens(ctx context.Context) bool {
	path := cmp.Or(w.g.spec.Ready.HealthPath, w.g.spec.Ready.ModelsPath)
	if path == "" {
		return true
	}
	return !slices.ContainsFunc(each(w.g.up.server), func(s spec.Server) bool {
		_, err := w.fetch(ctx, s.URL, path)
		return err != nil
	})
}

// look is one poll.
func (w *waiting) look(ctx context.Context) (bool, error) {
	status, err := ask(ctx, func(ctx context.Context) (spec.ServerStatus, error) { return w.g.target.Status(ctx, w.g.up.server) })
	if err != nil {
		if w.deaf++; w.deaf >= deafLimit && ctx.Err() == nil {
			return false, fmt.Errorf("the status of %s can not be read: %w", w.g.address(), err)
		}
		w.cause = err.Error()
		return false, nil
	}
	w.deaf = 0
	w.readLog(ctx)
	if !status.Running {
		return false, w.g.atStart(w.g.exited(status, w.log, "before it was ready"))
	}
	if !w.g.target.Managed() || w.answers(ctx) {
		return true, nil
	}
	if err := w.overdue(); err != nil {
		return false, err
	}
	w.x.progress(w.g.deploy, w.loading.phase(), w.began, w.moved)
	return false, nil
}

// ask bounds one call to a target.
func ask[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return call(ctx)
}

// readLog announces the engine's own last log line.
func (w *waiting) readLog(ctx context.Context) {
	log, err := ask(ctx, func(ctx context.Context) (string, error) { return w.g.target.Log(ctx, w.g.up.server, logTail) })
	if err != nil {
		return // the log is evidence, not a condition
	}
	w.log = log
	w.loading.read(log, time.Now())
	if line := lastLine(log); line != "" && line != w.shown {
		w.shown, w.moved = line, time.Now()
		w.x.emit(spec.Event{Type: spec.EventServerLog, Node: w.g.deploy, Kind: string(engine.NodeDeploy), Subject: w.g.address(), Message: line})
	}
}

// answers reports whether all conditions of readiness hold.
func (w *waiting) answers(ctx context.Context) bool {
	ready := w.g.spec.Ready
	if w.pattern != nil && !w.adopted && !matchesLine(w.pattern, w.log) {
		w.cause = fmt.Sprintf("no log line matches %q", ready.LogPattern)
		return false
	}
	for _, server := range each(w.g.up.server) {
		if err := w.answersAt(ctx, &server); err != nil {
			w.cause = err.Error()
			return false
		}
	}
	return true
}

// answersAt asks one server for its health, its models and a generation.
func (w *waiting) answersAt(ctx context.Context, server *spec.Server) error {
	ready := w.g.spec.Ready
	if ready.HealthPath != "" {
		if _, err := w.fetch(ctx, server.URL, ready.HealthPath); err != nil {
			return err
		}
	}
	if ready.ModelsPath != "" {
		body, err := w.fetch(ctx, server.URL, ready.ModelsPath)
		if err == nil {
			err = serves(body, server.ModelName)
		}
		if err != nil {
			return err
		}
	}
	if !ready.Generate {
		return nil
	}
	return w.generates(ctx, server)
}

func (w *waiting) fetch(ctx context.Context, url, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	code, body, err := w.x.probe.get(ctx, url+path)
	if err != nil {
		return nil, err
	}
	if code != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", path, code)
	}
	return body, nil
}

// serves checks that a list of models names the one that is to be measured.
func serves(body []byte, model string) error {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("its list of models can not be read: %w", err)
	}
	names := make([]string, len(list.Data))
	for i, m := range list.Data {
		names[i] = m.ID
	}
	if model != "" && !slices.Contains(names, model) {
		return fmt.Errorf("it serves %s, not %q", strings.Join(names, ", "), model)
	}
	return nil
}

// late explains a wait that ended without readiness.
func (w *waiting) late(limit time.Duration) error {
	if w.x.interrupted() {
		return errInterrupted
	}
	if cause, known := w.g.runtime.Diagnose(w.log); known {
		return w.g.atStart(cause)
	}
	summary := fmt.Sprintf("%s was not ready after %s", w.g.address(), limit)
	if w.cause != "" {
		summary += ": " + w.cause
	}
	if line := lastLine(w.log); line != "" {
		summary += "; its last log line: " + line
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Detail: lastLines(w.log, shownLines),
		Fix: "see its log; a slow load needs a longer ready timeout"}
}

// exited explains why a server ended. The runtime's reading of the log comes first.
// Without one, an end by an outside signal or a taken port is the host's, and an
// engine that left by itself died of its configuration.
func (g *group) exited(status spec.ServerStatus, log, when string) *spec.Error {
	if !g.target.Managed() {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: g.address() + " does not answer any more", Fix: "somebody else runs it: see its log"}
	}
	how := fmt.Sprintf("exited with code %d", status.ExitCode)
	switch status.Signal {
	case "":
	case spec.SignalUnknown:
		how = "ended, and nobody kept how,"
	default:
		how = "was ended by a signal (" + status.Signal + ")"
	}
	if status.Why != "" {
		how += " (" + status.Why + ")"
	}
	e := &spec.Error{Kind: spec.ErrConfiguration, Summary: fmt.Sprintf("%s %s %s", g.address(), how, when), Detail: lastLines(log, shownLines)}
	cause, known := g.runtime.Diagnose(log)
	switch {
	case endedFromOutside(status):
		e.Kind, e.Fix = spec.ErrInfrastructure, "find out who killed it: a person, a batch system, or the kernel when memory ran out"
	case known:
		e.Kind, e.Cause, e.Fix = cause.Kind, errors.New(cause.Summary), cause.Fix
	case portTaken(log):
		e.Kind, e.Fix = spec.ErrInfrastructure, "another process took its port; the next attempt gets another one"
	case status.Signal == spec.SignalUnknown: // an unexplained end must not count against the prediction
		e.Kind, e.Fix = spec.ErrInfrastructure, "it ended while nobody watched: read its log"
	default:
		e.Fix = "read its log"
		if line := lastLine(log); line != "" {
			e.Cause = errors.New(line)
		}
	}
	return e
}

// atStart is what an error of a bring-up means. An engine that was ready in this
// configuration before does not refuse it.
func (g *group) atStart(cause *spec.Error) error {
	if !g.wasReady || cause.Kind != spec.ErrConfiguration {
		return cause
	}
	again := *cause
	again.Kind = spec.ErrInfrastructure
	return &again
}

// endedFromOutside reports an end by a signal that an engine does not send itself. A
// launcher whose child was ended so exits with 128 and the signal's number.
func endedFromOutside(s spec.ServerStatus) bool {
	if s.ExitCode == 128+9 || s.ExitCode == 128+15 {
		return true
	}
	return slices.Contains([]string{"killed", "terminated", "interrupt", "hangup", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"}, s.Signal)
}

func portTaken(log string) bool {
	return strings.Contains(strings.ToLower(log), "address already in use")
}

func matchesLine(pattern *regexp.Regexp, log string) bool {
	for line := range strings.Lines(log) {
		if pattern.MatchString(strings.TrimRight(line, "\r\n")) {
			return true
		}
	}
	return false
}

// lastLines returns the last n lines that are not blank.
func lastLines(log string, n int) string {
	lines := strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' })
	lines = slices.DeleteFunc(lines, func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func lastLine(log string) string { return strings.TrimSpace(lastLines(log, 1)) }
