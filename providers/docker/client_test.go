package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"aicv/spec"
)

// clientRequest is a client that a fake daemon runs.
func clientRequest(line func([]byte)) spec.ClientRequest {
	return spec.ClientRequest{Suite: "s", Key: "k+client", Image: "bench@sha256:2", Server: spec.Server{Key: "k", URL: "http://127.0.0.1:32768"},
		Client: spec.Client{Command: []string{"bench", "--url", "http://127.0.0.1:32768"}, Dir: "/bench/run", Line: line,
			Env:    []spec.EnvVar{{Name: "KEY", Value: spec.SecretValue("REGISTRY_PASSWORD")}, {Name: "PLAIN", Value: spec.StringValue("1")}},
			Mounts: []spec.Mount{{Source: "/tokenizer", Target: "/bench/tokenizer", ReadOnly: true}, {Source: "/work/run", Target: "/bench/run"}}}}
}

// ends has a client say something and exit.
func ends(code int) func(context.Context, *found, io.Writer, io.Writer) error {
	return func(_ context.Context, c *found, stdout, stderr io.Writer) error {
		_, _ = io.WriteString(stdout, "one\ntwo\n")
		_, _ = io.WriteString(stderr, "a warning\n")
		c.status, c.exitCode = "exited", code
		return nil
	}
}

func TestAClientRunsConfinedAndLeavesNothing(t *testing.T) {
	f := newFake()
	f.onFollow = ends(3)
	f.containers["left"] = &found{id: "left", status: "running", labels: map[string]string{labelSuite: "s", labelKey: "k+client"}}
	f.containers["server"] = &found{id: "server", status: "running", labels: map[string]string{labelSuite: "s", labelKey: "k"}}
	made := over(t, f, spec.Attrs{"memory": spec.IntValue(1 << 30)})
	var lines []string
	end, err := made.RunClient(t.Context(), clientRequest(func(line []byte) { lines = append(lines, string(line)) }))
	if err != nil || end.Status != (spec.ServerStatus{ExitCode: 3}) || end.Stderr != "a warning" || end.Image != "bench@sha256:2" || !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("%+v, lines %q, error %v", end, lines, err)
	}
	if len(f.orders) != 1 || len(f.containers) != 1 || f.containers["server"] == nil {
		t.Fatalf("%d containers made, left: %v", len(f.orders), f.containers)
	}
	o := f.orders[0]
	if o.client == nil || o.client.user != fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()) || o.client.dir != "/bench/run" || o.port != 0 || o.publish != "" ||
		o.memory != 1<<30 || o.image != "bench@sha256:2" || len(o.mounts) != 2 || !o.mounts[0].readOnly || o.mounts[1].readOnly {
		t.Errorf("ordered %+v, %+v", o, o.client)
	}
	if !slices.Equal(o.env, []string{"KEY=hunter2", "PLAIN=1"}) || strings.Contains(strings.Join(o.command, " "), "hunter2") {
		t.Errorf("environment %q, command %q", o.env, o.command)
	}
	if l := o.labels; l[labelSuite] != "s" || l[labelKey] != "k+client" || l[labelWork] != made.env.WorkDir || l[labelAlone] != "" || l[labelImage] == "" {
		t.Errorf("labels %v", l)
	}
	f.host.rootless = true
	if _, err := made.RunClient(t.Context(), clientRequest(nil)); err != nil || f.orders[1].client.user != "0:0" {
		t.Errorf("rootless: user %q, error %v", f.orders[1].client.user, err)
	}
}

// A client that is killed, dies for memory or can not be followed leaves no container.
func TestAClientThatDoesNotEndWell(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		ctx    context.Context
		does   func(context.Context, *found, io.Writer, io.Writer) error
		kind   spec.ErrorKind // empty: no error
		signal string
	}{
		"interrupted": {stop, func(ctx context.Context, _ *found, _, _ io.Writer) error { cancel(); return ctx.Err() }, spec.ErrInterrupted, ""},
		"memory": {t.Context(), func(_ context.Context, c *found, _, _ io.Writer) error {
			c.status, c.exitCode, c.noMemory = "exited", 137, true
			return nil
		}, "", "killed"},
		"the daemon breaks off": {t.Context(), func(context.Context, *found, io.Writer, io.Writer) error { return errors.New("boom") }, spec.ErrInfrastructure, ""},
		"somebody removes it":   {t.Context(), func(_ context.Context, c *found, _, _ io.Writer) error { c.status = "exited"; return errNoContainer }, "", ""},
	} {
		f := newFake()
		f.onFollow = c.does
		end, err := over(t, f, nil).RunClient(c.ctx, clientRequest(nil))
		if (err != nil) != (c.kind != "") || err != nil && spec.KindOf(err) != c.kind || end.Status.Signal != c.signal {
			t.Errorf("%s: %+v, error %v", name, end, err)
		}
		if len(f.containers) != 0 {
			t.Errorf("%s: left %v", name, f.containers)
		}
	}
	f := newFake()
	f.startError = errors.New(`exec: "bench": executable file not found in $PATH: unknown`)
	if _, err := over(t, f, nil).RunClient(t.Context(), clientRequest(nil)); err == nil || !strings.Contains(err.Error(), "the image has no such command") || len(f.containers) != 0 {
		t.Errorf("no command: %v, left %v", err, f.containers)
	}
}

func TestAClientsImageIsPinnedAndOfThisHost(t *testing.T) {
	f := newFake()
	f.images["bench:1"] = localImage{id: "sha256:1", digests: []string{"bench@sha256:2"}}
	for digest, fits := range map[string]bool{"": true, "bench@sha256:2": true, "sha256:1": true, "bench@sha256:3": false} {
		got, err := over(t, f, nil).PrepareClient(t.Context(), spec.ClientImage{Reference: "bench:1", Digest: digest})
		if (err == nil) != fits || fits && got != "bench@sha256:2" {
			t.Errorf("pinned %q: %q, error %v", digest, got, err)
		}
		if err != nil && (spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "--upgrade")) {
			t.Errorf("pinned %q: %v", digest, err)
		}
	}
	var told []string
	if _, err := over(t, f, nil).PrepareClient(t.Context(), spec.ClientImage{Reference: "bench:9", Tell: func(p string) { told = append(told, p) }}); err != nil || len(told) == 0 {
		t.Errorf("a missing one: told %q, error %v", told, err)
	}
	afar := spec.Attrs{"host": spec.StringValue("tcp://far:2376"), "publish": spec.StringValue("10.0.0.1")}
	_, prepared := over(t, f, afar).PrepareClient(t.Context(), spec.ClientImage{Reference: "bench:1"})
	_, ran := over(t, f, afar).RunClient(t.Context(), clientRequest(nil))
	for _, err := range []error{prepared, ran} {
		if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "run aicv on that host") {
			t.Errorf("another host: %v", err)
		}
	}
	bad := clientRequest(nil)
	bad.Key = "k" // the server's own
	if _, err := over(t, f, nil).RunClient(t.Context(), bad); err == nil {
		t.Error("a client under its server's key was run")
	}
}
