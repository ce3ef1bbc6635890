package genaibench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// Run executes one run. See the package comment for what is measured.
func (b *benchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	if err := b.CheckLoad(request.Load); err != nil {
		return spec.RunResult{}, err
	}
	if emit == nil {
		emit = func(spec.Event) {}
	}
	s := resolved(request)
	o, err := b.prepare(request)
	if err != nil {
		return spec.RunResult{}, err
	}
	warm, err := b.warmUp(ctx, o, s, emit)
	if refused := (*benchtool.Refused)(nil); errors.As(err, &refused) {
		return refused.Result(name)
	}
	if err != nil {
		return warm.CutShort(nil, time.Time{}, benchtool.Shown(b.Env, o.folder)), err
	}
	o.requests = enough(s, o.load.Concurrency, warm.Latency)
	o.minutes = minutes(benchtool.Limit(o.requests, o.load.Concurrency, warm.Latency, b.MaxTime))
	c := newConversation(emit, o.Key)
	ended, err := b.call(ctx, o, c, request.RunClient)
	c.Stop()
	err = cmp.Or(err, benchtool.Scrub(name, o.folder, o.Key)) // however it ended
	result, unread := b.read(o, c, ended, request)
	if err = cmp.Or(err, unread); err != nil {
		return warm.CutShort(result.Rows, c.Began(phaseMeasure), benchtool.Shown(b.Env, o.folder)), err
	}
	result.Rows, result.Started = warm.Before(result.Rows, c.Began(phaseMeasure)), warm.Began
	return result, nil
}

// CheckLoad says before anything is deployed what genai-bench can not do.
func (b *benchmark) CheckLoad(load spec.Load) error {
	switch {
	case load.RequestRate.Sign() != 0:
		return refusal(spec.LoadRequestRate, "a request rate is asked for, and it has no open loop", "set concurrency, or use loadgen")
	case load.Concurrency < 1:
		return refusal(spec.LoadConcurrency, fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more")
	case load.Shape.Dataset != "":
		return refusal(spec.LoadDataset, "a dataset is asked for", elsewhere)
	case load.InputTokens < 1 || load.OutputTokens < 1:
		return refusal(spec.LoadInputTokens, fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more")
	case load.OutputTokens == 1:
		return refusal(spec.LoadOutputTokens, "it drops every request with a single output token", "set output_tokens to 2 or more, or use loadgen")
	case load.Shape.Static:
		return refusal(spec.LoadBatch, "static batches are asked for", elsewhere)
	case load.Shape.SharedPrefix.Sign() > 0:
		return refusal(spec.LoadSharedPrefix, "a shared prefix is asked for", elsewhere)
	}
	if _, known := scenario(load); !known {
		return refusal(spec.LoadInputLengths, "it knows fixed, normal and uniform lengths, one kind for both", elsewhere)
	}
	return nil
}

const elsewhere = "use loadgen, or change the workload"

func refusal(item, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: item, Summary: "genai-bench can not drive this load: " + problem, Fix: fix}
}

// prepare finds all that a call needs and makes the run's folder.
func (b *benchmark) prepare(request spec.RunRequest) (*order, error) {
	call, err := b.Call(name, &request)
	if err != nil {
		return nil, err
	}
	o := &order{Call: call, model: request.Server.ModelName, load: request.Load, label: cmp.Or(filepath.Base(request.Model.ID), "model")}
	o.scenario, _ = scenario(request.Load)
	if o.Key != "" && o.Tool != nil && o.Tool.Python == "" {
		return nil, b.Wrong("the key can not be handed to "+o.Tool.Command+" without its arguments, where everybody can read it", "set venv, so that its interpreter is known")
	}
	o.folder, err = benchtool.Folder(b.Env, name, fmt.Sprintf("c%d", request.Load.Concurrency))
	if err == nil {
		err = benchtool.SubFolder(o.folder, logsName)
	}
	if o.seen = o.folder; err == nil && b.Image != "" {
		o.seen = benchtool.SeenRun
		o.mounts, err = o.Enter(o.folder)
	}
	return o, err
}

// call runs the tool to its end, on this host or in a container.
func (b *benchmark) call(ctx context.Context, o *order, c *conversation, run spec.RunClient) (subprocess.Ended, error) {
	var ended subprocess.Ended
	var err error
	if b.Image == "" {
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
