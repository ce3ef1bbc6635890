package sim

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"aicv/spec"
)

// Server is one simulated engine with its HTTP interface.
type Server struct {
	settings settings
	engine   *engine
	requests atomic.Int64
	log      *requestLog
	readyAt  time.Time
	aborted  chan struct{} // closed when connections must go
}

// NewServer makes a server from the arguments that follow `aicv serve sim`. It
// listens on nothing and starts nothing. The error is a *spec.Error of kind
// configuration where the engine refuses its settings.
func NewServer(args []string) (*Server, error) {
	s, err := parseSettings(args)
	if err != nil {
		return nil, err
	}
	gemm, _ := gemmFactor(s.gemmQuant) // parseSettings has refused unknown ones
	kv, _ := kvFactor(s.kvQuant)
	seed := s.seedValue()
	capacity := s.kvCapacity()
	core := &scheduler{limits: limits{s.batchTokens, s.batchSize, capacity, s.chunked}}
	if s.faults.version != "" {
		s.version = s.faults.version
	}
	if s.prefixCache {
		core.prefix = newPrefixCache(capacity)
	}
	cost := s.cost.scaled(s.tensorParallel, gemm, kv)
	server := &Server{settings: s, readyAt: time.Now().Add(s.faults.slowStart), aborted: make(chan struct{}),
		engine: newEngine(core, cost, newNoise(s.stepNoise, s.startNoise, seed), s.faults.crashAfterRequests)}
	server.engine.lower, server.engine.lowerAfter = s.lowered(core.limits), s.faults.lowerAfter
	server.engine.lowerLimits()
	if s.requestLog != "" {
		file, err := os.OpenFile(s.requestLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, badConfiguration("open the request log: %w", err)
		}
		server.log = &requestLog{out: file, owned: file}
	}
	server.settings.seed = fmt.Sprint(seed) // faults draw from the seed that this start has
	return server, nil
}

// LogRequestsTo makes the server write each request's timestamps to w as JSON
// lines, instead of to the file that its arguments name.
func (s *Server) LogRequestsTo(w io.Writer) { s.log = &requestLog{out: w} }

// Run runs the engine until ctx ends. An error means that the engine crashed.
func (s *Server) Run(ctx context.Context) error {
	err := s.engine.run(ctx)
	close(s.aborted)
	return err
}

// Close closes the request log.
func (s *Server) Close() error { return s.log.close() }

// Handler is the HTTP interface.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) { s.complete(w, r, chat) })
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) { s.complete(w, r, completion) })
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": s.settings.version})
	})
	mux.HandleFunc("GET /server_info", s.info)
	mux.HandleFunc("POST /flush_cache", s.flush)
	return mux
}

func (s *Server) ready() bool {
	return !s.settings.faults.neverReady && !time.Now().Before(s.readyAt)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.ready() {
		http.Error(w, "loading weights", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	if !s.ready() {
		http.Error(w, "loading weights", http.StatusServiceUnavailable)
		return
	}
	type model struct {
		ID          string `json:"id"`
		Object      string `json:"object"`
		OwnedBy     string `json:"owned_by"`
		MaxModelLen int    `json:"max_model_len"`
	}
	writeJSON(w, http.StatusOK, struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", []model{{s.settings.model, "model", "aicv-sim", s.settings.maxSequence}}})
}

// flush empties the prefix cache, as real engines do where no request runs.
func (s *Server) flush(w http.ResponseWriter, _ *http.Request) {
	if s.settings.faults.keepCache {
		http.Error(w, "fault: the prefix cache is kept on demand", http.StatusBadRequest)
		return
	}
	s.engine.flush()
	w.WriteHeader(http.StatusOK)
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	if s.settings.faults.hideConfiguration {
		http.Error(w, "fault: the configuration is not reported on demand", http.StatusNotFound)
		return
	}
	writeJSON(w, http.StatusOK, serverInfo{Engine: "aicv-sim", Version: s.settings.version, Model: s.settings.model,
		KVCacheTokens: s.settings.kvCapacity(), Configuration: s.settings.effective(s.engine.inForce())})
}

// writeJSON answers with a JSON body.
func writeJSON[T any](w http.ResponseWriter, status int, body T) {
	data, err := json.Marshal(body)
	if err != nil { // our own types always marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that is gone needs no answer
}

// Serve runs the embedded server, as `aicv serve sim ARGS...`, until ctx ends. Its
// log goes to stderr; a fatal error is logged there in the form that Diagnose reads.
// Asked for help it lists its flags and succeeds.
func Serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if _, err := parseSettings(args); errors.Is(err, flag.ErrHelp) {
		return printFlags(stdout)
	}
	err := serve(ctx, args, stderr)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s ERROR aicv-sim fatal [%s] %v\n", time.Now().Format(time.RFC3339), causeOf(err), causeText(err))
	}
	return err
}

// printFlags lists the server's flags with their defaults.
func printFlags(out io.Writer) error {
	var s settings
	f := s.flags()
	f.SetOutput(out)
	_, err := fmt.Fprint(out, "The simulated inference engine, behind the OpenAI HTTP interface.\n\n"+
		"Usage:\n  aicv serve sim [flags]\n\nExamples:\n  aicv serve sim --listen 127.0.0.1:8000 --model meta-llama/Llama-3.1-8B-Instruct\n\nFlags:\n")
	f.PrintDefaults()
	return err
}

func serve(ctx context.Context, args []string, stderr io.Writer) (err error) {
	server, err := NewServer(args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if server.settings.faults.crashAtStart {
		if !sleepUntil(ctx, server.readyAt) {
			return nil
		}
		return errMemory
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", server.settings.listen)
	if err != nil {
		return fmt.Errorf("%w: %w", errListen, err)
	}
	_, _ = fmt.Fprintf(stderr, "%s INFO aicv-sim %s serves %s on http://%s\n",
		time.Now().Format(time.RFC3339), server.settings.version, server.settings.model, listener.Addr())
	return server.serveOn(ctx, listener)
}

// serveOn answers on a listener until ctx ends or the engine crashes. Requests that
// are in flight then are cut off: whoever stops an engine does not want its answers.
func (s *Server) serveOn(ctx context.Context, listener net.Listener) error {
	front := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- front.Serve(listener) }()
	ran := make(chan error, 1)
	runContext, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ran <- s.Run(runContext) }()
	select {
	case err := <-ran:
		shut(front)
		<-served
		return err
	case err := <-served:
		stop()
		<-ran
		return fmt.Errorf("%w: %w", errListen, err)
	}
}

// shut ends the HTTP server. The engine is gone by then, so that all handlers come
// to their end at once and can still write their line of the request log; a client
// that takes nothing is not waited for.
func shut(front *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if front.Shutdown(ctx) != nil {
		_ = front.Close()
	}
}

var (
	errMemory = errors.New("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 3.52 GiB is free")
	errListen = errors.New("listen")
)

// causeOf is the word by which Diagnose knows a fatal error.
func causeOf(err error) string {
	switch {
	case errors.Is(err, errMemory):
		return causeMemory
	case errors.Is(err, errListen):
		return causeAddress
	case errors.Is(err, errCrashed):
		return causeCrash
	}
	return causeConfig
}

// causeText leaves out what the cause's word says already.
func causeText(err error) string {
	var e *spec.Error
	if errors.As(err, &e) && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}
