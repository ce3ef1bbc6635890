package docker

import (
	"context"
	"os"
	"testing"

	"github.com/docker/docker/api/types/image"

	"aicv/providers/conformance"
	"aicv/spec"
)

func TestMain(m *testing.M) {
	misbehave()
	conformance.Helper()
	os.Exit(m.Run())
}

func component(attrs spec.Attrs) *spec.Component {
	return &spec.Component{Role: spec.RoleTarget, Kind: Kind, Name: "local", Attrs: attrs}
}

// needDaemon skips without a real daemon.
func needDaemon(t *testing.T) {
	t.Helper()
	if os.Getenv("AICV_REAL") == "" || os.Getenv("DOCKER_HOST") == "" {
		t.Skip("needs a Docker daemon: AICV_REAL=1 scripts/with-docker go test ./providers/docker")
	}
}

// newReal makes a target of the real daemon, whose own servers are this test binary.
func newReal(t *testing.T, work string, attrs spec.Attrs) *target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) (string, bool) {
		return conformance.SecretValue, name == conformance.SecretName
	}
	made, err := newTarget(component(attrs), spec.Env{WorkDir: work, Getenv: getenv, Self: self})
	if err != nil {
		t.Fatal(err)
	}
	own := made.(*target)
	own.locks = t.TempDir()
	t.Cleanup(func() {
		if own.known != nil {
			_ = own.known.close()
		}
	})
	return own
}

// ask reaches the daemon beside the target under test.
func ask(t *testing.T) daemon {
	t.Helper()
	d, err := dial(address{host: os.Getenv("DOCKER_HOST")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	return d
}

func TestRealConformance(t *testing.T) {
	needDaemon(t)
	work, d := t.TempDir(), ask(t)
	conformance.Target(t, conformance.Harness{
		Whole: true,
		Image: selfTag(t, newReal(t, work, nil)),
		New: func(t *testing.T) spec.Target {
			return newReal(t, work, spec.Attrs{"share_host": spec.BoolValue(true)})
		},
		Alive: func(t *testing.T, suite, key string) int {
			all, err := d.find(context.Background(), map[string]string{"dev.aicv.suite": suite, "dev.aicv.key": key})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, f := range all {
				if f.status == "running" {
					n++
				}
			}
			return n
		},
		Kill: func(t *testing.T, server spec.Server) {
			if err := d.kill(context.Background(), server.ID, "SIGKILL"); err != nil {
				t.Fatal(err)
			}
		},
		Broken: func(t *testing.T) spec.Target {
			return newReal(t, t.TempDir(), spec.Attrs{"host": spec.StringValue("unix:///nonexistent/docker.sock")})
		},
	})
	all, err := d.find(context.Background(), map[string]string{labelSuite: ""})
	if err != nil || len(all) > 0 {
		t.Errorf("containers are left: %+v, error %v", all, err)
	}
}

// selfTag makes the image of this test binary.
func selfTag(t *testing.T, made *target) string {
	t.Helper()
	d, err := made.reach(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ref, _, err := made.selfImage(context.Background(), d, &hostInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// removeAll removes an image whatever refers to it.
func removeAll() image.RemoveOptions { return image.RemoveOptions{Force: true, PruneChildren: true} }
