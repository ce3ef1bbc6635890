package benchtool

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aicv/kit/subprocess"
	"aicv/spec"
)

// Where a tool in an image sees what it needs of this host.
const (
	SeenRun       = "/bench/run"       // the run's folder
	seenTokenizer = "/bench/tokenizer" // read-only
)

// Contained runs a tool in a container as subprocess.Run runs one on this host. The text
// names the content of the image that ran.
func Contained(ctx context.Context, run spec.RunClient, client spec.Client) (subprocess.Ended, string, error) {
	end, err := run(ctx, client)
	if ctx.Err() != nil {
		return subprocess.Ended{Code: -1, Cause: context.Cause(ctx)}, end.Image, nil
	}
	ended := subprocess.Ended{Code: end.Status.ExitCode, Signal: end.Status.Signal, Stderr: end.Stderr}
	if end.Status.Why != "" {
		ended.Stderr = strings.TrimSpace(ended.Stderr + "\n" + end.Status.Why)
	}
	return ended, end.Image, err
}

// Variables are the environment that a Python tool in a container gets beside its image's
// own: what confines it to the server, and some settings, NAME=value.
func Variables(server string, settings ...string) []spec.EnvVar {
	list := append(confined(server), "HOME=/tmp", "USER=aicv", "LANG=C.UTF-8")
	var all []spec.EnvVar
	for _, s := range append(list, settings...) {
		name, value, _ := strings.Cut(s, "=")
		all = append(all, spec.EnvVar{Name: name, Value: spec.StringValue(value)})
	}
	return all
}

// Enter gives a call the tokenizer's path inside, and returns what the container sees of
// this host: the tokenizer, and the run's folder to write into.
func (c *Call) Enter(folder string) ([]spec.Mount, error) {
	mounts, err := shownFolder(c.Tokenizer, seenTokenizer)
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "the tokenizer folder can not be read", Cause: err, Fix: "check " + c.Tokenizer}
	}
	c.Tokenizer = seenTokenizer
	return append(mounts, spec.Mount{Source: folder, Target: SeenRun}), nil
}

// shownFolder shows a folder of this host to a container, read-only. Where entries are
// links, as in the Hugging Face cache, their files are shown one by one.
func shownFolder(folder, inside string) ([]spec.Mount, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	linked := func(e os.DirEntry) bool { return e.Type()&os.ModeSymlink != 0 }
	if !slices.ContainsFunc(entries, linked) {
		return []spec.Mount{{Source: folder, Target: inside, ReadOnly: true}}, nil
	}
	var files []spec.Mount
	for _, e := range entries {
		file, err := filepath.EvalSymlinks(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			files = append(files, spec.Mount{Source: file, Target: path.Join(inside, e.Name()), ReadOnly: true})
		}
	}
	return files, nil
}

// checkContained refuses a call that can not be made in a container.
func (c *Client) checkContained(call *Call, run spec.RunClient) error {
	switch {
	case run == nil:
		return c.Wrong("image is set, and the target runs no images", `declare target "docker" "local" {}`)
	case !filepath.IsAbs(call.Tokenizer):
		return c.Wrong("there is no tokenizer folder "+call.Tokenizer+", and a tool in an image sees no cache of this host", "set tokenizer to a folder with tokenizer.json and tokenizer_config.json")
	}
	return nil
}
