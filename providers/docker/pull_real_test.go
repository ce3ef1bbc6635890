package docker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aicv/kit/text"

	"aicv/spec"
)

// registry is Debian's docker-registry on loopback. Its URL has a trailing slash.
type registry struct{ host, dir string }

func startRegistry(t *testing.T) registry {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("needs docker-registry: scripts/real-tools docker")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := registry{listener.Addr().String(), t.TempDir()}
	_ = listener.Close()
	config := filepath.Join(r.dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %s}\n", r.dir, r.host), 0o600); err != nil {
		t.Fatal(err)
	}
	command, said := exec.Command(binary, "serve", config), text.NewTail(4096)
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get("http://" + r.host + "/v2/"); err == nil {
			_ = response.Body.Close()
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("the registry does not answer: %s", said)
		}
	}
}

// blob uploads content and returns its digest.
func (r registry) blob(t *testing.T, content []byte) string {
	t.Helper()
	response, err := http.Post("http://"+r.host+"/v2/engine/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	at := response.Header.Get("Location")
	separator := "?"
	if strings.Contains(at, "?") {
		separator = "&"
	}
	r.put(t, at+separator+"digest="+digestOf(content), "application/octet-stream", content)
	return digestOf(content)
}

func (r registry) put(t *testing.T, url, kind string, content []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		said, _ := io.ReadAll(response.Body)
		t.Fatalf("PUT %s: %s %s", url, response.Status, said)
	}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// push puts an image FROM scratch with this test binary into the registry, and returns
// the digest of its manifest.
func (r registry) push(t *testing.T, tag string) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	if err := writeSelf(&layer, bytes.NewReader(self), int64(len(self))); err != nil {
		t.Fatal(err)
	}
	layer.Write(make([]byte, 10240)) // another layer than that of aicv's own image, which the daemon may have
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/"]},"rootfs":{"type":"layers","diff_ids":[%q]}}`, digestOf(layer.Bytes()))
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%d,"digest":%q},
"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","size":%d,"digest":%q}]}`, len(config), r.blob(t, config), layer.Len(), r.blob(t, layer.Bytes()))
	r.put(t, "http://"+r.host+"/v2/engine/manifests/"+tag, "application/vnd.docker.distribution.manifest.v2+json", manifest)
	return digestOf(manifest)
}

func TestRealPull(t *testing.T) {
	needDaemon(t)
	r := startRegistry(t)
	digest := r.push(t, "1")
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true)})
	start := func(image string, tell func(string)) (spec.Server, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		return made.Start(ctx, spec.StartRequest{Suite: "pull", Key: "k", Tell: tell, Spec: spec.ServerSpec{Image: image,
			Command: []string{"/aicv", spec.HostPlaceholder, spec.PortPlaceholder}, Env: []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}}})
	}
	wrong := func(image, want string) {
		t.Helper()
		server, err := start(image, nil)
		if spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %+v, error %v, want %q", image, server, err, want)
		}
	}
	name := r.host + "/engine"
	wrong(name+":2", "no such image or tag")
	wrong(name+"@sha256:"+strings.Repeat("0", 64), "no such image or tag")
	wrong("127.0.0.1:1/engine:1", "can not be reached")

	var told []string
	server, err := start(name+"@"+digest, func(phase string) { told = append(told, phase) })
	if err != nil {
		t.Fatal(err)
	}
	if server.Image != name+"@"+digest || len(told) < 2 || !strings.Contains(strings.Join(told, "\n"), "of 1 layers") {
		t.Errorf("image %q, told %q", server.Image, told)
	}
	if err := made.Stop(context.Background(), server, time.Second); err != nil {
		t.Fatal(err)
	}
	if server, err = start(name+":1", nil); err != nil || server.Image != name+"@"+digest {
		t.Errorf("by its tag: image %q, error %v", server.Image, err)
	}
	if err := made.Stop(context.Background(), server, time.Second); err != nil {
		t.Fatal(err)
	}
	r.damage(t)
	d := ask(t).(*engine)
	if _, err := d.api.ImageRemove(context.Background(), name+":1", removeAll()); err != nil {
		t.Fatal(err)
	}
	if _, err := start(name+":1", nil); err == nil {
		t.Error("a damaged image was started")
	} else if !strings.Contains(err.Error(), "another digest") {
		t.Errorf("a damaged image: %v", err)
	}
}

// damage changes a byte of the largest blob.
func (r registry) damage(t *testing.T) {
	t.Helper()
	var largest string
	var size int64
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(largest, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte("damage"), size/2)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestRealPullInterrupted ends the context in the middle of a pull from a registry that
// gives its layer slowly.
func TestRealPullInterrupted(t *testing.T) {
	needDaemon(t)
	layer := bytes.Repeat([]byte("x"), 1<<20)
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + digestOf(layer) + `"]}}`)
	manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
		"config": map[string]any{"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digestOf(config)},
		"layers": []any{map[string]any{"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "size": len(layer), "digest": digestOf(layer)}}})
	if err != nil {
		t.Fatal(err)
	}
	slow := slowRegistry(t, map[string][]byte{"manifests/1": manifest, "manifests/" + digestOf(manifest): manifest, "blobs/" + digestOf(config): config}, layer)
	made := newReal(t, t.TempDir(), nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = made.Start(ctx, spec.StartRequest{Suite: "slow", Key: "k", Spec: spec.ServerSpec{Image: slow + "/engine:1", Command: []string{"x"}},
		Tell: func(phase string) {
			if strings.Contains(phase, "layers") {
				cancel()
			}
		}})
	if spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("error %v", err)
	}
	if found, err := made.Find(context.Background(), "slow", ""); err != nil || len(found) > 0 {
		t.Errorf("left %+v, error %v", found, err)
	}
}

// slowRegistry answers what it knows, and a layer that never ends.
func slowRegistry(t *testing.T, known map[string][]byte, layer []byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := strings.TrimPrefix(r.URL.Path, "/v2/engine/")
		content, ok := known[what]
		switch {
		case r.URL.Path == "/v2/":
		case ok:
			if strings.HasPrefix(what, "manifests/") {
				w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
				w.Header().Set("Docker-Content-Digest", digestOf(content))
			}
			_, _ = w.Write(content)
		case what == "blobs/"+digestOf(layer):
			w.Header().Set("Content-Length", fmt.Sprint(len(layer)))
			_, _ = w.Write(layer[:len(layer)/2])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// TestRealEnds looks at ends that nobody of the engine brought: stopped and killed through
// the daemon, out of memory, removed.
func TestRealEnds(t *testing.T) {
	needDaemon(t)
	work := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	made := newReal(t, work, spec.Attrs{"share_host": spec.BoolValue(true)})
	d := ask(t)
	ctx := context.Background()
	for _, test := range []struct {
		name   string
		end    func(id string) error
		signal string
		why    string
	}{
		{"docker stop", func(id string) error { return d.kill(ctx, id, "SIGTERM") }, "terminated", "through the daemon"},
		{"docker kill", func(id string) error { return d.kill(ctx, id, "SIGKILL") }, "killed", "through the daemon"},
		{"docker rm", func(id string) error { return d.remove(ctx, id) }, spec.SignalUnknown, "somebody removed it"},
	} {
		server, err := made.Start(ctx, spec.StartRequest{Suite: "ends", Key: "k", Spec: spec.ServerSpec{Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder},
			Env: []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}}})
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // until its handler of signals stands
			if log, err := made.Log(ctx, server, 1000); err == nil && strings.Contains(log, "ready at") {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: the server does not listen", test.name)
			}
		}
		if err := test.end(server.ID); err != nil {
			t.Fatal(err)
		}
		status := spec.ServerStatus{Running: true}
		for end := time.Now().Add(time.Minute); status.Running && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if status, err = made.Status(ctx, server); err != nil {
				t.Fatal(err)
			}
		}
		if status.Signal != test.signal || !strings.Contains(status.Why, test.why) {
			t.Errorf("%s: %+v", test.name, status)
		}
		if err := made.Stop(ctx, server, 0); err != nil {
			t.Error(err)
		}
	}
}

// TestRealDaemonRestart starts the daemon anew under a server. It disturbs whoever else
// uses the daemon, so that it runs alone: in scripts/acceptance.
func TestRealDaemonRestart(t *testing.T) {
	needDaemon(t)
	if os.Getenv("AICV_ACCEPTANCE") == "" || os.Getenv("AICV_DOCKERD") == "" {
		t.Skip("starts the daemon anew: AICV_ACCEPTANCE=1, under scripts/with-docker")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	made := newReal(t, t.TempDir(), spec.Attrs{"share_host": spec.BoolValue(true)})
	ctx := context.Background()
	server, err := made.Start(ctx, spec.StartRequest{Suite: "restart", Key: "k", Spec: spec.ServerSpec{Command: []string{self, spec.HostPlaceholder, spec.PortPlaceholder},
		Env: []spec.EnvVar{{Name: "AICV_CONFORMANCE_MODE", Value: spec.StringValue("serve")}}}})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(os.Getenv("AICV_DOCKERD"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kill", strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	var status spec.ServerStatus
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if status, err = made.Status(ctx, server); err == nil && !status.Running {
			break
		}
		if err != nil && spec.KindOf(err) != spec.ErrInfrastructure {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, error %v", status, err)
		}
	}
	if status.Signal == "" || status.Why == "" {
		t.Errorf("%+v: it would count as the engine's own end", status)
	}
	if err := made.Stop(ctx, server, 0); err != nil {
		t.Error(err)
	}
}
