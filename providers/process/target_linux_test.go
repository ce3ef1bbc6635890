package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/providers/conformance"
	"aicv/spec"
)

// newTest makes a target whose reservations are the test's own, so that tests disturb
// no other aicv on the host.
func newTest(t *testing.T, work, locks string, attrs spec.Attrs) *target {
	t.Helper()
	getenv := func(name string) (string, bool) {
		return conformance.SecretValue, name == conformance.SecretName
	}
	made, err := newTarget(component(attrs), spec.Env{WorkDir: work, Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	own := made.(*target)
	own.locks = locks
	return own
}

// ports is a range of n ports for a test. Each run of the test binary has its own, because
// another copy of the tests may run beside it.
func ports(first, n int) spec.Attrs {
	return spec.Attrs{"port_range": spec.StringValue(portRange(first, n))}
}

func portRange(first, n int) string {
	return fmt.Sprintf("%d-%d", ownPort(first), ownPort(first)+n-1)
}

// ownPort moves a port by the test binary's process, within those that systems do not
// give to outgoing connections.
func ownPort(first int) int { return portOf(os.Getpid(), first) }

func portOf(pid, first int) int { return 20_000 + pid%40*300 + first }

func TestConformance(t *testing.T) {
	work, locks := t.TempDir(), t.TempDir()
	conformance.Target(t, conformance.Harness{
		New:   func(t *testing.T) spec.Target { return sharing(newTest(t, work, locks, ports(0, 100))) },
		Alive: countAlive,
		Kill: func(t *testing.T, server spec.Server) {
			pid, _, _ := strings.Cut(server.ID, "/")
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
		Broken: func(t *testing.T) spec.Target {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return newTest(t, file, locks, ports(0, 100))
		},
	})
	if strings.Contains(readTree(t, work), conformance.SecretValue) {
		t.Error("a secret was written to a file")
	}
}

// sharing lets suites start servers beside each other.
func sharing(made *target) *target {
	made.share = true
	return made
}

// countAlive reads /proc in its own way.
func countAlive(t *testing.T, suite, key string) int {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range environs {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		vars := strings.Split(string(content), "\x00")
		if slices.Contains(vars, "AICV_SUITE="+suite) && slices.Contains(vars, "AICV_KEY="+key) {
			n++
		}
	}
	return n
}

// helperSpec starts the test binary as the conformance suite's server.
func helperSpec(t *testing.T) spec.ServerSpec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return spec.ServerSpec{Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder}, ModelName: "m",
		Env: []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}}
}

// mustStart starts a server that is stopped at the end of the test.
func mustStart(t *testing.T, made *target, suite, key string, s spec.ServerSpec) spec.Server {
	t.Helper()
	server, err := made.Start(noContext(), spec.StartRequest{Suite: suite, Key: key, Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Stop(noContext(), server, time.Second); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestPortsInUseAreSteppedOver(t *testing.T) {
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ownPort(110)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	locks := t.TempDir()
	made := newTest(t, t.TempDir(), locks, ports(110, 3))
	var urls []string
	for _, key := range []string{"a", "b"} {
		server := mustStart(t, made, "s", key, helperSpec(t))
		urls = append(urls, server.URL)
		if got := server.Command[1:]; "http://"+strings.Join(got, ":") != server.URL {
			t.Errorf("it ran with %q, and is at %s", got, server.URL)
		}
	}
	slices.Sort(urls)
	if want := []string{fmt.Sprintf("http://127.0.0.1:%d", ownPort(111)), fmt.Sprintf("http://127.0.0.1:%d", ownPort(112))}; !slices.Equal(urls, want) {
		t.Errorf("servers at %q, want %q", urls, want)
	}
	_, err = newTest(t, t.TempDir(), locks, ports(110, 3)).Start(noContext(), spec.StartRequest{Suite: "t", Key: "c", Spec: helperSpec(t)})
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), portRange(110, 3)) {
		t.Errorf("a full range: %v", err)
	}
}

// TestReservationsLiveAsLongAsTheServer closes aicv's own side, as its death does.
func TestReservationsLiveAsLongAsTheServer(t *testing.T) {
	locks := t.TempDir()
	made := newTest(t, t.TempDir(), locks, ports(120, 1))
	s := helperSpec(t)
	s.Command = []string{"sleep", "60"} // binds nothing: only the lock speaks for it
	server := mustStart(t, made, "s", "k", s)
	made.held.LetGo(made.folder("s", "k"))
	if _, err := lock.Try(filepath.Join(locks, fmt.Sprintf("port-%d.lock", ownPort(120))), lock.Holder{}); !isHeld(err) {
		t.Fatalf("the lock of a running server: %v, want held", err)
	}
	if err := made.Stop(noContext(), server, time.Second); err != nil {
		t.Fatal(err)
	}
	file, err := lock.Try(filepath.Join(locks, fmt.Sprintf("port-%d.lock", ownPort(120))), lock.Holder{})
	if err != nil {
		t.Fatalf("the lock of a stopped server: %v", err)
	}
	_ = file.Close()
}

// TestAReusedProcessIDIsNotOurs gives the record the id of a process that is not the
// server: its start time tells.
func TestAReusedProcessIDIsNotOurs(t *testing.T) {
	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = stranger.Process.Kill(), stranger.Wait() }()
	p, ok := readProcess(stranger.Process.Pid)
	if !ok {
		t.Fatal("the stranger is gone")
	}
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	made := newTest(t, t.TempDir(), t.TempDir(), nil)
	for name, id := range map[string]identity{
		"start time": {boot, p.pid, p.start - 1},
		"boot":       {"another", p.pid, p.start},
	} {
		folder := made.folder("s", "k")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := writeRecord(folder, &record{Suite: "s", Key: "k", URL: "http://127.0.0.1:1", identity: id}); err != nil {
			t.Fatal(err)
		}
		found, err := made.Find(noContext(), "s", "")
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: found %v, error %v", name, found, err)
		}
		status, err := made.Status(noContext(), found[0])
		if err != nil || status.Running || status.Signal != spec.SignalUnknown {
			t.Errorf("%s: status %+v, error %v", name, status, err)
		}
		if err := made.Stop(noContext(), found[0], 0); err != nil {
			t.Errorf("%s: stop: %v", name, err)
		}
	}
	if now, ok := readProcess(p.pid); !ok || now.ended() {
		t.Error("a stranger with the server's process id was killed")
	}
}

func TestADamagedRecordIsMadeGood(t *testing.T) {
	work, locks := t.TempDir(), t.TempDir()
	made := newTest(t, work, locks, ports(130, 10))
	server := mustStart(t, made, "s", "k", helperSpec(t))
	path := filepath.Join(made.folder("s", "k"), fileRecord)
	if err := os.WriteFile(path, []byte(`{"suite": "s", "ke`), 0o600); err != nil {
		t.Fatal(err)
	}
	again := newTest(t, work, locks, ports(130, 10))
	found, err := again.Find(noContext(), "s", "k")
	server.Command = nil // the record alone knew it
	if err != nil || len(found) != 1 || !reflect.DeepEqual(found[0], server) {
		t.Fatalf("found %+v, error %v, want %+v", found, err, server)
	}
	adopted, err := again.Start(noContext(), spec.StartRequest{Suite: "s", Key: "k", Spec: helperSpec(t)})
	if err != nil || !adopted.Adopted || adopted.ID != server.ID {
		t.Fatalf("adopted %+v, error %v", adopted, err)
	}
	if r := readRecord(again.folder("s", "k")); r == nil || r.identity.String() != server.ID {
		t.Errorf("the record is %+v", r)
	}
}

func TestLogOfAGigabyte(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), nil)
	folder := made.folder("s", "k")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(folder, fileLog))
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte("\nthe end\n"), 1<<30) // the rest is a hole
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	bytes := testing.AllocsPerRun(1, func() {
		log, err := made.Log(noContext(), spec.Server{Suite: "s", Key: "k"}, 100)
		if err != nil || log != "the end\n" {
			t.Errorf("log %q, error %v", log, err)
		}
	})
	if bytes > 100 {
		t.Errorf("%v allocations", bytes)
	}
}

func TestTheLogBeforeIsKept(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), ports(140, 10))
	s := helperSpec(t)
	s.Env[0].Value = spec.StringValue("crash")
	for range 2 {
		server := mustStart(t, made, "s", "k", s)
		for status := (spec.ServerStatus{Running: true}); status.Running; time.Sleep(time.Millisecond) {
			status, _ = made.Status(noContext(), server)
		}
	}
	for _, name := range []string{fileLog, filePrevious} {
		content, err := os.ReadFile(filepath.Join(made.folder("s", "k"), name))
		if err != nil || strings.Count(string(content), "fatal") != 1 {
			t.Errorf("%s: %q, error %v", name, content, err)
		}
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), nil)
	begin := time.Now().Add(-time.Hour)
	for i := range keptLogs + 5 {
		folder := made.folder("s", fmt.Sprint("k", i))
		path := filepath.Join(folder, fileLog)
		err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(path, nil, 0o600), os.Chtimes(path, begin, begin.Add(time.Duration(i)*time.Second)))
		if i == 0 { // the oldest has a record: it may still run
			err = errors.Join(err, writeRecord(folder, &record{Suite: "s", Key: "k0"}))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	made.prune()
	for i := range keptLogs + 5 {
		_, err := os.Stat(made.folder("s", fmt.Sprint("k", i)))
		if want := i == 0 || i >= 5; (err == nil) != want {
			t.Errorf("folder %d: %v, want it kept: %v", i, err, want)
		}
	}
}

// TestServersListenWhereTheURLSays checks the address that is asked when a server
// listens on all of them.
func TestServersListenWhereTheURLSays(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1": "http://127.0.0.1:7", "0.0.0.0": "http://127.0.0.1:7", "::": "http://[::1]:7", "localhost": "http://localhost:7"} {
		made := newTest(t, "", "", spec.Attrs{"host": spec.StringValue(host)})
		if got := made.url(7); got != want {
			t.Errorf("host %s: %s, want %s", host, got, want)
		}
	}
}

// TestClosedInput checks that a server can not read what the user types.
func TestClosedInput(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), ports(150, 10))
	server := mustStart(t, made, "s", "k", spec.ServerSpec{Command: []string{"sh", "-c", "cat; echo end; exec sleep 60"}})
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if log, _ := made.Log(noContext(), server, 100); log == "end\n" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the server waits for input")
		}
	}
}

func healthy(server spec.Server) bool {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(server.URL + "/health")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// crashVariable makes the test binary a session of aicv that dies at a point of a start.
const crashVariable = "AICV_TEST_CRASH_AT"

func crashHelper() {
	point := os.Getenv(crashVariable)
	if point == "" {
		return
	}
	s := settings{address: "target.process.here", host: defaultHost, first: portOf(os.Getppid(), 160), last: portOf(os.Getppid(), 179)}
	self := os.Args[0]
	made := &target{settings: s, work: os.Args[1], locks: os.Args[2], run: gpu.Run, now: func(at string) {
		if at == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	if err := os.Unsetenv(crashVariable); err != nil {
		fmt.Println(err)
	}
	_, err := made.Start(context.Background(), spec.StartRequest{Suite: "s", Key: "k", Spec: spec.ServerSpec{
		Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder}, ModelName: "m",
		Env: []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}}})
	fmt.Println("not killed:", err)
	os.Exit(1)
}

// TestAicvKilledAtEveryPointOfAStart leaves what a crash leaves, and goes on as the
// next session does: the server is found and adopted, or there is none.
func TestAicvKilledAtEveryPointOfAStart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for point, runs := range map[string]bool{pointReserved: false, pointRecorded: false, pointStarted: true, pointKnown: true} {
		t.Run(point, func(t *testing.T) {
			work, locks := t.TempDir(), t.TempDir()
			session := exec.Command(self, work, locks)
			session.Env = append(os.Environ(), crashVariable+"="+point)
			output, err := session.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the session ended with %v: %s", err, output)
			}
			made := newTest(t, work, locks, ports(160, 20))
			found, err := made.Find(noContext(), "s", "k")
			if err != nil {
				t.Fatal(err)
			}
			if want := runs || point == pointRecorded; (len(found) == 1) != want {
				t.Fatalf("found %+v", found)
			}
			server := mustStart(t, made, "s", "k", helperSpec(t))
			if server.Adopted != runs {
				t.Errorf("adopted: %v, want %v", server.Adopted, runs)
			}
			for end := time.Now().Add(time.Minute); !healthy(server); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the server does not answer")
				}
			}
			if n := countAlive(t, "s", "k"); n != 1 {
				t.Errorf("%d servers run", n)
			}
			if err := made.Stop(noContext(), server, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if n := countAlive(t, "s", "k"); n != 0 {
				t.Errorf("%d servers are left", n)
			}
		})
	}
}

// TestAServerThatDoesNotShowItsLabelsYet: an aicv that was killed in the middle of a start
// leaves the record of a server whose process may be seen only a moment later.
func TestAServerThatDoesNotShowItsLabelsYet(t *testing.T) {
	made := newTest(t, t.TempDir(), t.TempDir(), nil)
	made.settling = time.Minute
	folder := made.folder("s-late", "k")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeRecord(folder, &record{Suite: "s-late", Key: "k", URL: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() {
		time.Sleep(300 * time.Millisecond)
		late := exec.Command("sleep", "3600")
		late.Env = []string{labelSuite + "=s-late", labelKey + "=k"}
		late.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		started <- late.Start()
	}()
	found, err := made.Find(noContext(), "s-late", "")
	if err != nil || len(found) != 1 || found[0].ID == "" || found[0].URL != "http://127.0.0.1:1" {
		t.Fatalf("found %+v, error %v", found, err)
	}
	if err := errors.Join(<-started, made.Stop(noContext(), found[0], 0)); err != nil {
		t.Fatal(err)
	}
	if n := countAlive(t, "s-late", "k"); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if err := writeRecord(folder, &record{Suite: "s-late", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(folder, fileRecord), long, long); err != nil {
		t.Fatal(err)
	}
	if found, err = made.Find(noContext(), "s-late", ""); err != nil || len(found) != 1 || found[0].ID != "" {
		t.Errorf("of a record that is old: %+v, error %v", found, err)
	}
}

// TestStopSparesOurselves names this very process as the server: nothing that a
// record or a caller says may end aicv or those who started it.
func TestStopSparesOurselves(t *testing.T) {
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	own := ourselves(all)
	for _, pid := range []int{1, os.Getpid(), os.Getppid()} {
		if !own[pid] {
			t.Errorf("process %d is not spared", pid)
		}
	}
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	self, ok := readProcess(os.Getpid())
	if !ok {
		t.Fatal("/proc does not show this process")
	}
	made := newTest(t, t.TempDir(), t.TempDir(), nil)
	server := spec.Server{Suite: "s", Key: "k", ID: identity{boot, self.pid, self.start}.String()}
	if err := made.Stop(noContext(), server, 0); err != nil {
		t.Error(err)
	}
}

// TestWorkersWithoutLabels: workers that threw their environment away are found by the
// server's session when their parent has gone, and by their parent when they have
// left the session.
func TestWorkersWithoutLabels(t *testing.T) {
	for name, script := range map[string]string{
		"by session": "(env -i sleep %d & ); echo up; exec sleep 60",
		"by descent": "env -i setsid sleep %d & echo up; wait",
	} {
		t.Run(name, func(t *testing.T) {
			worker := 1_000_000_000 + os.Getpid() // nobody else sleeps that long
			made := newTest(t, t.TempDir(), t.TempDir(), ports(190, 10))
			server := mustStart(t, made, "s", "k", spec.ServerSpec{Command: []string{"sh", "-c", fmt.Sprintf(script, worker)}})
			t.Cleanup(func() {
				for _, pid := range sleepers(t, worker) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			})
			for end := time.Now().Add(time.Minute); len(sleepers(t, worker)) != 1; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("workers %v, want one", sleepers(t, worker))
				}
			}
			if err := made.Stop(noContext(), server, time.Second); err != nil {
				t.Fatal(err)
			}
			if left := sleepers(t, worker); len(left) > 0 {
				t.Errorf("workers %v are left", left)
			}
		})
	}
}

// sleepers finds the processes whose command is exactly `sleep SECONDS`.
func sleepers(t *testing.T, seconds int) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range lines {
		content, err := os.ReadFile(path)
		if err != nil || string(content) != fmt.Sprintf("sleep\x00%d\x00", seconds) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func TestListFindsAllSuites(t *testing.T) {
	work := t.TempDir()
	made := newTest(t, work, t.TempDir(), ports(210, 10))
	made.share = true
	for _, suite := range []string{"list-one", "list-two"} {
		mustStart(t, made, suite, "k-"+suite, helperSpec(t))
	}
	all, err := newTest(t, t.TempDir(), t.TempDir(), nil).List(noContext()) // of another aicv
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, o := range all {
		if strings.HasPrefix(o.Server.Suite, "list-") && o.Owner.Work == work {
			found++
			if !o.Running || o.Owner.User == "" || o.Owner.Host == "" || o.Server.Key != "k-"+o.Server.Suite || o.Server.ID == "" {
				t.Errorf("%+v", o)
			}
		}
	}
	if found != 2 {
		t.Errorf("found %d of 2 servers: %+v", found, all)
	}
}
