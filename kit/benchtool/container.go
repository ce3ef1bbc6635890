package benchtool

import (
	"context"
	"strings"

	"aicv/kit/subprocess"
	"aicv/spec"
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

// Variables are NAME=value settings for a container.
func Variables(settings ...string) []spec.EnvVar {
	all := make([]spec.EnvVar, len(settings))
	for i, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		all[i] = spec.EnvVar{Name: name, Value: spec.StringValue(value)}
	}
	return all
}
