package genaibench

import (
	"context"
	"path/filepath"

	"aicv/kit/benchtool"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// Where a tool in an image sees what it needs of this host.
const (
	seenRun       = "/bench/run"
	seenTokenizer = "/bench/tokenizer"
)

// call runs the tool to its end, on this host or in a container.
func (b *benchmark) call(ctx context.Context, o *order, c *conversation, run spec.RunClient) (subprocess.Ended, error) {
	var ended subprocess.Ended
	var err error
	if b.image == "" {
		ended, err = subprocess.Run(ctx, subprocess.Command{Args: b.argv(o), Dir: o.folder, Env: o.environment(), Line: c.Line})
		if err != nil {
			err = &spec.Error{Kind: spec.ErrBenchmark, Summary: "genai-bench could not be started", Cause: err, Fix: howToInstall}
		}
	} else {
		ended, o.image, err = benchtool.Contained(ctx, run, spec.Client{Command: b.argv(o), Env: b.variables(o), Mounts: o.mounts, Dir: o.seen, Line: c.Line})
	}
	if err == nil && ctx.Err() != nil {
		err = benchtool.Interrupted(ctx, "genai-bench was ended")
	}
	return ended, err
}

// variables are the environment of a container. The key stays a reference.
func (b *benchmark) variables(o *order) []spec.EnvVar {
	list := append(benchtool.Confined(o.url), o.settings()...)
	all := benchtool.Variables(append(list, "HOME=/tmp", "USER=aicv", "LANG=C.UTF-8")...)
	if o.key != "" {
		all = append(all, spec.EnvVar{Name: keyVariable, Value: b.apiKey})
	}
	return all
}

// checkContainer refuses what can not be had in a container.
func (b *benchmark) checkContainer(o *order, run spec.RunClient) error {
	switch {
	case run == nil:
		return b.wrong("image is set, and the target runs no images", `declare target "docker" "local" {}`)
	case !filepath.IsAbs(o.tokenizer):
		return b.wrong("there is no tokenizer folder "+o.tokenizer+", and a tool in an image sees no cache of this host", "set tokenizer to a folder with tokenizer.json and tokenizer_config.json")
	}
	return nil
}

// enter gives the call the paths that the container will have.
func (o *order) enter() error {
	mounts, err := benchtool.FolderMounts(o.tokenizer, seenTokenizer)
	if err != nil {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the tokenizer folder can not be read", Cause: err, Fix: "check " + o.tokenizer}
	}
	o.mounts = append(mounts, spec.Mount{Source: o.folder, Target: seenRun})
	o.tokenizer, o.seen = seenTokenizer, seenRun
	return nil
}
