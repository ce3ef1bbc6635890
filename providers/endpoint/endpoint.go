// Package endpoint is the target of a server that somebody else runs. Nothing is
// deployed or stopped: the server is checked for its health and for the model that
// it serves. One endpoint is one deployment.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aicv/spec"
)

// Kind is the kind under which suites declare it: target "endpoint" "name".
const Kind = "endpoint"

const (
	defaultHealthPath = "/health"
	modelsPath        = "/v1/models"
	attrKey           = "api_key"
	since             = "0.1"
)

// Registration is the endpoint as a target.
func Registration() spec.Registration {
	one := 1.0
	return spec.Registration{
		Role: spec.RoleTarget,
		Kind: Kind,
		Doc:  "A server that somebody else runs, at a URL. It is never started or stopped.",
		Schema: spec.Block{
			Doc: "A server that somebody else runs. One endpoint is one deployment: its cells may differ in load only.",
			Attributes: []spec.Attribute{
				{Name: "url", Type: spec.TypeString, Required: true, Since: since, Example: `"http://gpu-host:8000"`,
					Doc: "Base URL of the server's OpenAI interface, without /v1."},
				{Name: "model", Type: spec.TypeString, Since: since, Example: `"llama-8b"`,
					Doc: "Name under which the server lists the model. The model's id where it is not set."},
				{Name: spec.AttrGPUs, Type: spec.TypeInt, Min: &one, Since: since, Example: "4",
					Doc: "GPUs behind the URL, over all replicas. Without it, and without workers, metrics per GPU are taken from the hardware or do not exist."},
				{Name: spec.ItemReplicas, Type: spec.TypeInt, Min: &one, Since: since, Example: "2",
					Doc: "Replicas behind the URL. Each has the workers that prefill and decode declare, or an equal share of gpus."},
				{Name: "health_path", Type: spec.TypeString, Default: spec.StringValue(defaultHealthPath), Incidental: true, Since: since, Example: `"/health"`,
					Doc: "Path that answers 200 while the server is healthy. Where it is empty the list of models is asked instead."},
				{Name: attrKey, Type: spec.TypeString, Secret: true, Incidental: true, Since: since, Example: `env("API_KEY")`,
					Doc: "Bearer token with which the server's health and models are asked. The benchmark's requests carry its own."},
			},
			Blocks: []spec.Block{
				workers(spec.BlockPrefill, "The prefill workers of each replica, where prefill and decode run on GPUs of their own."),
				workers(spec.BlockDecode, "The decode workers of each replica."),
			},
		},
		New: spec.Constructor{Target: newTarget},
	}
}

func workers(name, doc string) spec.Block {
	one := 1.0
	return spec.Block{Name: name, Doc: doc, Since: since, Attributes: []spec.Attribute{
		{Name: spec.AttrWorkers, Type: spec.TypeInt, Min: &one, Required: true, Since: since, Example: "4", Doc: "Workers of this kind."},
		{Name: spec.AttrGPUs, Type: spec.TypeInt, Min: &one, Required: true, Since: since, Example: "1", Doc: "GPUs of each worker."},
	}}
}

// checkGPUs refuses a declaration that contradicts itself.
func checkGPUs(c *spec.Component) error {
	total, replicas, byWorkers := c.Attrs.Int(spec.AttrGPUs), max(1, c.Attrs.Int(spec.ItemReplicas)), spec.WorkerGPUs(c.Attrs)
	switch {
	case c.Attrs.Has(spec.BlockPrefill) != c.Attrs.Has(spec.BlockDecode):
		return usage(c.Address()+" declares workers of one kind only", "declare both prefill and decode, or neither and gpus")
	case total > 0 && byWorkers > 0 && total != byWorkers:
		return usage(fmt.Sprintf("%s: gpus is %d, and its workers have %d over all replicas", c.Address(), total, byWorkers), "leave gpus out, or correct the workers")
	case total%replicas != 0:
		return usage(fmt.Sprintf("%s: %d gpus are not divisible by %d replicas", c.Address(), total, replicas), "correct gpus, which counts all replicas, or replicas")
	}
	return nil
}

// target is one endpoint.
type target struct {
	address string
	url     string // no trailing slash
	host    string
	model   string // as declared; empty: the model's id
	health  string // path; empty: the list of models is asked
	key     spec.Value
	env     spec.Env
	client  *http.Client
}

// The limits of one question to the server.
const (
	askTimeout = 10 * time.Second
	maxBody    = 4 << 20
)

func newTarget(c *spec.Component, env spec.Env) (spec.Target, error) {
	base, err := parseBase(c.Address(), c.Attrs.Text("url"))
	if err != nil {
		return nil, err
	}
	if err := checkGPUs(c); err != nil {
		return nil, err
	}
	health := defaultHealthPath
	if c.Attrs.Has("health_path") {
		health = c.Attrs.Text("health_path")
	}
	if health != "" && !strings.HasPrefix(health, "/") {
		return nil, wrong("health_path", fmt.Sprintf("%s: health_path is %q, and must begin with a slash", c.Address(), health), `write health_path = "/health"`)
	}
	return &target{
		address: c.Address(), url: strings.TrimRight(base.String(), "/"), host: base.Host, model: c.Attrs.Text("model"), health: health,
		key: c.Attrs[attrKey], env: env,
		client: &http.Client{Timeout: askTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}},
	}, nil
}

// parseBase accepts an http or https URL with a host, and nothing that requests
// would silently lose.
func parseBase(address, text string) (*url.URL, error) {
	if strings.Contains(text, "@") {
		return nil, wrong("url", address+": url must not hold a user or a password", "remove them; secrets are never written into a suite")
	}
	refuse := func(why string) error {
		return wrong("url", fmt.Sprintf("%s: url %q %s", address, text, why), `write url = "http://host:8000"`)
	}
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, refuse("is no URL")
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, refuse("must begin with http:// or https://")
	case base.Hostname() == "":
		return nil, refuse("names no host")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, refuse("must not have a query or a fragment")
	case strings.HasSuffix(strings.TrimRight(base.Path, "/"), "/v1"):
		return nil, refuse("must be the server's base, without /v1")
	}
	return base, nil
}

func wrong(attribute, summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: attribute, Summary: summary, Fix: fix}
}

func usage(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}

// Managed is false: somebody else runs the server.
func (t *target) Managed() bool { return false }

// Inventory names the host; what is in it can not be seen from outside.
func (t *target) Inventory(ctx context.Context) (spec.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return spec.Inventory{}, interrupted(err)
	}
	return spec.Inventory{Host: t.host}, nil
}

// Start checks that the server is healthy and serves the model. It starts nothing.
func (t *target) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	name := t.model
	if name == "" {
		name = request.Spec.ModelName
	}
	if err := t.checkHealth(ctx); err != nil {
		return spec.Server{}, err
	}
	if err := t.checkModel(ctx, name); err != nil {
		return spec.Server{}, err
	}
	return spec.Server{Suite: request.Suite, Key: request.Key, ID: t.url, URL: t.url, ModelName: name, Adopted: true}, nil
}

// Find lists nothing: no server here is ours.
func (t *target) Find(ctx context.Context, _, _ string) ([]spec.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	return nil, nil
}

// Status asks for the server's health. A server that answers badly or not at all does
// not run; why is not to be seen from outside.
func (t *target) Status(ctx context.Context, _ spec.Server) (spec.ServerStatus, error) {
	err := t.checkHealth(ctx)
	if err != nil && ctx.Err() != nil {
		return spec.ServerStatus{}, interrupted(ctx.Err())
	}
	return spec.ServerStatus{Running: err == nil}, nil
}

// Log is empty: the server's log is with those who run it.
func (t *target) Log(context.Context, spec.Server, int) (string, error) { return "", nil }

// Stop does nothing.
func (t *target) Stop(context.Context, spec.Server, time.Duration) error { return nil }

func interrupted(err error) error {
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "asking the endpoint was interrupted", Cause: err}
}

func (t *target) checkHealth(ctx context.Context) error {
	if t.health == "" {
		_, err := t.models(ctx)
		return err
	}
	status, _, err := t.get(ctx, t.health)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return t.broken(fmt.Sprintf("%s%s answers 404", t.url, t.health), `set health_path to the server's own, or to "" where it has none`)
	case status != http.StatusOK:
		return t.broken(fmt.Sprintf("%s%s answers %d %s", t.url, t.health, status, http.StatusText(status)), "wait until the server is healthy, or see its log")
	}
	return nil
}

func (t *target) checkModel(ctx context.Context, name string) error {
	served, err := t.models(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(served, name) {
		return nil
	}
	list := "no model"
	if len(served) > 0 {
		list = strings.Join(served, ", ")
	}
	return usage(fmt.Sprintf("%s: %s serves %s, not %q", t.address, t.url, list, name), "set model in the target to the name that the server lists")
}

func (t *target) broken(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: t.address + ": " + summary, Fix: fix}
}

// unreachable explains why no answer came.
func (t *target) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx.Err())
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which the summary has
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: t.address + ": " + t.url + " can not be reached", Cause: err,
		Fix: "check that the server runs and that url names its host and port"}
}
