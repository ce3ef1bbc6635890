package genaibench

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/spec"
)

// Run executes one run. See the package comment for what is measured.
func (b *benchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	if err := refuse(request); err != nil {
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
	if err != nil {
		return spec.RunResult{}, err
	}
	o.requests = enough(s, o.load.Concurrency, warm.Latency)
	o.minutes = minutes(benchtool.Limit(o.requests, o.load.Concurrency, warm.Latency, b.maxTime))
	c := newConversation(emit, o.key)
	ended, err := b.call(ctx, o, c, request.RunClient)
	c.Stop()
	if err == nil {
		err = benchtool.Scrub(name, o.folder, o.key)
	}
	if err != nil {
		return spec.RunResult{}, err
	}
	result, err := b.read(o, c, ended, request)
	if err != nil {
		return spec.RunResult{}, err
	}
	result.Rows, result.Started = warm.Before(result.Rows, c.Began(phaseMeasure)), warm.Began
	return result, nil
}

// refuse names what genai-bench can not do.
func refuse(request spec.RunRequest) error {
	load := request.Load
	problem, fix := "", ""
	switch {
	case load.RequestRate.Sign() != 0:
		problem, fix = "a request rate is asked for, and it has no open loop", "set concurrency, or use loadgen"
	case load.Concurrency < 1:
		problem, fix = fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more"
	case load.InputTokens < 1 || load.OutputTokens < 1:
		problem, fix = fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more"
	case load.OutputTokens == 1:
		problem, fix = "it drops every request with a single output token", "set output_tokens to 2 or more, or use loadgen"
	default:
		if _, problem = scenario(load); problem == "" {
			return nil
		}
		fix = "use loadgen, or change the workload"
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "genai-bench can not drive this load: " + problem, Fix: fix}
}

// prepare finds all that a call needs and makes the run's folder.
func (b *benchmark) prepare(request spec.RunRequest) (*order, error) {
	o := &order{model: request.Server.ModelName, load: request.Load, label: cmp.Or(filepath.Base(request.Model.ID), "model")}
	o.scenario, _ = scenario(request.Load)
	var err error
	if o.url, err = benchtool.BaseURL(name, request.Server.URL); err != nil {
		return nil, err
	}
	if o.key, err = benchtool.Key(b.address, b.apiKey, b.env); err != nil {
		return nil, err
	}
	if o.tokenizer, err = benchtool.Tokenizer(b.address, b.tokenizer, request.Model, b.env); err != nil {
		return nil, err
	}
	if b.image == "" {
		err = b.find(o)
	} else {
		err = b.checkContainer(o, request.RunClient)
	}
	if err != nil {
		return nil, err
	}
	o.folder, err = benchtool.Folder(b.env, name, fmt.Sprintf("c%d", request.Load.Concurrency))
	if err == nil {
		err = benchtool.SubFolder(o.folder, logsName)
	}
	if o.seen = o.folder; err == nil && b.image != "" {
		err = o.enter()
	}
	return o, err
}

// find looks for the tool on this host.
func (b *benchmark) find(o *order) (err error) {
	if o.tool, err = pytool.Find(b.query); err != nil {
		return err
	}
	if o.key != "" && o.tool.Python == "" {
		return b.wrong("the key can not be handed to "+o.tool.Command+" without its arguments, where everybody can read it", "set venv, so that its interpreter is known")
	}
	return nil
}
