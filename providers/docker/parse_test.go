package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

func TestPullStream(t *testing.T) {
	const stream = `{"status":"Pulling from engine","id":"1"}
{"status":"Pulling fs layer","progressDetail":{},"id":"a"}
{"status":"Already exists","progressDetail":{},"id":"b"}
{"status":"Downloading","progressDetail":{"current":100,"total":400},"id":"a"}
{"status":"Download complete","progressDetail":{},"id":"a"}
{"status":"Pull complete","progressDetail":{},"id":"a"}
{"status":"Digest: sha256:00"}
`
	var told []progress
	err := followPull(context.Background(), strings.NewReader(stream), func(p progress) { told = append(told, p) })
	want := []progress{{1, 0, 0, 0}, {2, 1, 0, 0}, {2, 1, 100, 400}, {2, 1, 400, 400}, {2, 2, 400, 400}}
	if err != nil || len(told) != len(want) {
		t.Fatalf("told %v, error %v", told, err)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, told[i], want[i])
		}
	}
	for broken, want := range map[string]string{
		`{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}`: "unexpected EOF",
		`{"error":"boom"}`:          "boom",
		`{"status":"Downloading","`: "broke off",
	} {
		if err := followPull(context.Background(), strings.NewReader(broken), func(progress) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

func FuzzPullStream(f *testing.F) {
	f.Add(`{"status":"Downloading","progressDetail":{"current":-1,"total":1},"id":"a"}`)
	f.Add(`{"error":"x"}`)
	f.Fuzz(func(t *testing.T, stream string) {
		_ = followPull(context.Background(), strings.NewReader(stream), func(p progress) {
			if p.done > p.layers || p.layers > maxLayers {
				t.Errorf("%+v", p)
			}
		})
	})
}

func TestTheDaemonIsFoundAsTheDockerCommandDoes(t *testing.T) {
	config := t.TempDir()
	sum := sha256.Sum256([]byte("far"))
	id := hex.EncodeToString(sum[:])
	write := func(content string, path ...string) {
		name := filepath.Join(append([]string{config}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"Name":"far","Endpoints":{"docker":{"Host":"tcp://gpu-host:2376"}}}`, "contexts", "meta", id, "meta.json")
	write("", "contexts", "tls", id, "docker", "ca.pem")
	for _, test := range []struct {
		name  string
		attrs map[string]string
		env   map[string]string
		file  string
		host  string
		ca    bool
		local bool
		wrong string
	}{
		{name: "default", host: defaultHost, local: true},
		{name: "host", attrs: map[string]string{"host": "tcp://127.0.0.1:2375"}, env: map[string]string{"DOCKER_HOST": "tcp://x:1"}, host: "tcp://127.0.0.1:2375", local: true},
		{name: "context", attrs: map[string]string{"context": "far"}, host: "tcp://gpu-host:2376", ca: true},
		{name: "DOCKER_HOST", env: map[string]string{"DOCKER_HOST": "tcp://x:2375", "DOCKER_CONTEXT": "far"}, host: "tcp://x:2375"},
		{name: "DOCKER_HOST with TLS", env: map[string]string{"DOCKER_HOST": "tcp://x:2376", "DOCKER_TLS_VERIFY": "1"}, host: "tcp://x:2376", ca: true},
		{name: "DOCKER_CONTEXT", env: map[string]string{"DOCKER_CONTEXT": "far"}, host: "tcp://gpu-host:2376", ca: true},
		{name: "current context", file: `{"currentContext":"far"}`, host: "tcp://gpu-host:2376", ca: true},
		{name: "unknown context", attrs: map[string]string{"context": "nowhere"}, wrong: "docker context ls"},
		{name: "ssh", attrs: map[string]string{"host": "ssh://gpu-host"}, wrong: "forward its socket"},
		{name: "nonsense", attrs: map[string]string{"host": "gpu-host"}, wrong: "is no address"},
	} {
		write(test.file+"{}"[:2*btoi(test.file == "")], "config.json")
		attrs := spec.Attrs{}
		for k, v := range test.attrs {
			attrs[k] = spec.StringValue(v)
		}
		s, err := parseSettings(component(attrs))
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.locate(func(name string) string {
			if name == "DOCKER_CONFIG" {
				return config
			}
			return test.env[name]
		})
		if test.wrong != "" {
			if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || at.host != test.host || (at.ca != "") != test.ca || at.local() != test.local {
			t.Errorf("%s: %+v, local %t, error %v", test.name, at, at.local(), err)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		attrs spec.Attrs
		wrong string
	}{
		{nil, ""},
		{spec.Attrs{"registry_password": spec.StringValue("hunter2")}, `env("REGISTRY_PASSWORD")`},
		{spec.Attrs{"publish": spec.StringValue("everywhere")}, "no IP address"},
		{spec.Attrs{"host": spec.StringValue("a"), "context": spec.StringValue("b")}, "both name a daemon"},
	} {
		_, err := parseSettings(component(test.attrs))
		if (err != nil) != (test.wrong != "") || err != nil && (!strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%v: %v", test.attrs, err)
		}
	}
}

// TestAFarDaemonNeedsAnAddress: its loopback is not ours.
func TestAFarDaemonNeedsAnAddress(t *testing.T) {
	f := newFake()
	f.images["engine:1"] = localImage{id: "sha256:1"}
	_, err := over(t, f, spec.Attrs{"host": spec.StringValue("tcp://far:2376")}).Start(context.Background(), request("s", "k"))
	if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "publish") {
		t.Errorf("error %v", err)
	}
	server, err := over(t, f, spec.Attrs{"host": spec.StringValue("tcp://far:2376"), "publish": spec.StringValue("0.0.0.0")}).Start(context.Background(), request("s", "k"))
	if err != nil || server.URL != "http://far:32768" {
		t.Errorf("%+v, error %v", server, err)
	}
}
