package genaibench

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aicv/kit/benchtool"
	"aicv/spec"
)

const boxedKey = "sk-in-a-box"

// boxed is a benchmark whose tool runs in an image, with a key.
func boxed(t *testing.T, tokenizer string) *benchmark {
	t.Helper()
	return made(t, spec.Attrs{spec.AttrImage: spec.StringValue("bench:1"), benchtool.AttrTokenizer: spec.StringValue(tokenizer), benchtool.AttrAPIKey: spec.SecretValue("KEY")},
		func(string) (string, bool) { return boxedKey, true })
}

// container plays a target: the test binary is the tool, with what the container would see
// put back to where it is on this host.
func container(t *testing.T, part string, seen *spec.Client) spec.RunClient {
	return func(_ context.Context, client spec.Client) (spec.ClientEnd, error) {
		*seen = client
		end := spec.ClientEnd{Image: "bench@sha256:2"}
		if part == "refused" {
			return end, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the image has no such command"}
		}
		outside := strings.NewReplacer()
		for _, m := range client.Mounts {
			if !m.ReadOnly {
				outside = strings.NewReplacer(m.Target, m.Source)
			}
		}
		var args []string
		for _, a := range client.Command[3:] { // python3 -c CODE
			args = append(args, outside.Replace(a))
		}
		command := exec.Command(os.Args[0], args...)
		command.Env = []string{"HOME=" + playPrefix + part, "SSL_CERT_FILE=" + boxedKey}
		out, err := command.Output()
		for line := range strings.Lines(string(out)) {
			client.Line([]byte(strings.TrimSpace(line)))
		}
		end.Status.ExitCode = command.ProcessState.ExitCode()
		if part == "dies" {
			end.Status.Signal, end.Status.Why = "killed", "the container's memory ran out"
		}
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
		return end, nil
	}
}

func TestTheToolInAnImage(t *testing.T) {
	tokenizer, err := filepath.Abs("testdata/tokenizer")
	if err != nil {
		t.Fatal(err)
	}
	b := boxed(t, tokenizer)
	url, asked := server(t)
	request, seen := order16(url), spec.Client{}
	request.RunClient = container(t, "well", &seen)
	r, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 5 || len(*asked) != 4 || !strings.Contains(r.Provenance.Source, ": in bench:1 (bench@sha256:2): python3 -c (code) benchmark") {
		t.Errorf("%d requests, provenance %q", r.Requests, r.Provenance.Source)
	}
	if len(seen.Mounts) != 2 || seen.Mounts[0] != (spec.Mount{Source: tokenizer, Target: "/bench/tokenizer", ReadOnly: true}) || seen.Mounts[1].Target != benchtool.SeenRun || seen.Mounts[1].ReadOnly || seen.Dir != benchtool.SeenRun {
		t.Errorf("mounts %+v in %s", seen.Mounts, seen.Dir)
	}
	line := strings.Join(seen.Command, " ")
	for _, want := range []string{"--model-tokenizer /bench/tokenizer", "--experiment-base-dir " + benchtool.SeenRun, "--log-dir " + benchtool.SeenRun + "/logs", "--api-base " + strings.TrimSuffix(request.Server.URL, "/")} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %q", want, line)
		}
	}
	if strings.Contains(line, boxedKey) || strings.Contains(line, b.Env.WorkDir) {
		t.Errorf("the command holds the key or a folder of this host: %q", line)
	}
	key := slices.IndexFunc(seen.Env, func(v spec.EnvVar) bool { return v.Name == keyVariable })
	if key < 0 || seen.Env[key].Value.Kind() != spec.Secret || seen.Env[key].Value.Text() != "KEY" {
		t.Errorf("the key is no reference: %+v", seen.Env)
	}
	for _, v := range seen.Env {
		if v.Name == "PATH" || v.Name == "LD_LIBRARY_PATH" || v.Value.Text() == boxedKey {
			t.Errorf("%s goes into the container", v.Name)
		}
	}
	metadata, err := filepath.Glob(filepath.Join(seen.Mounts[1].Source, "results", "experiment_metadata.json"))
	if err != nil || len(metadata) != 1 {
		t.Fatal(metadata, err)
	}
	if text, err := os.ReadFile(metadata[0]); err != nil || strings.Contains(string(text), boxedKey) {
		t.Errorf("the key stands in %s, error %v", metadata[0], err)
	}
}

func TestTheToolInAnImageFails(t *testing.T) {
	tokenizer, err := filepath.Abs("testdata/tokenizer")
	if err != nil {
		t.Fatal(err)
	}
	url, _ := server(t)
	for part, want := range map[string]string{"dies": "memory ran out", "refused": "no such command"} {
		request, seen := order16(url), spec.Client{}
		request.RunClient = container(t, part, &seen)
		_, err := boxed(t, tokenizer).Run(t.Context(), request, nil)
		text := ""
		if e := (*spec.Error)(nil); errors.As(err, &e) {
			text = e.Error() + e.Detail
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s: %q", part, text)
		}
	}
	request := order16(url)
	if _, err := boxed(t, tokenizer).Run(t.Context(), request, nil); spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "runs no images") {
		t.Errorf("without a target for it: %v", err)
	}
	request.RunClient = container(t, "well", &spec.Client{})
	if _, err := boxed(t, "org/tokenizer").Run(t.Context(), request, nil); spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "sees no cache of this host") {
		t.Errorf("a tokenizer of the cache: %v", err)
	}
	if got := boxed(t, "org/tokenizer").Check(t.Context()); len(got) != 2 || got[0].Status != spec.CheckFail || got[1].Status != spec.CheckOK {
		t.Errorf("%+v", got)
	}
}
