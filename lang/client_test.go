package lang

import (
	"context"
	"strings"
	"testing"

	"aicv/spec"
)

type clientTarget struct{ spec.Target }

func (clientTarget) PrepareClient(context.Context, spec.ClientImage) (string, error) { return "", nil }
func (clientTarget) RunClient(context.Context, spec.ClientRequest) (spec.ClientEnd, error) {
	return spec.ClientEnd{}, nil
}

func TestABenchmarkInAnImageNeedsATargetThatRunsImages(t *testing.T) {
	providers := testRegistrations()
	for i := range providers {
		switch r := &providers[i]; string(r.Role) + "." + r.Kind {
		case "target.docker":
			r.New.Target = func(*spec.Component, spec.Env) (spec.Target, error) { return clientTarget{}, nil }
		case "benchmark.genaibench":
			r.Schema.Attributes = append(r.Schema.Attributes, spec.ClientImageRow(`"bench:1"`))
		}
	}
	suite := func(experiment string) string {
		return head + oneWorkload + `target "docker" "d" {}
target "process" "p" {}
benchmark "genaibench" "own" {}
benchmark "genaibench" "boxed" { image = "bench:1" }
experiment "e" {
` + experiment + "\n}\n"
	}
	for text, wrong := range map[string]string{
		"target = target.docker.d\nbenchmark = benchmark.genaibench.boxed":                                        "",
		"target = target.process.p\nbenchmark = benchmark.genaibench.own":                                         "",
		"target = target.process.p\nbenchmark = benchmark.genaibench.boxed":                                       "benchmark.genaibench.boxed runs in an image, and target.process.p runs no images",
		"target = target.docker.d\nmatrix { benchmark = [benchmark.genaibench.own, benchmark.genaibench.boxed] }": "",
		"benchmark = benchmark.genaibench.boxed\nmatrix { target = [target.docker.d, target.process.p] }":         "target.process.p runs no images",
	} {
		loaded, diags := Load(Options{Dir: write(t, map[string]string{"suite.hcl": suite(text)}), Registrations: providers})
		said := ""
		for _, d := range diags {
			said += d.Summary + ": " + d.Detail + " " + d.Suggestion + "\n"
		}
		if (loaded.Suite == nil) != (wrong != "") || wrong != "" && (!strings.Contains(said, wrong) || !strings.Contains(said, `target "docker"`)) {
			t.Errorf("%s: said %q", text, said)
		}
	}
}
