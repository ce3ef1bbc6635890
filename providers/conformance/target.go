package conformance

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aicv/spec"
)

// Harness is how the suite reaches a target under test.
type Harness struct {
	// New makes a target over the same place; each stands for another session of aicv.
	// Its environment must hold SecretName with the value SecretValue.
	New func(t *testing.T) spec.Target
	// Alive counts, without the target's help, what lives with the labels.
	Alive func(t *testing.T, suite, key string) int
	// Kill ends the server from outside, and nothing else of it.
	Kill func(t *testing.T, server spec.Server)
	// Whole says that a server's processes can not outlive it (containers): Alive counts
	// servers then, not processes.
	Whole bool
	// Image is one that is there, where a target needs one to start a command; else empty.
	Image string
	// Broken makes a target that can not start anything.
	Broken func(t *testing.T) spec.Target
}

// The secret that a harness's targets can resolve.
const (
	SecretName  = "AICV_CONFORMANCE_SECRET"
	SecretValue = "correct-horse-battery"
)

// patience bounds every wait of the suite.
const patience = time.Minute

// Target runs the whole suite.
func Target(t *testing.T, h Harness) {
	for _, test := range []struct {
		name string
		run  func(*session)
	}{
		{"start and stop", startAndStop},
		{"start twice is one server", startTwice},
		{"start at once is one server", startAtOnce},
		{"another session finds and adopts", adopts},
		{"a crash is told with its code and log", crashes},
		{"a kill from outside is told", killed},
		{"a stubborn server is killed after the grace", stubborn},
		{"workers end with their server", family},
		{"workers that outlived their server end", orphans},
		{"one key in two suites is two servers", twoSuites},
		{"two keys are two servers", twoKeys},
		{"the log's tail", logTail},
		{"an ended context", endedContext},
		{"stopping what is gone", stopGone},
		{"a command that does not exist", noCommand},
		{"secrets and placeholders", environment},
		{"errors are typed", typed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(open(t, h)) })
	}
}

// session is one subtest with a target and names of its own.
type session struct {
	*testing.T
	harness Harness
	target  spec.Target
	suite   string
}

func open(t *testing.T, h Harness) *session {
	s := &session{T: t, harness: h, target: h.New(t), suite: "suite-" + strings.ReplaceAll(t.Name(), "/", "-")}
	t.Cleanup(func() { s.clean(s.suite) })
	return s
}

// clean stops whatever a failed test left.
func (s *session) clean(suite string) {
	found, err := s.target.Find(context.Background(), suite, "")
	if err != nil {
		s.Errorf("find what is left: %v", err)
	}
	for _, server := range found {
		s.stop(server, 0)
	}
}

func (s *session) request(key, mode string) spec.StartRequest {
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	return spec.StartRequest{Suite: s.suite, Key: key, Spec: spec.ServerSpec{
		Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder}, ModelName: "model-a",
		Env: []spec.EnvVar{{Name: modeVariable, Value: spec.StringValue(mode)}},
	}}
}

func (s *session) start(key, mode string) spec.Server {
	s.Helper()
	server, err := s.target.Start(context.Background(), s.request(key, mode))
	if err != nil {
		s.Fatalf("start: %v", err)
	}
	return server
}

// ready starts a server and waits until it answers.
func (s *session) ready(key, mode string) spec.Server {
	s.Helper()
	server := s.start(key, mode)
	s.eventually("the server answers", func() bool { return answers(server, "/health") })
	return server
}

func (s *session) stop(server spec.Server, grace time.Duration) {
	s.Helper()
	if err := s.target.Stop(context.Background(), server, grace); err != nil {
		s.Fatalf("stop: %v", err)
	}
}

func (s *session) status(server spec.Server) spec.ServerStatus {
	s.Helper()
	status, err := s.target.Status(context.Background(), server)
	if err != nil {
		s.Fatalf("status: %v", err)
	}
	return status
}

func (s *session) eventually(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func (s *session) alive(suite, key string, want int) {
	s.Helper()
	if n := s.harness.Alive(s.T, suite, key); n != want {
		s.Fatalf("%d processes live under %s/%s, want %d", n, suite, key, want)
	}
}

func (s *session) keys(suite, key string) []string {
	s.Helper()
	found, err := s.target.Find(context.Background(), suite, key)
	if err != nil {
		s.Fatalf("find: %v", err)
	}
	keys := []string{}
	for _, server := range found {
		if server.Suite != suite {
			s.Fatalf("found a server of %q", server.Suite)
		}
		keys = append(keys, server.Key)
	}
	return keys
}

func (s *session) finds(suite, key string, want ...string) {
	s.Helper()
	if got := s.keys(suite, key); !slices.Equal(got, want) {
		s.Fatalf("found %q, want %q", got, want)
	}
}

func startAndStop(s *session) {
	server := s.ready("k", modeServe)
	if server.Suite != s.suite || server.Key != "k" || server.ModelName != "model-a" || server.ID == "" || server.Adopted {
		s.Errorf("started %+v", server)
	}
	if strings.HasSuffix(server.URL, "/") {
		s.Errorf("the URL %q ends with a slash", server.URL)
	}
	if !s.status(server).Running {
		s.Error("it answers and does not run")
	}
	s.alive(s.suite, "k", 1)
	s.finds(s.suite, "", "k")
	s.stop(server, patience)
	if s.status(server).Running || answers(server, "/health") {
		s.Error("it runs after it was stopped")
	}
	s.alive(s.suite, "k", 0)
	s.finds(s.suite, "")
}

func startTwice(s *session) {
	first := s.ready("k", modeServe)
	second := s.start("k", modeServe)
	if !second.Adopted || second.ID != first.ID || second.URL != first.URL {
		s.Errorf("second start gave %+v, first %+v", second, first)
	}
	s.alive(s.suite, "k", 1)
}

func startAtOnce(s *session) {
	var group sync.WaitGroup
	ids := make([]string, 6)
	for i := range ids {
		target := s.target
		if i%2 == 1 {
			target = s.harness.New(s.T)
		}
		group.Go(func() {
			server, err := target.Start(context.Background(), s.request("k", modeServe))
			if err != nil {
				s.Errorf("start: %v", err)
			}
			ids[i] = server.ID
		})
	}
	group.Wait()
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
		s.Errorf("several servers were started: %q", ids)
	}
	s.alive(s.suite, "k", 1)
}

func adopts(s *session) {
	first := s.ready("k", modeServe)
	s.target = s.harness.New(s.T)
	s.finds(s.suite, "k", "k")
	s.finds(s.suite, "other")
	s.finds("suite-of-nobody", "")
	again := s.start("k", modeServe)
	if !again.Adopted || again.ID != first.ID || again.URL != first.URL || again.ModelName != first.ModelName {
		s.Errorf("adopted %+v, started was %+v", again, first)
	}
	if !s.status(again).Running {
		s.Error("the adopted server does not run")
	}
	s.stop(again, patience)
	s.alive(s.suite, "k", 0)
}

func crashes(s *session) {
	server := s.start("k", modeCrash)
	s.eventually("the crash is seen", func() bool { return !s.status(server).Running })
	if status := s.status(server); status.ExitCode != crashCode || status.Signal != "" {
		s.Errorf("status %+v, want exit code %d", status, crashCode)
	}
	log, err := s.target.Log(context.Background(), server, 1000)
	if err != nil || !strings.Contains(log, "fatal: out of luck") {
		s.Errorf("log %q, error %v", log, err)
	}
	s.finds(s.suite, "", "k") // something is left: its record
	second := s.ready("k", modeServe)
	if second.Adopted || second.ID == server.ID {
		s.Errorf("a crashed server was adopted: %+v", second)
	}
	s.stop(second, patience)
	s.finds(s.suite, "")
}

func killed(s *session) {
	server := s.ready("k", modeServe)
	s.harness.Kill(s.T, server)
	s.eventually("the kill is seen", func() bool { return !s.status(server).Running })
	if status := s.status(server); status.Signal != "killed" {
		s.Errorf("status %+v, want the signal killed", status)
	}
	s.stop(server, patience)
}

func stubborn(s *session) {
	server := s.ready("k", modeStubborn)
	const grace = 300 * time.Millisecond
	began := time.Now()
	s.stop(server, grace)
	if took := time.Since(began); took < grace {
		s.Errorf("it had %s, want at least the grace of %s", took, grace)
	}
	s.alive(s.suite, "k", 0)
}
