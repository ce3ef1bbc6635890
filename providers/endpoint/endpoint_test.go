package endpoint

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"aicv/providers/conformance"
	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func component(pairs ...string) *spec.Component {
	attrs := spec.Attrs{}
	for i := 0; i < len(pairs); i += 2 {
		attrs[pairs[i]] = spec.StringValue(pairs[i+1])
	}
	return &spec.Component{Role: spec.RoleTarget, Kind: Kind, Name: "there", Attrs: attrs}
}

func targetOf(t *testing.T, pairs ...string) spec.Target {
	t.Helper()
	made, err := Registration().New.Target(component(pairs...), spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// server answers paths with fixed texts; a path that it does not know gives 404.
func server(t *testing.T, paths map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := paths[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case body == "unhealthy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte(body)) // a client that left is no matter
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const list = `{"object":"list","data":[{"id":"llama-8b"},{"id":"meta-llama/Llama-3.1-8B-Instruct"}]}`

func start(made spec.Target, model string) (spec.Server, error) {
	return made.Start(context.Background(), spec.StartRequest{Suite: "s", Key: "k", Spec: spec.ServerSpec{ModelName: model}})
}

func TestStart(t *testing.T) {
	url := server(t, map[string]string{"/health": "", "/v1/models": list})
	for _, test := range []struct {
		name, want string
		pairs      []string
	}{
		{"the model's id", "meta-llama/Llama-3.1-8B-Instruct", []string{"url", url}},
		{"a declared name", "llama-8b", []string{"url", url, "model", "llama-8b"}},
		{"a trailing slash", "llama-8b", []string{"url", url + "/", "model", "llama-8b"}},
		{"no health path", "llama-8b", []string{"url", url, "model", "llama-8b", "health_path", ""}},
	} {
		made := targetOf(t, test.pairs...)
		got, err := start(made, "meta-llama/Llama-3.1-8B-Instruct")
		want := spec.Server{Suite: "s", Key: "k", ID: url, URL: url, ModelName: test.want, Adopted: true}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, error %v, want %+v", test.name, got, err, want)
		}
		if status, err := made.Status(context.Background(), got); err != nil || !status.Running {
			t.Errorf("%s: status %+v, error %v", test.name, status, err)
		}
	}
}

// TestNothingIsOurs: nothing is found, and stopping stops nothing.
func TestNothingIsOurs(t *testing.T) {
	made := targetOf(t, "url", server(t, map[string]string{"/health": "", "/v1/models": list}))
	s, err := start(made, "llama-8b")
	if err != nil {
		t.Fatal(err)
	}
	found, err := made.Find(context.Background(), "s", "k")
	if err != nil || len(found) != 0 || made.Managed() {
		t.Errorf("found %v, error %v, managed %v", found, err, made.Managed())
	}
	if err := made.Stop(context.Background(), s, 0); err != nil {
		t.Error(err)
	}
	if status, err := made.Status(context.Background(), s); err != nil || !status.Running {
		t.Errorf("after Stop: %+v, error %v", status, err)
	}
	inventory, err := made.Inventory(context.Background())
	if err != nil || !strings.HasPrefix(inventory.Host, "127.0.0.1:") {
		t.Errorf("inventory %+v, error %v", inventory, err)
	}
	if log, err := made.Log(context.Background(), s, 100); err != nil || log != "" {
		t.Errorf("log %q, error %v", log, err)
	}
}

func TestRefusals(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		url   string
		pairs []string
		kind  spec.ErrorKind
		want  []string
	}{
		{"nobody listens", gone, nil, spec.ErrInfrastructure, []string{gone + " can not be reached", "connection refused"}},
		{"no health page", server(t, map[string]string{"/v1/models": list}), nil, spec.ErrInfrastructure, []string{"/health answers 404", "set health_path"}},
		{"unhealthy", server(t, map[string]string{"/health": "unhealthy"}), nil, spec.ErrInfrastructure, []string{"/health answers 503 Service Unavailable"}},
		{"another model", server(t, map[string]string{"/health": "", "/v1/models": list}), nil, spec.ErrUsage,
			[]string{`serves llama-8b, meta-llama/Llama-3.1-8B-Instruct, not "qwen"`, "set model"}},
		{"no model", server(t, map[string]string{"/health": "", "/v1/models": `{"data":[]}`}), nil, spec.ErrUsage, []string{"serves no model"}},
		{"no list", server(t, map[string]string{"/health": ""}), nil, spec.ErrInfrastructure, []string{"/v1/models answers 404"}},
		{"a list that is none", server(t, map[string]string{"/health": "", "/v1/models": "<html>"}), nil, spec.ErrInfrastructure, []string{"gives no list of models"}},
		{"another health page", server(t, map[string]string{"/health": "", "/v1/models": list}), []string{"health_path", "/live"}, spec.ErrInfrastructure, []string{"/live answers 404"}},
	} {
		made := targetOf(t, append([]string{"url", test.url}, test.pairs...)...)
		_, err := start(made, "qwen")
		var e *spec.Error
		if !errors.As(err, &e) || e.Kind != test.kind || e.Fix == "" {
			t.Errorf("%s: %v, want the kind %s", test.name, err, test.kind)
			continue
		}
		for _, text := range append(test.want, "target.endpoint.there") {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %q, want %q in it", test.name, err, text)
			}
		}
		if strings.HasSuffix(test.name, "healthy") || test.url == gone {
			if status, err := made.Status(context.Background(), spec.Server{}); err != nil || status.Running {
				t.Errorf("%s: status %+v, error %v", test.name, status, err)
			}
		}
	}
}

func TestEndedContext(t *testing.T) {
	made := targetOf(t, "url", server(t, map[string]string{"/health": "", "/v1/models": list}))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, errStart := made.Start(ended, spec.StartRequest{Spec: spec.ServerSpec{ModelName: "llama-8b"}})
	_, errStatus := made.Status(ended, spec.Server{})
	_, errFind := made.Find(ended, "s", "")
	_, errInventory := made.Inventory(ended)
	for call, err := range map[string]error{"start": errStart, "status": errStatus, "find": errFind, "inventory": errInventory} {
		if spec.KindOf(err) != spec.ErrInterrupted || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"http://host:8000": "", "https://host/base/": "", "http://[::1]:8000": "",
		"host:8000": "must begin with http", "ftp://host": "must begin with http", "http://": "names no host", "http://:80": "names no host", "": "must begin with http",
		"http://host/v1": "without /v1", "http://host/v1/": "without /v1", "http://host?a=b": "query", "http://host#a": "fragment", "http://a b": "is no URL",
		"http://me:se cret@host": "must not hold a user or a password", "http://me:secret@host": "must not hold a user or a password",
	} {
		_, err := Registration().New.Target(component("url", url), spec.Env{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", url, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), "secrets are never") || strings.Contains(err.Error(), "me:secret")) {
			t.Errorf("a password is shown: %v", err)
		}
	}
	if _, err := Registration().New.Target(component("url", "http://host", "health_path", "health"), spec.Env{}); err == nil || !strings.Contains(err.Error(), "slash") {
		t.Errorf("a health path without a slash: %v", err)
	}
}

func TestConformance(t *testing.T) {
	paths := map[string]string{"/health": "ok", "/v1/models": `{"data":[{"id":"model-a"}]}`}
	conformance.External(t, targetOf(t, "url", server(t, paths)), targetOf(t, "url", "http://127.0.0.1:1"))
}

func TestDeclaredWorkers(t *testing.T) {
	block := func(workers, gpus int) spec.Value {
		return spec.MapValue(spec.Field{Name: spec.AttrWorkers, Value: spec.IntValue(workers)}, spec.Field{Name: spec.AttrGPUs, Value: spec.IntValue(gpus)})
	}
	for _, test := range []struct {
		name  string
		attrs spec.Attrs
		gpus  int
		wrong string
	}{
		{"nothing", spec.Attrs{}, 0, ""},
		{"total", spec.Attrs{"gpus": spec.IntValue(8), "replicas": spec.IntValue(2)}, 8, ""},
		{"workers", spec.Attrs{"prefill": block(4, 1), "decode": block(1, 4)}, 8, ""},
		{"workers of replicas", spec.Attrs{"prefill": block(4, 1), "decode": block(1, 4), "replicas": spec.IntValue(3)}, 24, ""},
		{"both", spec.Attrs{"prefill": block(4, 1), "decode": block(1, 4), "gpus": spec.IntValue(8)}, 8, ""},
		{"contradiction", spec.Attrs{"prefill": block(4, 1), "decode": block(1, 4), "gpus": spec.IntValue(16)}, 0, "its workers have 8"},
		{"one kind", spec.Attrs{"prefill": block(4, 1)}, 0, "one kind only"},
		{"indivisible", spec.Attrs{"gpus": spec.IntValue(8), "replicas": spec.IntValue(3)}, 0, "not divisible"},
	} {
		c := &spec.Component{Role: spec.RoleTarget, Kind: Kind, Name: "there", Attrs: test.attrs}
		test.attrs["url"] = spec.StringValue("http://there:8000")
		_, err := newTarget(c, spec.Env{})
		if test.wrong != "" {
			if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if cell := (&spec.Cell{Target: c}); err != nil || cell.GPUs() != test.gpus {
			t.Errorf("%s: %d GPUs, error %v", test.name, cell.GPUs(), err)
		}
	}
}
