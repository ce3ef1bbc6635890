package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needDocker skips without a real daemon of the test's own.
func needDocker(t *testing.T) {
	t.Helper()
	if os.Getenv("AICV_REAL") == "" || !strings.HasPrefix(os.Getenv("DOCKER_HOST"), "unix://") {
		t.Skip("needs a Docker daemon: CGO_ENABLED=0 AICV_REAL=1 scripts/with-docker go test ./cmd/aicv -run TestRealDocker")
	}
}

// containersOf lists the containers that a suite's aicv left, without aicv's help.
func containersOf(t *testing.T, dir string) []string {
	t.Helper()
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", socket)
	}}}
	response, err := client.Get("http://docker/containers/json?all=1&filters=" + url.QueryEscape(`{"label":["dev.aicv.suite"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list []struct {
		Names  []string
		State  string
		Labels map[string]string
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, c := range list {
		if strings.HasPrefix(c.Labels["dev.aicv.owner.work"], dir) {
			left = append(left, fmt.Sprint(c.Names, " ", c.State))
		}
	}
	return left
}

const dockerLine = "target \"docker\" \"local\" {}\n"

// TestRealDockerQuickstart runs the README's main job in containers: one line more.
func TestRealDockerQuickstart(t *testing.T) {
	needDocker(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/experiments/quickstart")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".aicv")); err != nil {
		t.Fatal(err)
	}
	suite, err := os.ReadFile(filepath.Join(dir, "suite.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), append(suite, dockerLine...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("aicv", "apply", dir).CombinedOutput()
	for _, want := range []string{"http://127.0.0.1:", "✗ fail ", "4 cells, 3 runs each"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}

// TestRealDockerCrashSweep kills an apply at its durable steps, every one in an
// acceptance run, and resumes or destroys: no container may be left either way.
func TestRealDockerCrashSweep(t *testing.T) {
	needDocker(t)
	every := 7
	if os.Getenv("AICV_ACCEPTANCE") != "" {
		every = 1
	}
	clean := newDockerCase(t)
	clean.apply("count", 0)
	steps, want := clean.steps(), clean.summary()
	t.Logf("%d durable steps", steps)
	for n := 1; n <= steps; n += every {
		for i, mode := range []string{"kill_before", "kill_after"} {
			t.Run(fmt.Sprintf("%s/%d", mode, n), func(t *testing.T) {
				c := newDockerCase(t)
				c.run(fmt.Sprintf("%s:%d", mode, n))
				if c.killed == 0 {
					t.Error("nothing was killed")
				}
				if (n/every+i)%2 == 0 {
					c.destroy()
				}
				c.apply("", 0)
				if got := c.summary(); got != want {
					t.Errorf("after a %s at step %d and a resume:\n%s\nthe clean run gave:\n%s", mode, n, got, want)
				}
				if left := containersOf(t, c.dir); len(left) > 0 {
					t.Errorf("containers left: %s", left)
				}
			})
		}
	}
}

func newDockerCase(t *testing.T) *crashCase {
	c := newCrashCase(t)
	if err := os.WriteFile(filepath.Join(c.dir, "suite.hcl"), []byte(dockerLine+crashSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// destroy removes what the killed apply left, and wants nothing to be there afterwards.
func (c *crashCase) destroy() {
	c.t.Helper()
	if out, err := exec.Command("aicv", "destroy", c.dir).CombinedOutput(); err != nil {
		c.t.Errorf("destroy: %v\n%s", err, out)
	}
	if left := containersOf(c.t, c.dir); len(left) > 0 {
		c.t.Errorf("containers left after destroy: %s", left)
	}
}
