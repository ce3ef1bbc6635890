package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/kit/text"
	"aicv/spec"
)

// target runs servers as processes of this host.
type target struct {
	settings
	work     string // folder of records and logs
	dir      string // working folder of servers
	getenv   func(string) (string, bool)
	locks    string             // folder of the host's reservations
	now      func(point string) // told where a start stands, for tests that crash there
	run      gpu.Runner         // asks for the GPUs
	patience time.Duration      // for processes that are just leaving a GPU
	settling time.Duration      // from the record of a start to a process with its labels
	held     lock.Held          // reservations of what was started here, by folder
}

func newTarget(c *spec.Component, env spec.Env) (spec.Target, error) {
	s, err := parseSettings(c)
	if err != nil {
		return nil, err
	}
	return &target{settings: s, work: env.WorkDir, dir: env.SuiteDir, getenv: env.Getenv, locks: lock.Folder(),
		now: func(string) {}, run: gpu.Run, patience: gpuPatience, settling: settling}, nil
}

// Managed is true: what runs here was started here.
func (t *target) Managed() bool { return true }

// Find lists the servers of a suite that run, or left a record or processes behind.
func (t *target) Find(ctx context.Context, suite, key string) ([]spec.Server, error) {
	if suite == "" {
		return nil, usage("a server can not be found without its suite", "this is a defect of aicv, please report it")
	}
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	records, err := t.records(suite)
	if err != nil {
		return nil, err
	}
	labelled, err := t.settled(ctx, suite, records)
	if err != nil {
		return nil, err
	}
	byKey := map[string]spec.Server{}
	for _, r := range records {
		byKey[r.Key] = r.server()
	}
	boot, err := bootID()
	if err != nil {
		return nil, broken("can not identify the host's boot", err)
	}
	for l, group := range labelled {
		k := l.key
		byKey[k] = withProcesses(byKey[k], group, boot)
	}
	var servers []spec.Server
	for k, server := range byKey {
		if key == "" || k == key {
			servers = append(servers, server)
		}
	}
	slices.SortFunc(servers, func(a, b spec.Server) int { return strings.Compare(a.Key, b.Key) })
	return servers, nil
}

// settling is how long a process may take from its record to its labels: the kernel shows
// a new one with its parent's environment, and then for a moment with none.
const settling = 2 * time.Second

// settled finds the processes of a suite. An aicv that was killed in the middle of a start
// may have left one that does not show its labels yet: it is waited for, because nobody
// would find it any more once the record is gone.
func (t *target) settled(ctx context.Context, suite string, records []*record) (map[owned][]labelledProcess, error) {
	for began := time.Now(); ; {
		labelled, err := labelledProcesses(func(l labels) bool { return l.suite == suite })
		starting := func(r *record) bool {
			return r.PID == 0 && len(labelled[owned{suite, r.Key}]) == 0 && t.age(r) < t.settling
		}
		if err != nil || time.Since(began) >= t.settling || !slices.ContainsFunc(records, starting) {
			return labelled, err
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx.Err())
		case <-time.After(slowestLook):
		}
	}
}

// age is how long ago a record was written.
func (t *target) age(r *record) time.Duration {
	info, err := os.Stat(filepath.Join(t.folder(r.Suite, r.Key), fileRecord))
	if err != nil {
		return t.settling // it is gone
	}
	return time.Since(info.ModTime())
}

// labelledProcess is a process that carries a suite's labels.
type labelledProcess struct {
	process
	labels
}

// owned names one server among all suites'.
type owned struct{ suite, key string }

// labelledProcesses finds the processes of the wanted servers, oldest first.
func labelledProcesses(wanted func(labels) bool) (map[owned][]labelledProcess, error) {
	all, err := processes()
	if err != nil {
		return nil, broken("can not look for servers", err)
	}
	found := map[owned][]labelledProcess{}
	for _, p := range all {
		if p.ended() || p.pid == os.Getpid() {
			continue
		}
		if l := readLabels(p.pid); l.key != "" && wanted(l) {
			of := owned{l.suite, l.key}
			found[of] = append(found[of], labelledProcess{p, l})
		}
	}
	for _, group := range found {
		slices.SortFunc(group, func(a, b labelledProcess) int { return cmp.Or(cmp.Compare(a.start, b.start), a.pid-b.pid) })
	}
	return found, nil
}

// withProcesses completes what a record says by the processes that are there. The
// leader is the one that the record names, else the oldest that leads a session.
func withProcesses(server spec.Server, group []labelledProcess, boot string) spec.Server {
	first := group[0]
	server.Suite, server.Key = first.suite, first.key
	server.URL, server.ModelName = cmp.Or(server.URL, first.url), cmp.Or(server.ModelName, first.model)
	if known := parseIdentity(server.ID); known.Boot == boot {
		return server
	}
	server.ID = ""
	for _, p := range group {
		if p.session == p.pid {
			server.ID = identity{boot, p.pid, p.start}.String()
			break
		}
	}
	return server
}

// Status says whether the server's leader runs. A server whose end nobody of this host
// kept is reported as ended by an unknown signal.
func (t *target) Status(ctx context.Context, server spec.Server) (spec.ServerStatus, error) {
	if err := ctx.Err(); err != nil {
		return spec.ServerStatus{}, interrupted(err)
	}
	p, there, err := lookUp(parseIdentity(server.ID))
	if err != nil {
		return spec.ServerStatus{}, broken("can not read the status of "+server.Key, err)
	}
	switch {
	case !there:
		return spec.ServerStatus{ExitCode: -1, Signal: spec.SignalUnknown}, nil
	case !p.ended():
		return spec.ServerStatus{Running: true}, nil
	case p.exit.Signaled():
		return spec.ServerStatus{ExitCode: -1, Signal: p.exit.Signal().String()}, nil
	}
	return spec.ServerStatus{ExitCode: p.exit.ExitStatus()}, nil
}

// lookUp finds exactly the process that was meant; false where it is gone, its id used
// again or the host booted since.
func lookUp(id identity) (process, bool, error) {
	if id.PID == 0 {
		return process{}, false, nil
	}
	boot, err := bootID()
	if err != nil || boot != id.Boot {
		return process{}, false, err
	}
	p, ok := readProcess(id.PID)
	return p, ok && p.start == id.Start, nil
}

// maxLog bounds what Log returns.
const maxLog = 16 << 20

// Log returns the last bytes of the server's log, from the beginning of a line.
func (t *target) Log(ctx context.Context, server spec.Server, bytes int) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", interrupted(err)
	}
	path := filepath.Join(t.folder(server.Suite, server.Key), fileLog)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", broken("can not read the log "+path, err)
	}
	defer func() { _ = file.Close() }() // only read
	tail, err := readTail(file, int64(min(max(bytes, 0), maxLog)))
	if err != nil {
		return "", broken("can not read the log "+path, err)
	}
	return tail, nil
}

// readTail reads the last n bytes. A line that was cut is left out, unless it is all
// that there is.
func readTail(file *os.File, n int64) (string, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	from := max(0, size-n)
	tail := make([]byte, size-from)
	read, err := file.ReadAt(tail, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if from > 0 {
		return text.FromLine(string(tail[:read])), nil
	}
	return string(tail[:read]), nil
}

// url is where the server is asked; servers that listen on all addresses are asked at
// loopback.
func (t *target) url(port int) string {
	host := t.host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// lockKey keeps others from starting or stopping the same server meanwhile.
func (t *target) lockKey(ctx context.Context, folder string) (*os.File, error) {
	const pause = 10 * time.Millisecond
	for {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not make the server's folder", Cause: err, Fix: "check the rights and the space of " + t.work}
		}
		file, err := lock.Try(filepath.Join(folder, fileLock), lock.Holder{PID: os.Getpid()})
		if err == nil {
			return file, nil
		}
		if !isHeld(err) && !errors.Is(err, fs.ErrNotExist) { // the folder may just have been pruned
			return nil, broken("can not lock the server's folder", err)
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx.Err())
		case <-time.After(pause):
		}
	}
}

func broken(summary string, err error) error {
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Cause: err, Fix: "check /proc, the rights and the space of this host"}
}

func interrupted(err error) error {
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "the work on the server was interrupted", Cause: err}
}

// describe names a start in messages.
func describe(request *spec.StartRequest) string { return fmt.Sprintf("server %s", request.Key) }
