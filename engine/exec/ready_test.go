package exec

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/engine"
	"aicv/spec"
)

func TestHTTPProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 2*probeBody)))
	}))
	defer server.Close()
	p := newHTTPProbe()
	defer p.close()
	if code, _, err := p.get(t.Context(), server.URL+"/health"); err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("health: %d, %v", code, err)
	}
	if code, body, err := p.get(t.Context(), server.URL+"/big"); err != nil || code != http.StatusOK || len(body) != probeBody {
		t.Errorf("big: %d, %d bytes, %v", code, len(body), err)
	}
	if _, _, err := p.get(t.Context(), "http://%zz"); err == nil {
		t.Error("a malformed URL was asked")
	}
}

func TestServes(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":[{"id":"a"},{"id":"m"}]}`: "",
		`{"data":[{"id":"a"},{"id":"b"}]}`: `it serves a, b, not "m"`,
		`{"data":[]}`:                      `not "m"`,
		`<html>`:                           "can not be read",
		``:                                 "can not be read",
	} {
		err := serves([]byte(body), "m")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	if err := serves([]byte(`{"data":[{"id":"a"}]}`), ""); err != nil {
		t.Errorf("any model will do: %v", err)
	}
}

func TestLastLines(t *testing.T) {
	for _, test := range []struct{ log, last, two string }{
		{"", "", ""},
		{"\n\n", "", ""},
		{"one", "one", "one"},
		{"one\ntwo\r\nthree\n\n  \n", "three", "two\nthree"},
		{"10%\r50%\r100%", "100%", "50%\n100%"},
	} {
		if got := lastLine(test.log); got != test.last {
			t.Errorf("last line of %q: %q", test.log, got)
		}
		if got := lastLines(test.log, 2); got != test.two {
			t.Errorf("last two lines of %q: %q", test.log, got)
		}
	}
}

// TestReadyByLog has servers that say in their log that they are ready.
func TestReadyByLog(t *testing.T) {
	for _, test := range []struct {
		name, pattern, log string
		ready              bool
	}{
		{"said", "^server is up$", "loading\nserver is up\r\n", true},
		{"not said", "^server is up$", "the server is up and down\n", false},
		{"no expression", "(", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				x := newExecutor(t.Context(), b.request(), fakeProbe{b.world})
				defer x.release()
				if err := x.prepare(); err != nil {
					t.Fatal(err)
				}
				g := x.groups[0]
				g.spec.Ready = spec.Readiness{LogPattern: test.pattern}
				server, err := g.target.Start(t.Context(), spec.StartRequest{Key: "k"})
				if err != nil {
					t.Fatal(err)
				}
				b.world.servers["k"].log = test.log
				g.up = &upServer{server: server}
				began := time.Now()
				err = x.awaitReady(g, began, time.Minute, false)
				if (err == nil) != test.ready {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				if test.ready && time.Since(began) > 0 {
					t.Errorf("it took %s to see it", time.Since(began))
				}
			})
		})
	}
}

func TestServerLogIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		logs := b.heard.of(spec.EventServerLog)
		if len(logs) != 2 || logs[0].Message != "loading weights" || logs[0].Subject != "deployment.fake.box.m[0]" {
			t.Errorf("announced: %+v", logs)
		}
		phases := map[string]bool{}
		for _, e := range b.heard.of(spec.EventProgress) {
			phases[e.Kind+" "+e.Phase] = true
		}
		for _, want := range []string{"deploy starting", "deploy waiting until it is ready", "run measuring"} {
			if !phases[want] {
				t.Errorf("no progress %q in %v", want, phases)
			}
		}
	})
}

// TestAStatusThatCanNotBeReadIsNoDeath gives the target some time to recover.
func TestAStatusThatCanNotBeReadIsNoDeath(t *testing.T) {
	for _, test := range []struct {
		deaf  func(n int) bool
		ready bool
	}{
		{func(n int) bool { return n < deafLimit }, true},
		{func(n int) bool { return n%deafLimit > 0 }, true},
		{func(int) bool { return true }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, small())
			x := newExecutor(t.Context(), b.request(), fakeProbe{b.world})
			defer x.release()
			if err := x.prepare(); err != nil {
				t.Fatal(err)
			}
			g := x.groups[0]
			server, err := g.target.Start(t.Context(), spec.StartRequest{Key: "k", Spec: g.spec})
			if err != nil {
				t.Fatal(err)
			}
			g.up = &upServer{server: server}
			b.world.servers["k"].ready = 20 * time.Second
			b.world.deaf = test.deaf
			err = x.awaitReady(g, time.Now(), time.Minute, false)
			if (err == nil) != test.ready || err != nil && !errors.Is(err, errFlaky) {
				t.Errorf("want ready %v: %v", test.ready, err)
			}
		})
	}
}

func TestExited(t *testing.T) {
	g := &group{deployment: &engine.Deployment{Address: "d"}, target: &target{Target: fakeTarget{newWorld()}}, runtime: fakeRuntime{newWorld()}}
	for _, test := range []struct {
		name   string
		status spec.ServerStatus
		log    string
		kind   spec.ErrorKind
		text   string
	}{
		{"code", spec.ServerStatus{ExitCode: 3}, "a\nb\n", spec.ErrConfiguration, "d exited with code 3 early: b (read its log)"},
		{"abort", spec.ServerStatus{Signal: "aborted"}, "", spec.ErrConfiguration, "d was ended by a signal (aborted) early (read its log)"},
		{"kill", spec.ServerStatus{Signal: "killed"}, "", spec.ErrInfrastructure, "d was ended by a signal (killed) early"},
		{"term", spec.ServerStatus{Signal: "SIGTERM"}, "", spec.ErrInfrastructure, "d was ended by a signal (SIGTERM) early"},
		{"port", spec.ServerStatus{ExitCode: 1}, "OSError: [Errno 98] Address already in use", spec.ErrInfrastructure, "d exited with code 1 early"},
	} {
		e := g.exited(test.status, test.log, "early")
		if e.Kind != test.kind || !strings.HasPrefix(e.Error(), test.text) {
			t.Errorf("%s: %s %q, want %s %q", test.name, e.Kind, e, test.kind, test.text)
		}
	}
	again := g.exited(spec.ServerStatus{ExitCode: 1}, "", "again")
	g.wasReady = true
	if kind := spec.KindOf(g.atStart(again)); kind != spec.ErrInfrastructure {
		t.Errorf("an engine that was ready before refuses its configuration: %s", kind)
	}
}

func TestKeys(t *testing.T) {
	key := serverKey("0123456789abcdef0123456789abcdef", "00112233", "fedcba9876543210fedcba9876543210", 12)
	if key != "0123456789ab00112233-fedcba9876543210fedcba9876543210-12" {
		t.Errorf("key %s", key)
	}
	if id, n, ok := parseKey(key); id != "fedcba9876543210fedcba9876543210" || n != 12 || !ok {
		t.Errorf("parsed as %s %d %v", id, n, ok)
	}
	for _, bad := range []string{"", "a", "a-b", "a-b-", "a-b-0", "a-b-x", "m#3"} {
		if _, _, ok := parseKey(bad); ok {
			t.Errorf("%q was read as a key", bad)
		}
	}
}

// FuzzParseKey wants any text to be refused or to be a key that is written again as
// it was read, whatever came before it.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"", "a-b-1", "0123456789ab-fedcba98-12", "--1", "a--0", "a-b-01", "a-b-+1", "a-b-c-7", "a-b-9999999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, number, ok := parseKey(text)
		if !ok {
			return
		}
		if number < 1 {
			t.Fatalf("%q has the number %d", text, number)
		}
		prefix, _, _ := strings.Cut(text, "-")
		if again, n, ok := parseKey(serverKey(prefix, "", id, number)); !ok || n != number || (len(prefix) <= keyParts && again != id) {
			t.Fatalf("%q: read as %q %d, then as %q %d", text, id, number, again, n)
		}
	})
}
