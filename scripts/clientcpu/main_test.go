package main

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"aicv/providers/sim"
)

// The simulator's own counter is what tokens are counted by.
func TestGenerated(t *testing.T) {
	server, err := sim.NewServer([]string{"--model", "m"})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server.Handler())
	defer front.Close()
	if n, err := (&bench{url: front.URL}).generated(); n != 0 || err != nil {
		t.Errorf("%v, %v", n, err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if _, err := (&bench{url: other.URL}).generated(); err == nil {
		t.Error("a server without the counter is taken")
	}
}

func TestPrint(t *testing.T) {
	b := bench{clients: []string{"loadgen", "genaibench"}, rounds: 3}
	var out strings.Builder
	b.print(&out, map[string][]slope{
		"loadgen":    {{0.01, 0.1, 100}, {0.02, 0.3, 100}, {0.01, 0.2, 100}},
		"genaibench": {{0.2, 10, 100}, {0.2, 12, 100}, {0.1, 11, 100}},
	})
	for _, want := range []string{
		"| loadgen | 0.0100 | 0.0100 to 0.0200 | 1.0 (1.0 to 1.0) | 0.2 | 100 |",
		"| genaibench | 0.2000 | 0.1000 to 0.2000 | 10.0 (10.0 to 20.0) | 11.0 | 100 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}

// A run whose length is wrong would divide by nothing.
func TestRefusesLengths(t *testing.T) {
	if err := (&bench{short: 5, long: 5, rounds: 1}).measure(&strings.Builder{}); err == nil {
		t.Error("two like lengths are taken")
	}
}

// The bare reader takes all answers, at as many at a time as asked.
func TestBare(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the bare reader is for Linux alone")
	}
	server, err := sim.NewServer([]string{"--model", "m"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Run(t.Context()) }()
	front := httptest.NewServer(server.Handler())
	defer front.Close()
	if err := bare(front.Listener.Addr().String(), 2, 5); err != nil {
		t.Fatal(err)
	}
	if n, err := (&bench{url: front.URL}).generated(); n != 5*outputTokens || err != nil {
		t.Errorf("%v tokens were generated, %v", n, err)
	}
}
