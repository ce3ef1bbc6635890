package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backends are n servers of one handler, each told its number.
func backends(t testing.TB, n int, handle func(i int, w http.ResponseWriter, r *http.Request)) []string {
	var urls []string
	for i := range n {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(i, w, r) }))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	return urls
}

func open(t testing.TB, policy Policy, urls []string) *Proxy {
	t.Helper()
	p, err := New(urls, policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func client(t testing.TB) *http.Client {
	c := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestRoundRobin(t *testing.T) {
	p := open(t, RoundRobin, backends(t, 3, func(i int, w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, i, r.URL.Path, r.Host) }))
	c := client(t)
	for i := range 7 {
		response, err := c.Get(p.URL + "/v1/models")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if want := fmt.Sprint(i%3, "/v1/models"); !strings.HasPrefix(string(body), want) {
			t.Errorf("request %d got %q, want %q", i, body, want)
		}
	}
	if got := p.Served(); !slices.Equal(got, []int{3, 2, 2}) {
		t.Errorf("served %v", got)
	}
}

// TestLeastRequests holds requests at one replica, and wants the next at the others.
func TestLeastRequests(t *testing.T) {
	hold, held := make(chan struct{}), make(chan int, 8)
	p := open(t, LeastRequests, backends(t, 3, func(i int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			held <- i
			<-hold
		}
		fmt.Fprint(w, i)
	}))
	c := client(t)
	var group sync.WaitGroup
	get := func(path string) {
		response, err := c.Get(p.URL + path)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	for range 2 {
		group.Go(func() { get("/hold") })
		<-held
	}
	for range 5 {
		get("/quick") // only the third is free
	}
	close(hold)
	group.Wait()
	if got := p.Served(); !slices.Equal(got, []int{1, 1, 5}) {
		t.Errorf("served %v", got)
	}
}

// TestStreamsAreNotBuffered wants each event before the next one is written.
func TestStreamsAreNotBuffered(t *testing.T) {
	next := make(chan struct{})
	p := open(t, LeastRequests, backends(t, 1, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	response, err := client(t).Get(p.URL + "/v1/completions")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q, error %v", line, err)
		}
		next <- struct{}{}
	}
}

// TestAnAnswerMayBeginBeforeTheRequestIsRead has a replica answer while the request's
// body is still on its way: the whole of both must come through.
func TestAnAnswerMayBeginBeforeTheRequestIsRead(t *testing.T) {
	p := open(t, LeastRequests, backends(t, 1, func(_ int, w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		fmt.Fprintln(w, "begun")
		w.(http.Flusher).Flush()
		body, err := io.ReadAll(r.Body)
		fmt.Fprintln(w, string(body), err)
	}))
	body, rest := io.Pipe()
	group := sync.WaitGroup{}
	group.Go(func() { _, _ = io.WriteString(rest, "first ") })
	response, err := client(t).Post(p.URL, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	group.Wait()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); line != "begun\n" {
		t.Fatalf("%q, error %v", line, err)
	}
	_, _ = io.WriteString(rest, "last")
	_ = rest.Close()
	if line, err := lines.ReadString('\n'); line != "first last <nil>\n" {
		t.Errorf("%q, error %v", line, err)
	}
}

func TestABrokenStreamBreaksOff(t *testing.T) {
	var printed strings.Builder
	log.SetOutput(&printed)
	defer func() {
		log.SetOutput(os.Stderr)
		if printed.Len() > 0 {
			t.Errorf("printed: %s", printed.String())
		}
	}()
	p := open(t, LeastRequests, backends(t, 1, func(_ int, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "data: 1\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	response, err := client(t).Get(p.URL)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("a stream that broke off ended as if it were whole")
	}
}

// TestIdleConnectionsAreNotUsedAgain: a replica may close one at the very moment at which
// a request goes out.
func TestIdleConnectionsAreNotUsedAgain(t *testing.T) {
	var from []string
	p := open(t, LeastRequests, backends(t, 1, func(_ int, _ http.ResponseWriter, r *http.Request) { from = append(from, r.RemoteAddr) }))
	c := client(t)
	for range 2 {
		response, err := c.Get(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		time.Sleep(idleTimeout + time.Second)
	}
	if len(from) != 2 || from[0] == from[1] {
		t.Errorf("requests came from %v", from)
	}
}

func TestADeadReplicaIsABadGateway(t *testing.T) {
	p := open(t, LeastRequests, []string{"http://127.0.0.1:1"})
	response, err := client(t).Get(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestOverhead(t *testing.T) {
	urls := backends(t, 1, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	p := open(t, LeastRequests, urls)
	took, err := p.Overhead(context.Background(), urls[0], "/health")
	if err != nil || took < 0 || took > time.Minute {
		t.Errorf("%s, error %v", took, err)
	}
	if _, err := p.Overhead(context.Background(), "http://127.0.0.1:1", "/health"); err == nil {
		t.Error("a server that does not answer was measured")
	}
}

// BenchmarkRequest is one short answer without the proxy and through it.
func BenchmarkRequest(b *testing.B) {
	urls := backends(b, 2, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	p := open(b, LeastRequests, urls)
	benchmark(b, map[string]string{"direct": urls[0], "proxy": p.URL})
}

// BenchmarkStream is an answer of 256 events, as an engine gives them.
func BenchmarkStream(b *testing.B) {
	urls := backends(b, 2, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 256 {
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"text\":\" word\"}]}\n\n")
			w.(http.Flusher).Flush()
		}
	})
	p := open(b, LeastRequests, urls)
	benchmark(b, map[string]string{"direct": urls[0], "proxy": p.URL})
}

func benchmark(b *testing.B, ways map[string]string) {
	for _, name := range []string{"direct", "proxy"} {
		b.Run(name, func(b *testing.B) {
			c := client(b)
			for b.Loop() {
				response, err := c.Get(ways[name])
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
}
