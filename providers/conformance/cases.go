package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aicv/spec"
)

// answers reports whether the server answers 200 at a path.
func answers(server spec.Server, path string) bool {
	_, ok := fetch(server, path)
	return ok
}

func fetch(server spec.Server, path string) (string, bool) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(server.URL + path)
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }() // only read
	body, err := io.ReadAll(response.Body)
	return string(body), err == nil && response.StatusCode == http.StatusOK
}

// answersAs reports whether the server was told to listen where its environment says.
func answersAs(server spec.Server, at string) bool {
	told, ok := fetch(server, "/at")
	return ok && told == at
}

// familySize is the number of processes of modeFamily: the server, its worker, and
// the worker whose parent has gone.
const familySize = 3

// family is how many of a server of modeFamily are counted.
func (s *session) family() int {
	if s.harness.Whole {
		return 1
	}
	return familySize
}

func family(s *session) {
	server := s.ready("k", modeFamily)
	s.eventually("the family is complete", func() bool { return s.harness.Alive(s.T, s.suite, "k") == s.family() })
	s.stop(server, 100*time.Millisecond)
	s.alive(s.suite, "k", 0)
}

// orphans kills the server before its workers, and lets another session clean up.
func orphans(s *session) {
	server := s.ready("k", modeFamily)
	s.eventually("the family is complete", func() bool { return s.harness.Alive(s.T, s.suite, "k") == s.family() })
	s.harness.Kill(s.T, server)
	s.eventually("the server is gone", func() bool { return s.harness.Alive(s.T, s.suite, "k") == s.family()-1 })
	s.target = s.harness.New(s.T)
	s.finds(s.suite, "", "k")
	next := s.ready("k", modeServe) // a start under the key removes what is left first
	if next.Adopted {
		s.Error("workers without a server were adopted")
	}
	s.alive(s.suite, "k", 1)
	s.stop(next, patience)
	s.alive(s.suite, "k", 0)
}

func twoSuites(s *session) {
	first := s.ready("k", modeServe)
	mine, other := s.suite, s.suite+"-other"
	s.Cleanup(func() { s.clean(other) })
	s.suite = other
	second := s.ready("k", modeServe)
	if first.URL == second.URL || first.ID == second.ID {
		s.Fatalf("both are %+v", second)
	}
	s.finds(mine, "", "k")
	s.finds(other, "", "k")
	s.stop(second, patience)
	s.finds(other, "")
	if !answers(first, "/health") {
		s.Error("stopping one suite's server stopped the other's")
	}
	s.suite = mine
}

// twoKeys has keys that file names can not tell apart.
func twoKeys(s *session) {
	keys := []string{"a/../b", "a_.._b"}
	var servers []spec.Server
	for _, key := range keys {
		servers = append(servers, s.ready(key, modeServe))
	}
	s.finds(s.suite, "", keys...)
	s.finds(s.suite, keys[1], keys[1])
	s.stop(servers[0], patience)
	s.finds(s.suite, "", keys[1])
	if !answers(servers[1], "/health") {
		s.Error("stopping one server stopped the other")
	}
}

func logTail(s *session) {
	server := s.ready("k", modeServe)
	for _, line := range []string{"first", strings.Repeat("é", 40), "last"} {
		fetch(server, "/log?line="+url.QueryEscape(line))
	}
	s.eventually("the log is complete", func() bool {
		log, err := s.target.Log(context.Background(), server, 1<<20)
		return err == nil && strings.HasSuffix(log, "last\n")
	})
	for _, test := range []struct {
		bytes int
		want  string
	}{{0, ""}, {5, "last\n"}, {9, "last\n"}, {10, "last\n"}, {87, strings.Repeat("é", 40) + "\nlast\n"}} {
		log, err := s.target.Log(context.Background(), server, test.bytes)
		if err != nil || log != test.want {
			s.Errorf("the last %d bytes: %q (%v), want %q", test.bytes, log, err, test.want)
		}
	}
}

func endedContext(s *session) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.target.Start(ended, s.request("k", modeServe))
	if spec.KindOf(err) != spec.ErrInterrupted || !errors.Is(err, context.Canceled) {
		s.Errorf("start in an ended context: %v", err)
	}
	s.alive(s.suite, "k", 0)
	s.finds(s.suite, "")
	server := s.ready("k", modeStubborn)
	began := time.Now()
	if err := s.target.Stop(ended, server, time.Hour); err != nil {
		s.Errorf("stop in an ended context: %v", err)
	}
	if took := time.Since(began); took > patience {
		s.Errorf("stopping at once took %s", took)
	}
	s.alive(s.suite, "k", 0)
}

func stopGone(s *session) {
	server := s.ready("k", modeServe)
	for range 2 {
		s.stop(server, patience)
	}
	s.stop(spec.Server{Suite: s.suite, Key: "never-started"}, 0)
	s.finds(s.suite, "")
}

func noCommand(s *session) {
	request := s.request("k", modeServe)
	request.Spec.Command, request.Spec.Image = []string{"aicv-no-such-engine"}, s.harness.Image
	_, err := s.target.Start(context.Background(), request)
	s.wantTyped("start", err)
	if err == nil || !strings.Contains(err.Error(), "aicv-no-such-engine") {
		s.Errorf("start of a command that does not exist: %v", err)
	}
	s.finds(s.suite, "")
}

func environment(s *session) {
	request := s.request("k", modeServe)
	request.Spec.Env = append(request.Spec.Env,
		spec.EnvVar{Name: "TOKEN", Value: spec.SecretValue(SecretName)},
		spec.EnvVar{Name: "AT", Value: spec.StringValue(spec.HostPlaceholder + ":" + spec.PortPlaceholder)})
	server, err := s.target.Start(context.Background(), request)
	if err != nil {
		s.Fatal(err)
	}
	s.eventually("the server answers", func() bool { return answers(server, "/health") })
	if token, _ := fetch(server, "/env?name=TOKEN"); token != SecretValue {
		s.Errorf("the server has the secret %q", token)
	}
	if at, _ := fetch(server, "/env?name=AT"); at == "" || strings.Contains(at, "{{") || !answersAs(server, at) {
		s.Errorf("placeholders became %q at %s", at, server.URL)
	}
	s.stop(server, patience)
	request.Spec.Env = []spec.EnvVar{{Name: "TOKEN", Value: spec.SecretValue("AICV_CONFORMANCE_UNSET")}}
	_, err = s.target.Start(context.Background(), request)
	s.wantTyped("start", err)
	if err == nil || !strings.Contains(err.Error(), "AICV_CONFORMANCE_UNSET") {
		s.Errorf("a secret that is not set: %v", err)
	}
	s.finds(s.suite, "")
}

// typed calls everything of a target that can not work.
func typed(s *session) {
	target := s.harness.Broken(s.T)
	ctx := context.Background()
	_, err := target.Start(ctx, s.request("k", modeServe))
	s.wantTyped("start", err)
	if err == nil {
		s.Error("a broken target started a server")
	}
	server := spec.Server{Suite: s.suite, Key: "k", ID: "no-such-id"}
	_, err = target.Inventory(ctx)
	s.wantTyped("inventory", err)
	_, err = target.Find(ctx, s.suite, "")
	s.wantTyped("find", err)
	status, err := target.Status(ctx, server)
	s.wantTyped("status", err)
	if status.Running {
		s.Error("a server that was never started runs")
	}
	_, err = target.Log(ctx, server, 100)
	s.wantTyped("log", err)
	s.wantTyped("stop", target.Stop(ctx, server, 0))
	s.wantTyped("stop without a key", target.Stop(ctx, spec.Server{}, 0))
	_, err = target.Start(ctx, spec.StartRequest{})
	s.wantTyped("start without a key", err)
	if err == nil {
		s.Error("a server without a key was started")
	}
}

// wantTyped wants no error, or one with kind, summary and fix.
func (s *session) wantTyped(call string, err error) {
	s.Helper()
	if err == nil {
		return
	}
	var e *spec.Error
	if !errors.As(err, &e) {
		s.Errorf("%s: error without a kind: %v", call, err)
		return
	}
	if e.Kind == "" || e.Summary == "" || e.Fix == "" {
		s.Errorf("%s: error without kind, summary or fix: %#v", call, e)
	}
}
