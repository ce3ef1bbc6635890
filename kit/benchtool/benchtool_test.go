package benchtool

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
)

func silent(spec.Event) {}

func warmup(url string) *Warmup {
	return &Warmup{URL: url, Model: "m", Key: "sk-key", Concurrency: 2, Requests: 4, Load: spec.Load{InputTokens: 8, OutputTokens: 2}}
}

// Each prompt is another, the key goes to the server, and a redirect is not followed.
func TestWarmup(t *testing.T) {
	answer := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-key" {
			t.Error("a request without the key")
		}
		if answer == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		w.WriteHeader(answer)
	}))
	defer s.Close()
	got, err := warmup(s.URL).Run(t.Context(), silent)
	if err != nil || len(got.Rows) != 4 || got.Latency <= 0 || got.Rows[3].Phase != spec.PhaseWarmup {
		t.Fatalf("%+v, %v", got, err)
	}
	w := warmup(s.URL)
	if w.prompt(0) == w.prompt(1) || len(strings.Fields(w.prompt(0))) != 8 {
		t.Errorf("%q, %q", w.prompt(0), w.prompt(1))
	}
	for status, want := range map[int]string{http.StatusNotFound: "HTTP 404", http.StatusFound: "redirect"} {
		answer = status
		if _, err := w.Run(t.Context(), silent); spec.KindOf(err) != spec.ErrInfrastructure || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", status, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Run(ctx, silent); spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("%v", err)
	}
}

// A server that fails every request is measured, once enough of them failed: its error
// rate is all there is. One that answers some is warmed up.
func TestWarmupThatIsRefused(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no place", http.StatusServiceUnavailable)
	}))
	defer s.Close()
	_, err := warmup(s.URL).Run(t.Context(), silent)
	refused := (*Refused)(nil)
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	r, err := refused.Result("tool")
	rate, _ := r.Values.Get(metric.ErrorRate)
	if err != nil || rate != 1 || len(r.Values) != 1 || r.Failed != r.Requests || int64(r.Requests) != asked.Load() || r.Requests < 20 || r.Requests > 22 || r.Elapsed <= 0 || r.Rows[0].Phase != spec.PhaseMeasure {
		t.Errorf("%+v, %v", r, err)
	}
	if f := r.Findings[0]; f.Check != "given_up" || !strings.Contains(f.Message, "HTTP 503: no place") {
		t.Errorf("%+v", f)
	}
	some := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer some.Close()
	if got, err := warmup(some.URL).Run(t.Context(), silent); err != nil || got.Latency <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A warm-up that must take a while sends as many requests as that takes.
func TestWarmupByTime(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Millisecond) }))
	defer s.Close()
	w := warmup(s.URL)
	w.Requests, w.Least = 1, 300*time.Millisecond
	got, err := w.Run(t.Context(), silent)
	if err != nil || time.Since(got.Began) < w.Least || len(got.Rows) < 2 {
		t.Errorf("%d requests, %v", len(got.Rows), err)
	}
}

func TestWarmupComesFirst(t *testing.T) {
	began := time.Now()
	w := &Warmed{Began: began, Rows: make([]spec.RequestRow, 2)}
	rows := w.Before([]spec.RequestRow{{Start: time.Second}}, began.Add(time.Minute))
	if len(rows) != 3 || rows[2].Index != 2 || rows[2].Start != 61*time.Second {
		t.Errorf("%+v", rows)
	}
	if rows := w.Before([]spec.RequestRow{{}}, time.Time{}); rows[2].Start != 0 {
		t.Errorf("traffic whose begin nobody saw: %+v", rows[2])
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		requests   int
		most, want time.Duration
	}{{16, time.Hour, 80 * time.Second}, {17, time.Hour, 85 * time.Second}, {16, time.Second, time.Second}} {
		if got := Limit(c.requests, 4, time.Second, c.most); got != c.want {
			t.Errorf("%d requests: %s, want %s", c.requests, got, c.want)
		}
	}
}

func TestConversation(t *testing.T) {
	c := Converse(silent, "sk-key", func(text string) (string, bool) {
		if text == "go" {
			return "measure", false
		}
		return "", true
	})
	defer c.Stop()
	for range 20 {
		c.Line([]byte(" word sk-key " + strings.Repeat("x", 1000)))
	}
	c.Line([]byte("go"))
	c.Line(nil)
	if words := c.Words(); len(words) != maxWords || len(words[0]) != maxWord || !strings.HasPrefix(words[0], "word (secret) x") {
		t.Errorf("%q", words)
	}
	if c.Began("measure").IsZero() || !c.Began("never").IsZero() {
		t.Error("the phase's begin")
	}
	if got := c.Detail("a\nlast sk-key\n"); !strings.HasSuffix(got, "\nlast (secret)") {
		t.Errorf("%q", got)
	}
	c.Stop() // twice is once
}

func TestEnvironmentHasNoCredentials(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "not for others")
	t.Setenv("HF_HOME", "/models")
	env := Environment("http://server:8000", "OWN=1")
	if slices.ContainsFunc(env, func(v string) bool { return strings.Contains(v, "not for others") }) {
		t.Errorf("%q", env)
	}
	for _, want := range []string{"HF_HOME=/models", "NO_PROXY=127.0.0.1,localhost,server", "HF_HUB_OFFLINE=1", "OWN=1"} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in %q", want, env)
		}
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	env := spec.Env{SuiteDir: dir, WorkDir: filepath.Join(dir, ".aicv")}
	folder, err := Folder(env, "tool", "c4")
	if err != nil || !strings.HasPrefix(Shown(env, folder), filepath.Join(".aicv", "tool", "c4-")) {
		t.Fatal(folder, err)
	}
	if got := Shown(env, "/elsewhere"); got != "/elsewhere" {
		t.Errorf("%s", got)
	}
	if err := SubFolder(folder, "logs"); err != nil {
		t.Fatal(err)
	}
	if err := SubFolder(folder, "logs"); spec.KindOf(err) != spec.ErrInfrastructure {
		t.Errorf("%v", err)
	}
	path := filepath.Join(folder, "logs", "log")
	if err := os.WriteFile(path, []byte("a sk-key b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Scrub("tool", folder, "sk-key"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != "a (secret) b" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := Scrub("tool", filepath.Join(folder, "none"), "sk-key"); spec.KindOf(err) != spec.ErrInfrastructure {
		t.Errorf("a folder that can not be searched: %v", err)
	}
}

func TestQuoted(t *testing.T) {
	if got := Quoted([]string{"python", "-c", "import x", "D(1,2)", "it's (a)", "plain"}); got != `python -c (code) 'D(1,2)' 'it'\''s (a)' plain` {
		t.Errorf("%s", got)
	}
}

// TestWhereSecretsGo: requests' parameters end in arguments and logs, the key does not.
func TestWhereSecretsGo(t *testing.T) {
	own := spec.Attribute{Name: "own"}
	rows := Attributes(Words{}, own)
	for _, row := range rows {
		if row.Public != (row.Name == AttrParams) || row.Secret != (row.Name == AttrAPIKey) {
			t.Errorf("%s: public %v, secret %v", row.Name, row.Public, row.Secret)
		}
	}
	if len(rows) != 7 || rows[1].Name != own.Name {
		t.Errorf("%d rows, the second %s", len(rows), rows[1].Name)
	}
}

// A folder whose entries are links, as in the Hugging Face cache, is shown file by file.
func TestFoldersThatContainersSee(t *testing.T) {
	plain, linked, blobs := t.TempDir(), t.TempDir(), t.TempDir()
	for _, file := range []string{filepath.Join(plain, "a.json"), filepath.Join(blobs, "0123")} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(blobs, "0123"), filepath.Join(linked, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(linked, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]spec.Mount{plain: {Source: plain, Target: "/in", ReadOnly: true}, linked: {Source: filepath.Join(blobs, "0123"), Target: "/in/tokenizer.json", ReadOnly: true}} {
		if got, err := shownFolder(folder, "/in"); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, error %v", folder, got, err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(linked, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{linked, filepath.Join(plain, "none")} {
		if got, err := shownFolder(folder, "/in"); err == nil {
			t.Errorf("%s: %+v", folder, got)
		}
	}
}

// A warm-up that is cut short gives what had ended by then.
func TestWarmupThatIsCutShort(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 2 {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
			<-r.Context().Done()
		}
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := warmup(s.URL).Run(ctx, func(e spec.Event) {
		if e.Done == 2 {
			cancel()
		}
	})
	if spec.KindOf(err) != spec.ErrInterrupted || got == nil || len(got.Rows) < 2 || got.Rows[0].Error != "" || got.Rows[1].Error != "" {
		t.Errorf("%+v, %v", got, err)
	}
}
