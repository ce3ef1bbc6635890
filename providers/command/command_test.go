package command

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aicv/spec"
)

func texts(list ...string) spec.Value {
	values := make([]spec.Value, len(list))
	for i, t := range list {
		values[i] = spec.StringValue(t)
	}
	return spec.ListValue(values...)
}

func field(name string, v spec.Value) spec.Field { return spec.Field{Name: name, Value: v} }

func render(t *testing.T, attrs spec.Attrs, config map[string]spec.Value) (spec.ServerSpec, []spec.ItemMapping, error) {
	t.Helper()
	made, err := Registration().New.Runtime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it", Attrs: attrs}, spec.Env{})
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	var c spec.Configuration
	for name, v := range config {
		c = c.With(name, v)
	}
	return made.Render(spec.RenderRequest{Model: spec.Model{ID: "Qwen/Qwen3-8B", Path: "/data/qwen"}, Config: c})
}

// TestTemplate: placeholders, options by item and by value, and the items nobody uses.
func TestTemplate(t *testing.T) {
	s, mapping, err := render(t, spec.Attrs{
		"command": texts("server", "--host={host}", "--port", "{{port}}", "--alias", "{model}", "-m", "{model_path}", "--tp", "{tensor_parallel}", `{"json": 1}`),
		"options": spec.MapValue(
			field("max_batch_size", texts("--parallel", "{max_batch_size}")),
			field("max_sequence_length", texts("--ctx", "{max_sequence_length*max_batch_size}")),
			field("prefix_cache", spec.MapValue(field("false", texts("--no-cache")), field("true", texts()))),
			field("dtype", spec.MapValue(field("bfloat16", texts()))),
		),
		"args": texts("--threads", "8"),
		"env":  spec.MapValue(field("TOKEN", spec.SecretValue("HF_TOKEN"))),
	}, map[string]spec.Value{
		"tensor_parallel": spec.IntValue(2), "max_batch_size": spec.IntValue(4), "max_sequence_length": spec.IntValue(1000),
		"prefix_cache": spec.BoolValue(false), "dtype": spec.StringValue("float16"), "kv_cache_quant": spec.StringValue("fp8"), "replicas": spec.IntValue(2),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `server --host={{host}} --port {{port}} --alias Qwen/Qwen3-8B -m /data/qwen --tp 2 {"json": 1} --parallel 4 --ctx 4000 --no-cache --threads 8`
	if got := strings.Join(s.Command, " "); got != want {
		t.Errorf("command\n%s, want\n%s", got, want)
	}
	if s.GPUs != 2 || s.Env[0].Value.Kind() != spec.Secret || s.ModelName != "Qwen/Qwen3-8B" {
		t.Errorf("%+v", s)
	}
	fidelity := map[string]spec.Fidelity{}
	for _, m := range mapping {
		fidelity[m.Item] = m.Fidelity
	}
	for item, want := range map[string]spec.Fidelity{"tensor_parallel": spec.FidelityExact, "max_batch_size": spec.FidelityExact, "max_sequence_length": spec.FidelityExact,
		"prefix_cache": spec.FidelityExact, "dtype": spec.FidelityUnsupported, "kv_cache_quant": spec.FidelityUnsupported, "replicas": spec.FidelityExact} {
		if fidelity[item] != want {
			t.Errorf("%s: %q, want %q", item, fidelity[item], want)
		}
	}
	if len(mapping) != 7 {
		t.Errorf("%d rows for 7 items: %v", len(mapping), mapping)
	}
}

// TestImages: the model is mounted read-only, and nothing of the command is for a host.
func TestImages(t *testing.T) {
	s, _, err := render(t, spec.Attrs{"image": spec.StringValue("img"), "command": texts("-m", "{model_path}"), "device": spec.StringValue("cpu")}, nil)
	if err != nil || !s.Contained || s.GPUs != 0 || len(s.Mounts) != 1 || !s.Mounts[0].ReadOnly || s.Mounts[0].Source != "/data/qwen" || s.Command[1] != "/models/qwen" {
		t.Errorf("%+v, %v", s, err)
	}
}

// What is wrong whatever is set is an error of the declaration, the rest one of the cells.
func TestBadTemplates(t *testing.T) {
	for want, attrs := range map[string]spec.Attrs{
		"batch_size is no item":           {"command": texts("x"), "options": spec.MapValue(field("max_batch_size", spec.MapValue(field("4", texts("{batch_size}")))))},
		"is not set in the configuration": {"command": texts("x", "{max_batch_size}")},
		"is no item":                      {"command": texts("x", "{no_such_item}")},
		"which is no item":                {"command": texts("x"), "options": spec.MapValue(field("no_such", texts("y")))},
		"is no list of arguments":         {"command": texts("x"), "options": spec.MapValue(field("dtype", spec.BoolValue(true)))},
		"empty command":                   {"command": texts()},
	} {
		_, _, err := render(t, attrs, map[string]spec.Value{"dtype": spec.StringValue("auto")})
		if err == nil || !strings.Contains(err.Error(), want) || spec.KindOf(err) != spec.ErrUsage {
			t.Errorf("%v, want %q", err, want)
		}
		_, err = newRuntime(&spec.Component{Attrs: attrs}, spec.Env{})
		if (err == nil) != (want == "is not set in the configuration") {
			t.Errorf("%s: declared: %v", want, err)
		}
	}
}

func TestCounters(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("my:prompt 7\nother 9\n"))
	}))
	defer server.Close()
	r := &runtime{&spec.Component{Attrs: spec.Attrs{"metrics_path": spec.StringValue("/metrics"), "counters": spec.MapValue(field("prompt_tokens", spec.StringValue("my:prompt")))}}, spec.Env{}}
	c, err := r.Counters(context.Background(), spec.Server{URL: server.URL})
	if err != nil || c.PromptTokens == nil || *c.PromptTokens != 7 || c.GenerationTokens != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{host}:{port} {{host}} {max_batch_size*} {x+} {\x00")
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := render(t, spec.Attrs{"command": texts("x", text)}, nil)
		if err == nil && len(s.Command) != 2 {
			t.Errorf("%q became %q", text, s.Command)
		}
	})
}
