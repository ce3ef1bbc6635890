package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// askDaemon sends a request to the daemon without aicv's help.
func askDaemon(t *testing.T, method, path, body string) string {
	t.Helper()
	return sendDaemon(t, method, path, "application/json", strings.NewReader(body))
}

func sendDaemon(t *testing.T, method, path, kind string, body io.Reader) string {
	t.Helper()
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", socket)
	}}}
	request, err := http.NewRequest(method, "http://docker"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, path, response.Status, content, err)
	}
	return string(content)
}

// tagEngine gives a tag to an image of aicv itself that was never there before.
func tagEngine(t *testing.T, label string) {
	t.Helper()
	var images []struct {
		RepoTags []string
		Created  int64
	}
	if err := json.Unmarshal([]byte(askDaemon(t, "GET", "/images/json", "")), &images); err != nil {
		t.Fatal(err)
	}
	self, newest := "", int64(0) // other tests may have made one of theirs
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, "aicv-self:") && i.Created >= newest {
				self, newest = tag, i.Created
			}
		}
	}
	var made struct{ ID string }
	body := `{"Image":"` + self + `","Cmd":["/aicv"],"Labels":{"made":"` + label + `"}}`
	if err := json.Unmarshal([]byte(askDaemon(t, "POST", "/containers/create", body)), &made); err != nil || self == "" {
		t.Fatal(self, err)
	}
	askDaemon(t, "POST", "/commit?repo=engine&tag=1&container="+made.ID, "")
	askDaemon(t, "DELETE", "/containers/"+made.ID+"?force=1", "")
}

// TestRealDockerImagePin moves a tag between two applies.
func TestRealDockerImagePin(t *testing.T) {
	needDocker(t)
	c := newDockerCase(t)
	c.apply("", 0) // makes the image of aicv itself
	suite := strings.Replace(dockerLine+crashSuite, `"engine" {}`, `"engine" { image = "engine:1" }`, 1)
	if err := os.WriteFile(filepath.Join(c.dir, "suite.hcl"), []byte(suite), 0o600); err != nil {
		t.Fatal(err)
	}
	lockFile := func() string {
		content, err := os.ReadFile(filepath.Join(c.dir, ".aicv.lock"))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	tagEngine(t, "first")
	c.apply("", 0)
	first := lockFile()
	if !strings.Contains(first, `lock "engine:1" {`) || !strings.Contains(first, `image = "sha256:`) {
		t.Errorf("pinned:\n%s", first)
	}
	tagEngine(t, "second")
	out, err := exec.Command("aicv", "apply", "--rerun", "e", c.dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "engine:1 is another one now") || !strings.Contains(string(out), "--upgrade") {
		t.Errorf("another image: error %v\n%s", err, out)
	}
	if lockFile() != first {
		t.Error("the lock file changed")
	}
	if out, err := exec.Command("aicv", "doctor", c.dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "engine:1 is another one than pinned") {
		t.Errorf("doctor on another image: error %v\n%s", err, out)
	}
	out, err = exec.Command("aicv", "apply", "--upgrade", "--rerun", "e", c.dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "its image: sha256:") {
		t.Errorf("upgrade: %v\n%s", err, out)
	}
	if lockFile() == first {
		t.Error("the upgrade pinned nothing")
	}
	show := exec.Command("aicv", "show", "e")
	show.Dir = c.dir
	out, err = show.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "drift         its image: sha256:") {
		t.Errorf("show: %v\n%s", err, out)
	}
	if left := containersOf(t, c.dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}

// TestRealDockerSocketOfSomebodyElse runs aicv as a user who may not use the socket.
func TestRealDockerSocketOfSomebodyElse(t *testing.T) {
	needDocker(t)
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	c := newDockerCase(t)
	command := asNobody(t, c.dir)
	for _, verb := range []string{"apply", "doctor", "destroy"} {
		out, err := command(verb, c.dir).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "may not use its socket") || !strings.Contains(string(out), "group docker") {
			t.Errorf("%s: error %v, with neither cause nor fix:\n%s", verb, err, out)
		}
	}
	c.apply("", 0) // whoever may goes on
	if left := containersOf(t, c.dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}

// nobody is an ordinary user.
const nobody = 65534

// asNobody hands a folder to an ordinary user, with an aicv in it that the user can run.
func asNobody(t *testing.T, folder string) func(args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(folder, "aicv")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := folder; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, nobody, nobody))
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		command := exec.Command(binary, args...)
		command.Dir, command.Env = folder, append(os.Environ(), "HOME="+folder, "XDG_CACHE_HOME="+folder)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return command
	}
}
