package docker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aicv/providers/conformance"
	"aicv/spec"
)

// beClient is what this test binary does as a benchmark's client.
func beClient() {
	wrote := func(path string) bool { return os.WriteFile(path, []byte("x"), 0o644) == nil }
	seen, err := os.ReadFile("/bench/tokenizer/t.json")
	fmt.Println("tokenizer", string(seen), err == nil, "uid", os.Getuid(), "secret", os.Getenv("KEY"))
	fmt.Println("results", wrote("result"), "tmp", wrote("/tmp/x"), "tokenizer", wrote("/bench/tokenizer/x"), "image", wrote("/x"))
	answer, err := http.Get(os.Args[1] + "/health")
	fmt.Println("server", err == nil && answer.StatusCode == http.StatusOK)
	_, _ = os.Stderr.WriteString("the last word\n")
	if len(os.Args) > 2 {
		time.Sleep(time.Hour)
	}
	os.Exit(7)
}

// beServer answers every request.
func beServer() {
	_ = http.ListenAndServe(net.JoinHostPort(os.Args[1], os.Args[2]), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	os.Exit(1)
}

// TestRealClient runs a client beside a server: it reaches it under its URL, sees what it
// is shown, leaves its results, and nothing else.
func TestRealClient(t *testing.T) {
	needDaemon(t)
	work, folder := t.TempDir(), t.TempDir()
	made := newReal(t, work, spec.Attrs{"share_host": spec.BoolValue(true)})
	image, err := made.PrepareClient(t.Context(), spec.ClientImage{Reference: selfTag(t, made)})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "t.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := made.Start(t.Context(), spec.StartRequest{Suite: "clients", Key: "k", Spec: spec.ServerSpec{Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder},
		Env: []spec.EnvVar{{Name: modeVariable, Value: spec.StringValue("server")}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Stop(context.Background(), server, 0) }()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(server.URL + "/health"); err == nil && answer.StatusCode == http.StatusOK {
			break
		}
	}
	var lines []string
	request := spec.ClientRequest{Suite: "clients", Key: "k+client", Image: image, Server: server, Client: spec.Client{
		Command: []string{selfPath, server.URL}, Dir: "/bench/run", Line: func(line []byte) { lines = append(lines, string(line)) },
		Env:    []spec.EnvVar{{Name: modeVariable, Value: spec.StringValue("client")}, {Name: "KEY", Value: spec.SecretValue(conformance.SecretName)}},
		Mounts: []spec.Mount{{Source: folder, Target: "/bench/tokenizer", ReadOnly: true}, {Source: work, Target: "/bench/run"}}}}
	end, err := made.RunClient(t.Context(), request)
	want := []string{fmt.Sprintf("tokenizer {} true uid %d secret %s", os.Getuid(), conformance.SecretValue), "results true tmp true tokenizer false image false", "server true"}
	if err != nil || end.Status != (spec.ServerStatus{ExitCode: 7}) || end.Stderr != "the last word" || !slices.Equal(lines, want) {
		t.Errorf("%+v, error %v, lines %q", end, err, lines)
	}
	if _, err := os.Stat(filepath.Join(work, "result")); err != nil {
		t.Error(err)
	}
	request.Client.Command = append(request.Client.Command, "stay")
	ctx, cancel := context.WithCancel(t.Context())
	request.Client.Line = func(line []byte) {
		if strings.HasPrefix(string(line), "server") {
			all, err := made.Find(context.Background(), "clients", "")
			if err != nil || len(all) != 2 {
				t.Errorf("while it runs: %+v, error %v", all, err)
			}
			cancel()
		}
	}
	if _, err := made.RunClient(ctx, request); spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("interrupted: %v", err)
	}
	if all, err := made.Find(context.Background(), "clients", ""); err != nil || len(all) != 1 || all[0].Key != "k" {
		t.Errorf("left: %+v, error %v", all, err)
	}
}
