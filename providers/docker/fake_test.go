package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"aicv/kit/lock"
	"aicv/providers/conformance"
	"aicv/spec"
)

// fake is a daemon in memory. Its fail is what every call answers, if it is set.
type fake struct {
	fail       error
	host       hostInfo
	images     map[string]localImage
	containers map[string]*found
	orders     []order
	pulled     []login
	pullError  error
	startError error
	sent       []string
	logged     string
	pids       []int
	onFollow   func(ctx context.Context, c *found, stdout, stderr io.Writer) error // what a client does
}

func newFake() *fake {
	return &fake{images: map[string]localImage{}, containers: map[string]*found{}, host: hostInfo{name: "far", arch: "amd64", epoch: "1"}}
}

func (f *fake) info(context.Context) (hostInfo, error) { return f.host, f.fail }

func (f *fake) image(_ context.Context, ref string) (localImage, error) {
	if i, ok := f.images[ref]; ok && f.fail == nil {
		return i, nil
	}
	return localImage{}, errors.Join(f.fail, errNoImage)
}

func (f *fake) pull(_ context.Context, ref string, as login, tell func(progress)) error {
	f.pulled = append(f.pulled, as)
	if f.pullError == nil {
		f.images[ref] = localImage{id: "sha256:1", digests: []string{"other@sha256:9", "engine@sha256:2"}}
	}
	tell(progress{layers: 2, done: 1, current: 5e6, total: 2e9})
	return errors.Join(f.fail, f.pullError)
}

func (f *fake) load(_ context.Context, _, _ string, tar io.Reader) error {
	_, err := io.Copy(io.Discard, tar)
	return errors.Join(err, f.fail)
}

func (f *fake) create(_ context.Context, o order) (string, error) {
	id := fmt.Sprint("c", len(f.orders))
	f.orders = append(f.orders, o)
	if f.fail == nil {
		f.containers[id] = &found{id: id, name: o.name, command: o.command, labels: o.labels, status: "created"}
	}
	return id, f.fail
}

func (f *fake) start(_ context.Context, id string) error {
	if f.fail == nil && f.startError == nil {
		f.containers[id].status, f.containers[id].port, f.containers[id].started = "running", 32768, time.Now()
	}
	return errors.Join(f.fail, f.startError)
}

func (f *fake) find(_ context.Context, labels map[string]string) ([]found, error) {
	var all []found
	for _, c := range f.containers {
		fits := true
		for name, value := range labels {
			got, ok := c.labels[name]
			fits = fits && ok && (value == "" || got == value)
		}
		if fits {
			all = append(all, *c)
		}
	}
	return all, f.fail
}

func (f *fake) inspect(_ context.Context, id string) (found, error) {
	if c, ok := f.containers[id]; ok && f.fail == nil {
		return *c, nil
	}
	return found{}, errors.Join(f.fail, errNoContainer)
}

func (f *fake) log(_ context.Context, _ string, lines int, to io.Writer) error {
	all := strings.SplitAfter(f.logged, "\n")
	_, _ = io.WriteString(to, strings.Join(all[max(0, len(all)-lines-1):], ""))
	return f.fail
}

func (f *fake) follow(ctx context.Context, id string, stdout, stderr io.Writer) error {
	return errors.Join(f.fail, f.onFollow(ctx, f.containers[id], stdout, stderr))
}

func (f *fake) processes(context.Context, string) ([]int, error) { return f.pids, f.fail }

func (f *fake) kill(context.Context, string, string) error { return f.fail }

func (f *fake) remove(_ context.Context, id string) error {
	if f.fail == nil {
		delete(f.containers, id)
	}
	return f.fail
}

func (f *fake) signals(context.Context, string, time.Time) ([]string, error) { return f.sent, f.fail }
func (f *fake) close() error                                                 { return nil }

// over makes a target of a fake daemon.
func over(t *testing.T, f *fake, attrs spec.Attrs) *target {
	t.Helper()
	made, err := newTarget(component(attrs), spec.Env{WorkDir: t.TempDir(), Self: "/opt/aicv",
		Getenv: func(name string) (string, bool) { return "hunter2", name == "REGISTRY_PASSWORD" }})
	if err != nil {
		t.Fatal(err)
	}
	own := made.(*target)
	own.locks, own.getenv = t.TempDir(), func(string) string { return "" }
	own.dial = func(address) (daemon, error) { return f, nil }
	return own
}

func request(suite, key string) spec.StartRequest {
	return spec.StartRequest{Suite: suite, Key: key, Spec: spec.ServerSpec{Image: "engine:1", Command: []string{"serve", "--host", spec.HostPlaceholder, "--port", spec.PortPlaceholder}}}
}

func TestADaemonThatFailsAtEveryCall(t *testing.T) {
	for _, fail := range []string{"boom", "permission denied while trying to connect", "client version 1.51 is too new. Maximum supported API version is 1.41",
		"no space left on device", "x509: certificate signed by unknown authority"} {
		t.Run(fail, func(t *testing.T) {
			f := newFake()
			f.fail = errors.New(fail)
			conformance.Refusal(t, over(t, f, nil))
		})
	}
}

func TestStartGivesTheContainerItsLimits(t *testing.T) {
	f := newFake()
	f.images["engine:1"] = localImage{id: "sha256:1"}
	made := over(t, f, spec.Attrs{"memory": spec.IntValue(1 << 30), "gpu_uuids": spec.ListValue(spec.StringValue("GPU-a"), spec.StringValue("GPU-b"))})
	r := request("s", "k")
	r.Spec.GPUs, r.Spec.ShmBytes, r.Spec.ModelName = 1, 16<<30, "m"
	r.Spec.Mounts = []spec.Mount{{Source: "/models", Target: "/m", ReadOnly: true}}
	server, err := made.Start(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	o := f.orders[0]
	if strings.Join(o.command, " ") != "serve --host 0.0.0.0 --port 8000" || o.publish != "127.0.0.1" || o.shm != 16<<30 || o.memory != 1<<30 ||
		strings.Join(o.gpus, ",") != "GPU-a" || len(o.mounts) != 1 || !o.mounts[0].readOnly {
		t.Errorf("ordered %+v", o)
	}
	if server.URL != "http://127.0.0.1:32768" || server.Image != "sha256:1" || server.ModelName != "m" || !slices.Equal(server.Command, o.command) {
		t.Errorf("started %+v", server)
	}
	r.Key = "k2"
	second, err := made.Start(context.Background(), r)
	if err != nil || strings.Join(f.orders[1].gpus, ",") != "GPU-b" {
		t.Errorf("the second got %q, error %v", f.orders[1].gpus, err)
	}
	r.Key = "k3"
	if _, err = made.Start(context.Background(), r); err == nil || !strings.Contains(err.Error(), "GPU-a: container ") {
		t.Errorf("a third server on two GPUs: %v", err)
	}
	if err := made.Stop(context.Background(), second, 0); err != nil || len(f.containers) != 1 {
		t.Errorf("%d containers are left, error %v", len(f.containers), err)
	}
}

func TestImagesArePulledAsTheTargetSays(t *testing.T) {
	for _, test := range []struct {
		pull    string
		there   bool
		failing string
		pulls   int
		wrong   string
	}{
		{"missing", true, "", 0, ""}, {"missing", false, "", 1, ""}, {"always", true, "", 1, ""}, {"never", true, "", 0, ""},
		{"never", false, "", 0, "pull is \"never\""},
		{"missing", false, "manifest for engine:1 not found: manifest unknown", 1, "no such image or tag"},
		{"missing", false, "manifest verification failed for digest sha256:00", 1, "another digest"},
		{"missing", false, "pull access denied for engine", 1, "registry_user"},
		{"missing", false, "write /var/lib/docker/tmp/x: no space left on device", 1, "disk of the daemon's host is full"},
		{"missing", false, "dial tcp: lookup registry: no such host", 1, "can not be reached"},
		{"missing", false, "no matching manifest for linux/arm64/v8", 1, "daemon's system"},
	} {
		f := newFake()
		if test.there {
			f.images["engine:1"] = localImage{id: "sha256:1"}
		}
		if test.failing != "" {
			f.pullError = errors.New(test.failing)
		}
		made := over(t, f, spec.Attrs{"pull": spec.StringValue(test.pull), "registry_user": spec.StringValue("ci"), "registry_password": spec.SecretValue("REGISTRY_PASSWORD")})
		var told []string
		r := request("s", "k")
		r.Tell = func(phase string) { told = append(told, phase) }
		server, err := made.Start(context.Background(), r)
		if len(f.pulled) != test.pulls || (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%+v: %d pulls, error %v", test, len(f.pulled), err)
		}
		if test.pulls == 0 || err != nil {
			continue
		}
		if f.pulled[0] != (login{"ci", "hunter2"}) || server.Image != "engine@sha256:2" {
			t.Errorf("pulled as %v, image %q", f.pulled[0], server.Image)
		}
		if len(told) != 2 || told[1] != "pulling engine:1: 1 of 2 layers, 5.0 MB of 2.00 GB" {
			t.Errorf("told %q", told)
		}
	}
}

func TestAnotherImageThanThePinnedOneIsNotStarted(t *testing.T) {
	for digest, fits := range map[string]bool{"": true, "sha256:1": true, "engine@sha256:2": true, "mirror/engine@sha256:3": true, "engine@sha256:4": false, "sha256:4": false} {
		f := newFake()
		f.images["engine:1"] = localImage{id: "sha256:1", digests: []string{"engine@sha256:2", "other@sha256:3"}}
		r := request("s", "k")
		r.Digest = digest
		_, err := over(t, f, nil).Start(context.Background(), r)
		if (err == nil) != fits || len(f.orders) > 0 != fits {
			t.Errorf("pinned %q: error %v, %d containers made", digest, err, len(f.orders))
		}
		if err != nil && (spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "the daemon has engine@sha256:2") || !strings.Contains(err.Error(), "--upgrade")) {
			t.Errorf("pinned %q: %v", digest, err)
		}
	}
}

func TestAContainerThatDoesNotStartIsRemoved(t *testing.T) {
	for failing, want := range map[string]string{
		`could not select device driver "nvidia" with capabilities: [[gpu]]`:              "NVIDIA container toolkit",
		"nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0":      "driver is older",
		`exec: "serve": executable file not found in $PATH: unknown`:                      "no such command",
		"invalid mount config for type \"bind\": bind source path does not exist: /model": "folder that it mounts",
		"driver failed programming external connectivity: port is already allocated":      "port is taken",
		"something else": "the daemon refuses",
	} {
		f := newFake()
		f.images["engine:1"], f.startError = localImage{id: "sha256:1"}, errors.New(failing)
		_, err := over(t, f, nil).Start(context.Background(), request("s", "k"))
		if err == nil || !strings.Contains(err.Error(), want) || len(f.containers) != 0 {
			t.Errorf("%s: error %v, %d containers left", failing, err, len(f.containers))
		}
	}
}

func TestHowAContainerEnded(t *testing.T) {
	for _, test := range []struct {
		name  string
		found found
		sent  []string
		want  spec.ServerStatus
	}{
		{"by itself", found{exitCode: 3}, nil, spec.ServerStatus{ExitCode: 3}},
		{"killed", found{exitCode: 137}, nil, spec.ServerStatus{ExitCode: -1, Signal: "killed"}},
		{"crashed", found{exitCode: 139}, nil, spec.ServerStatus{ExitCode: -1, Signal: "segmentation fault"}},
		{"out of memory", found{exitCode: 137, noMemory: true}, nil, spec.ServerStatus{ExitCode: -1, Signal: "killed", Why: "the kernel killed it: the container's memory ran out"}},
		{"docker stop", found{exitCode: 0}, []string{"15"}, spec.ServerStatus{Signal: "terminated", Why: "somebody stopped the container through the daemon"}},
		{"daemon restarted", found{exitCode: 0, labels: map[string]string{labelEpoch: "0"}}, nil, spec.ServerStatus{Signal: "terminated", Why: "the Docker daemon was started anew"}},
	} {
		f := newFake()
		test.found.status, test.found.id, f.sent = "exited", "c", test.sent
		f.containers["c"] = &test.found
		got, err := over(t, f, nil).Status(context.Background(), spec.Server{ID: "c"})
		if err != nil || got != test.want {
			t.Errorf("%s: %+v (%v), want %+v", test.name, got, err, test.want)
		}
	}
}

func TestSuitesDoNotShareAHostUnasked(t *testing.T) {
	f := newFake()
	f.images["engine:1"] = localImage{id: "sha256:1"}
	ctx, locks := context.Background(), t.TempDir()
	session := func(attrs spec.Attrs) *target {
		made := over(t, f, attrs)
		made.locks = locks
		return made
	}
	first := session(nil)
	one, err := first.Start(ctx, request("one", "k"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Start(ctx, request("one", "k2")); err != nil {
		t.Errorf("a second server of the suite: %v", err)
	}
	if _, err := session(nil).Start(ctx, request("two", "k")); err == nil || !strings.Contains(err.Error(), "suite one") || !strings.Contains(err.Error(), "share_host") {
		t.Errorf("another suite's server: %v", err)
	}
	first.held.LetGo(containerName("one", "k")) // as if its aicv had been killed
	first.held.LetGo(containerName("one", "k2"))
	if _, err := session(nil).Start(ctx, request("two", "k")); err == nil || !strings.Contains(err.Error(), "container aicv-k") {
		t.Errorf("another suite's server, beside one whose aicv was killed: %v", err)
	}
	if _, err := session(spec.Attrs{"share_host": spec.BoolValue(true)}).Start(ctx, request("two", "k")); err != nil {
		t.Errorf("one that shares: %v", err)
	}
	simulated := request("three", "k")
	simulated.Spec.Simulated = true
	if _, err := session(nil).Start(ctx, simulated); err != nil {
		t.Errorf("a simulated one: %v", err)
	}
	if err := first.Stop(ctx, one, 0); err != nil {
		t.Error(err)
	}
	if holder, held := lock.Peek(locks + "/host.lock"); held {
		t.Errorf("the host is still held by %s", holder)
	}
}

func TestLogOfLongAndShortLines(t *testing.T) {
	f := newFake()
	made := over(t, f, nil)
	for _, line := range []string{"x\n", strings.Repeat("y", 900) + "\n"} {
		f.logged = strings.Repeat(line, 5000)
		got, err := made.Log(context.Background(), spec.Server{ID: "c"}, 64<<10)
		if err != nil || len(got) > 64<<10 || len(got) < min(len(f.logged), 64<<10)-len(line) || !strings.HasPrefix(f.logged, got[:1]) {
			t.Errorf("lines of %d: %d bytes, error %v", len(line), len(got), err)
		}
	}
}

func TestListSaysWhose(t *testing.T) {
	f := newFake()
	f.images["engine:1"] = localImage{id: "sha256:1"}
	made := over(t, f, spec.Attrs{"share_host": spec.BoolValue(true)})
	for _, suite := range []string{"one", "two"} {
		if _, err := made.Start(context.Background(), request(suite, "k")); err != nil {
			t.Fatal(err)
		}
	}
	f.containers["c1"].status = "exited"
	all, err := over(t, f, nil).List(context.Background())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, error %v", all, err)
	}
	for _, o := range all {
		if o.Owner.Work != made.env.WorkDir || o.Owner.Host == "" || o.Running != (o.Server.Suite == "one") {
			t.Errorf("%+v", o)
		}
	}
}

func TestCheckSaysWhatToDo(t *testing.T) {
	f := newFake()
	made := over(t, f, nil)
	if c := made.CheckImage(context.Background(), &spec.ServerSpec{Image: "engine:1"}, ""); c.Status != spec.CheckWarn || c.Fix != "docker pull engine:1" {
		t.Errorf("%+v", c)
	}
	if c := made.CheckImage(context.Background(), &spec.ServerSpec{}, ""); c.Status != spec.CheckFail || c.Fix == "" {
		t.Errorf("%+v", c)
	}
	f.images["engine:1"] = localImage{id: "sha256:1", digests: []string{"mirror/engine@sha256:9"}}
	for pinned, want := range map[string]spec.CheckStatus{"": spec.CheckOK, "sha256:1": spec.CheckOK, "engine@sha256:9": spec.CheckOK, "sha256:2": spec.CheckFail} {
		if c := made.CheckImage(context.Background(), &spec.ServerSpec{Image: "engine:1"}, pinned); c.Status != want || strings.Contains(c.Fix, "--upgrade") != (want == spec.CheckFail) {
			t.Errorf("pinned %q: %+v", pinned, c)
		}
	}
	pulls := over(t, f, spec.Attrs{"pull": spec.StringValue(pullAlways)})
	if c := pulls.CheckImage(context.Background(), &spec.ServerSpec{Image: "engine:1"}, "sha256:2"); c.Status != spec.CheckWarn || !strings.Contains(c.Found, "pinned is sha256:2") {
		t.Errorf("%+v", c)
	}
	f.fail = errors.New("permission denied while trying to connect to the Docker daemon socket")
	if all := over(t, f, nil).Check(context.Background()); len(all) != 1 || all[0].Status != spec.CheckFail || !strings.Contains(all[0].Fix, "group docker") {
		t.Errorf("%+v", all)
	}
}
