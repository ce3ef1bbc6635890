package docker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"aicv/kit/text"
	"aicv/spec"
)

// modeVariable makes this test binary an engine that behaves badly.
const modeVariable = "AICV_DOCKER_TEST_MODE"

// misbehave runs the binary as such an engine, where it is told to.
func misbehave() {
	switch os.Getenv(modeVariable) {
	case "glutton":
		var all [][]byte
		for {
			piece := make([]byte, 1<<20)
			for i := range piece {
				piece[i] = 1
			}
			all = append(all, piece)
			runtime.KeepAlive(all)
		}
	case "talker":
		line := []byte(strings.Repeat("INFO 12-01 engine says the same again and again ", 20) + "\n")
		for n := 0; n < talk; n += len(line) {
			_, _ = os.Stdout.Write(line)
		}
		fmt.Println("that was all")
		time.Sleep(time.Hour)
	case "client":
		beClient()
	case "server":
		beServer()
	}
}

// talk is how much a talker logs: more than the daemon keeps of a container.
const talk = 200 << 20

func badRequest(t *testing.T, mode string) spec.StartRequest {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return spec.StartRequest{Suite: "bad", Key: "k", Spec: spec.ServerSpec{Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder},
		Env: []spec.EnvVar{{Name: modeVariable, Value: spec.StringValue(mode)}}}}
}

// leavesNothing wants no container of the suite.
func leavesNothing(t *testing.T, made *target) {
	t.Helper()
	if left, err := made.Find(context.Background(), "bad", ""); err != nil || len(left) > 0 {
		t.Errorf("left %+v, error %v", left, err)
	}
}

// TestRealBadInputMemory runs into the container's memory limit: that is the host's
// doing, with its cause.
func TestRealBadInputMemory(t *testing.T) {
	needDaemon(t)
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true), "memory": spec.IntValue(64 << 20)})
	server, err := made.Start(t.Context(), badRequest(t, "glutton"))
	if err != nil {
		t.Fatal(err)
	}
	status := spec.ServerStatus{Running: true}
	for end := time.Now().Add(time.Minute); status.Running && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if status, err = made.Status(t.Context(), server); err != nil {
			t.Fatal(err)
		}
	}
	if status.Running || status.Signal != "killed" || !strings.Contains(status.Why, "memory ran out") {
		t.Errorf("%+v", status)
	}
	if err := made.Stop(t.Context(), server, time.Second); err != nil {
		t.Error(err)
	}
	leavesNothing(t, made)
}

// TestRealBadInputLog asks for the end of a long log: that comes, in bounded memory, and
// the daemon's disk holds no more than its share.
func TestRealBadInputLog(t *testing.T) {
	needDaemon(t)
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true)})
	server, err := made.Start(t.Context(), badRequest(t, "talker"))
	if err != nil {
		t.Fatal(err)
	}
	const asked = 64 << 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	log := ""
	for end := time.Now().Add(5 * time.Minute); !strings.HasSuffix(log, "that was all\n"); time.Sleep(200 * time.Millisecond) {
		if log, err = made.Log(t.Context(), server, asked); err != nil || len(log) > asked {
			t.Fatalf("%d bytes, error %v", len(log), err)
		}
		if time.Now().After(end) {
			t.Fatalf("the log ends with %q", log[max(0, len(log)-100):])
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 64<<20 {
		t.Errorf("following it took %d MiB", grown>>20)
	}
	if !strings.HasPrefix(log, "INFO ") || len(log) < asked/2 {
		t.Errorf("%d bytes, beginning with %q", len(log), log[:min(len(log), 50)])
	}
	if err := made.Stop(t.Context(), server, 0); err != nil {
		t.Error(err)
	}
	leavesNothing(t, made)
}

// TestRealBadInputGPU asks a daemon for a GPU that is not there.
func TestRealBadInputGPU(t *testing.T) {
	needDaemon(t)
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true), "gpu_uuids": spec.ListValue(spec.StringValue("GPU-00000000-0000-0000-0000-000000000000"))})
	r := badRequest(t, "")
	r.Spec.GPUs = 1
	_, err := made.Start(t.Context(), r)
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !(strings.Contains(err.Error(), "NVIDIA container toolkit") || strings.Contains(err.Error(), "nvidia-smi")) {
		t.Errorf("error %v", err)
	}
	leavesNothing(t, made)
	r.Spec.GPUs = 2
	if _, err = made.Start(t.Context(), r); err == nil || !strings.Contains(err.Error(), "too few of gpu_uuids") {
		t.Errorf("two of one: %v", err)
	}
	leavesNothing(t, made)
}

// TestRealBadInputDisk pulls an image that does not fit on the disk of a daemon.
func TestRealBadInputDisk(t *testing.T) {
	needDaemon(t)
	r := startRegistry(t)
	r.push(t, "1")
	image, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	host := smallDaemon(t, image.Size()/2)
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true), "host": spec.StringValue(host)})
	request := badRequest(t, "")
	request.Spec.Image = r.host + "/engine:1"
	_, err = made.Start(t.Context(), request)
	if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), "disk of the daemon's host is full") || !strings.Contains(err.Error(), "docker system df") {
		t.Errorf("error %v", err)
	}
	leavesNothing(t, made)
	if _, err := made.known.image(t.Context(), request.Spec.Image); err == nil {
		t.Error("half an image is there")
	}
}

// smallDaemon is a daemon whose disk has this size, in bytes.
func smallDaemon(t *testing.T, size int64) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "aicv-small") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data, socket := filepath.Join(dir, "data"), "unix://"+filepath.Join(dir, "sock")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", data, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, 0) })
	said := text.NewTail(4096)
	command := exec.Command("dockerd", "--data-root", data, "--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"),
		"--bridge", "docker0", "--iptables=false", "--ip6tables=false", "--insecure-registry", "127.0.0.0/8", "-H", socket)
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Skipf("needs dockerd: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	d, err := dial(address{host: socket})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err = d.info(t.Context()); err == nil {
			return socket
		}
		if time.Now().After(end) {
			t.Fatalf("%v; the daemon says %s", err, said)
		}
	}
}
