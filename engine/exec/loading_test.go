package exec

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

func testPhases() []spec.LoadPhase {
	return []spec.LoadPhase{
		{Name: "loading weights", Pattern: `Load weight begin|shards: .*?(?P<done>\d+)/(?P<total>\d+)`},
		{Name: "capturing graphs", Pattern: `Capture begin|Capturing (?P<done>\d+)/(?P<total>\d+)`, Timeout: time.Minute},
		{Name: "ready", Pattern: `fired up`},
	}
}

// TestPhasesFromTheLog: the phase and its progress follow the log, and never go back.
func TestPhasesFromTheLog(t *testing.T) {
	l, err := newLoading(&group{spec: spec.ServerSpec{Ready: spec.Readiness{Phases: testPhases()}}})
	if err != nil {
		t.Fatal(err)
	}
	log := ""
	for _, step := range []struct{ line, want string }{
		{"hello\n", "waiting until it is ready"},
		{"Load weight begin\n", "loading weights"},
		{"shards:  13% | 1/8\rshards:  38% | 3/8\r", "loading weights 3/8"},
		{"\nCapture begin\n", "capturing graphs"},
		{"shards: 100% | 8/8\n", "capturing graphs"},
		{"Capturing 2/35\n", "capturing graphs 2/35"},
		{"fired up\n", "ready"},
	} {
		log += step.line
		l.read(log, time.Now())
		if got := l.phase(); got != step.want {
			t.Errorf("after %q: %q, want %q", step.line, got, step.want)
		}
	}
}

// awaitFake waits for a fake server with the given readiness and log.
func awaitFake(t *testing.T, ready spec.Readiness, log, generation string) error {
	t.Helper()
	b := newBench(t, small())
	b.world.generation = generation
	x := newExecutor(t.Context(), b.request(), fakeProbe{b.world})
	t.Cleanup(x.release)
	if err := x.prepare(); err != nil {
		t.Fatal(err)
	}
	g := x.groups[0]
	g.spec.Ready = ready
	server, err := g.target.Start(t.Context(), spec.StartRequest{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	b.world.servers["k"].log = log
	g.up = &upServer{server: server}
	return x.awaitReady(g, time.Now(), time.Hour, false)
}

// TestAPhaseThatHangs ends a start early, and says in which phase.
func TestAPhaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := awaitFake(t, spec.Readiness{Phases: testPhases(), LogPattern: "never"}, "Capturing 2/35\n", "")
		if err == nil || !strings.Contains(err.Error(), "capturing graphs 2/35 for more than 1m0s") {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// TestHealthyIsNotReady: a server that answers everything but generates nothing is not
// ready; one that generates is.
func TestHealthyIsNotReady(t *testing.T) {
	for answer, want := range map[string]string{
		`{"choices":[{"text":" Paris"}]}`:                     "",
		`{"choices":[{"message":{"content":"Paris"}}]}`:       "",
		`{"choices":[{"message":{"reasoning_content":"h"}}]}`: "",
		`{"choices":[{"text":""}]}`:                           "without any text",
		`{"choices":[]}`:                                      "without any text",
		`oops`:                                                "no completion",
	} {
		synctest.Test(t, func(t *testing.T) {
			err := awaitFake(t, spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Generate: true}, "", answer)
			switch {
			case want == "" && err != nil:
				t.Errorf("%s: %v", answer, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s: %v, want %q", answer, err, want)
			}
		})
	}
}

// TestQuestionsTakeOtherForms: a server that refuses one form of the question is asked
// in the next, and one that fails is not.
func TestQuestionsTakeOtherForms(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.Path)
		switch {
		case r.Header.Get("Content-Type") != "application/json":
			w.WriteHeader(http.StatusUnsupportedMediaType)
		case r.URL.Path == "/v1/chat/completions":
			_, _ = w.Write([]byte(`{"choices":[{"message":{"content":"Paris"}}]}`))
		case strings.Contains(string(body), "ignore_eos"):
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	x := &executor{probe: newHTTPProbe()}
	defer x.probe.close()
	w := &waiting{x: x, g: &group{up: &upServer{server: spec.Server{URL: server.URL, ModelName: "m"}}}}
	if err := w.generates(context.Background(), &w.g.up.server); err != nil || len(asked) != 3 {
		t.Errorf("%v after %v", err, asked)
	}
}
