package loadgen

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aicv/providers/sim"
	"aicv/spec"
)

// pipes is a listener whose connections are in memory, so that they work in virtual
// time.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
	dials       atomic.Int64
}

func newPipes() *pipes {
	return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.connections <- theirs:
		p.dials.Add(1)
		return ours, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// simulated is a simulator behind pipes.
type simulated struct {
	pipes *pipes
	log   *bytes.Buffer
	stop  func()
}

// startSim runs a simulator; stop it inside the same bubble.
func startSim(t *testing.T, args ...string) *simulated {
	t.Helper()
	server, err := sim.NewServer(append([]string{"--model", "m"}, args...))
	if err != nil {
		t.Fatalf("make the simulator: %v", err)
	}
	s := &simulated{pipes: newPipes(), log: &bytes.Buffer{}}
	server.LogRequestsTo(s.log)
	front := &http.Server{Handler: server.Handler()}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = front.Serve(s.pipes) })
	group.Go(func() {
		if err := server.Run(ctx); err != nil {
			_ = front.Close()
		}
	})
	s.stop = func() {
		_ = s.pipes.Close()
		cancel()
		_ = front.Close()
		group.Wait()
	}
	return s
}

// startHandler runs any HTTP handler behind pipes.
func startHandler(handler http.Handler) *simulated {
	s := &simulated{pipes: newPipes()}
	front := &http.Server{Handler: handler}
	var group sync.WaitGroup
	group.Go(func() { _ = front.Serve(s.pipes) })
	s.stop = func() {
		_ = s.pipes.Close()
		_ = front.Close()
		group.Wait()
		time.Sleep(10 * time.Millisecond) // handlers that are cut off come to their end
	}
	return s
}

// bench makes a benchmark that dials the pipes.
func (s *simulated) bench(t *testing.T, attrs spec.Attrs) *benchmark {
	t.Helper()
	made, err := newBenchmark(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "test", Attrs: attrs}, spec.Env{})
	if err != nil {
		t.Fatalf("make the benchmark: %v", err)
	}
	b, ok := made.(*benchmark)
	if !ok {
		t.Fatalf("a %T was made", made)
	}
	b.dial = s.pipes.dial
	return b
}

// records reads the simulator's request log.
func (s *simulated) records(t *testing.T) []sim.RequestRecord {
	t.Helper()
	return readRecords(t, s.log.Bytes())
}

func readRecords(t *testing.T, log []byte) []sim.RequestRecord {
	t.Helper()
	var records []sim.RequestRecord
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r sim.RequestRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("read the request log: %v", err)
		}
		records = append(records, r)
	}
	return records
}

// request is a run's order at a concurrency and lengths.
func request(concurrency, input, output int) spec.RunRequest {
	return spec.RunRequest{Server: spec.Server{URL: "http://memory", ModelName: "m"}, GPUs: 1,
		Load: spec.Load{Concurrency: concurrency, InputTokens: input, OutputTokens: output}, Sampling: spec.Sampling{Seed: 7}}
}
