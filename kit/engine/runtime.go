package engine

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"aicv/spec"
)

// Launch is how an engine is started.
type Launch struct {
	Program  []string // on PATH: {"vllm", "serve"}
	Module   []string // behind an interpreter: {"-m", "sglang.launch_server"}
	Inside   []string // of an image, before the arguments; nil: its entrypoint takes arguments alone
	Model    string   // flag of the model: "--model-path"
	Bare     bool     // on hosts the model stands first, without its flag
	Help     []string // arguments by which it lists its flags
	CPU      []string // arguments for running without a GPU
	Fixed    []string // arguments that are always given
	Env      []spec.EnvVar
	Shm      int64  // bytes of shared memory of containers
	HubCache string // folder of the hub's cache inside containers
	Ready    spec.Readiness
	Grace    time.Duration
}

// Runtime renders servers of one declared runtime.
type Runtime struct {
	Component *spec.Component
	Env       spec.Env
	Engine    *Engine
	Launch    Launch
	models    checkpoints
	memory    sync.Map // bytes of a GPU by system
}

// New makes a runtime from its table. An error is a defect of the table.
func New(c *spec.Component, env spec.Env, t Table, l Launch) (*Runtime, error) {
	e, err := Compile(t)
	if err != nil {
		return nil, err
	}
	return &Runtime{Component: c, Env: env, Engine: e, Launch: l, models: checkpoints{known: map[spec.Model]described{}}}, nil
}

// modelFolder holds checkpoints inside containers.
const modelFolder = "/models"

// Counters reads the server's page /metrics.
func (r *Runtime) Counters(ctx context.Context, server spec.Server) (spec.Counters, error) {
	return r.Engine.Counters.Ask(ctx, server.URL+"/metrics")
}

// Context reads what rows are chosen by. The second result is a mapping about the
// version, where there is something to say of it.
func (r *Runtime) Context(request spec.RenderRequest) (Context, *spec.ItemMapping, error) {
	a := r.Component.Attrs
	version, note, err := r.Engine.ReadVersion(r.Component.Address(), r.Component.Version(), a.Text(attrImage))
	if err != nil {
		return Context{}, nil, err
	}
	checkpoint, err := r.models.read(request.Model)
	if err != nil {
		return Context{}, nil, err
	}
	c := Context{Version: version, Config: request.Config, Checkpoint: checkpoint}
	for _, f := range a[attrArgs].Fields() {
		c.Given = append(c.Given, r.Engine.canonical(f.Name))
	}
	return c, note, nil
}

// Render says how to start the engine, with one mapping row per item.
func (r *Runtime) Render(request spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	address, a := r.Component.Address(), r.Component.Attrs
	c, note, err := r.Context(request)
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	if err := r.Engine.refuse(&c, address); err != nil {
		return spec.ServerSpec{}, nil, err
	}
	items, mapping := r.Engine.Render(c)
	if note != nil {
		mapping = append(mapping, *note)
	}
	given, err := r.Engine.Given(&c, address, a[attrArgs])
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	s := r.server(request)
	head, model, err := r.head(request.Model, &s)
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	args, err := r.Engine.Join(address, append(r.always(model, s.ModelName), items...), given)
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	if r.Launch.Bare && s.Image == "" {
		args = args[1:] // the model's flag, which always comes first
	}
	s.Command = append(head, args...)
	return s, mapping, nil
}

// server is what does not depend on flags.
func (r *Runtime) server(request spec.RenderRequest) spec.ServerSpec {
	a := r.Component.Attrs
	s := spec.ServerSpec{Image: a.Text(attrImage), ModelName: request.Model.ID, Ready: r.Launch.Ready, Grace: r.Launch.Grace}
	s.Ready.Timeout = duration(cmp.Or(a.Text(attrTimeout), defaultTimeout))
	if a.Text(attrDevice) != deviceCPU {
		s.GPUs = request.Config.GPUs() / request.Config.Size(spec.ItemReplicas)
	}
	own := a[attrEnv].Fields()
	for _, v := range r.Launch.Env {
		if _, replaced := a[attrEnv].Field(v.Name); !replaced {
			s.Env = append(s.Env, v)
		}
	}
	for _, f := range own {
		s.Env = append(s.Env, spec.EnvVar(f))
	}
	return s
}

func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil { // the schema has checked it
		return 0
	}
	return d
}

// always are the arguments that every server gets.
func (r *Runtime) always(model, name string) []string {
	args := []string{r.Launch.Model, model, "--served-model-name", name, "--host", spec.HostPlaceholder, "--port", spec.PortPlaceholder}
	args = append(args, r.Launch.Fixed...)
	if format := r.Component.Attrs.Text(attrFormat); format != "" {
		args = append(args, "--load-format", format)
	}
	if r.Component.Attrs.Text(attrDevice) == deviceCPU {
		args = append(args, r.Launch.CPU...)
	}
	return args
}

// head is what the command begins with, and where the server finds the model.
func (r *Runtime) head(m spec.Model, s *spec.ServerSpec) (head []string, model string, err error) {
	if s.Image != "" {
		return r.inside(m, s)
	}
	head, err = r.outside(s)
	return head, cmp.Or(m.Path, m.ID), err
}

// inside begins a container's command.
func (r *Runtime) inside(m spec.Model, s *spec.ServerSpec) (head []string, model string, err error) {
	a := r.Component.Attrs
	for _, name := range []string{attrCommand, attrPython, attrVenv} {
		if a.Has(name) {
			return nil, "", usage(r.Component.Address()+" sets both image and "+name, "image is for containers, "+name+" for processes: keep one")
		}
	}
	s.Contained = true
	s.ShmBytes = r.Launch.Shm
	if a.Has(attrShm) {
		s.ShmBytes = int64(a.Float(attrShm))
	}
	model = m.ID
	if m.Path != "" {
		model = modelFolder + "/" + filepath.Base(m.Path)
		s.Mounts = append(s.Mounts, spec.Mount{Source: m.Path, Target: model, ReadOnly: true})
	}
	cache, err := r.hubCache(m)
	if cache != "" {
		s.Mounts = append(s.Mounts, spec.Mount{Source: cache, Target: r.Launch.HubCache})
	}
	return append([]string(nil), r.Launch.Inside...), model, err
}

// hubCache is the folder of the host that holds the model hub's cache; empty: none.
func (r *Runtime) hubCache(m spec.Model) (string, error) {
	if dir := r.Component.Attrs.Text(attrCache); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", usage(fmt.Sprintf("%s: cache_dir %q is no absolute path", r.Component.Address(), dir), "give the whole path on the target's host")
		}
		return filepath.Clean(dir), nil
	}
	if m.Path != "" || r.Env.Getenv == nil {
		return "", nil
	}
	if home, ok := r.Env.Getenv("HF_HOME"); ok && filepath.IsAbs(home) {
		return filepath.Clean(home), nil
	}
	if home, ok := r.Env.Getenv("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "huggingface"), nil
	}
	return "", nil
}

// outside begins a process's command.
func (r *Runtime) outside(s *spec.ServerSpec) ([]string, error) {
	a := r.Component.Attrs
	set := 0
	for _, name := range []string{attrCommand, attrPython, attrVenv} {
		if a.Has(name) {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, usage(r.Component.Address()+" sets more than one of command, python and venv", "keep one: each says where the engine is")
	case a.Has(attrCommand):
		command := a.Strings(attrCommand)
		if len(command) == 0 || command[0] == "" {
			return nil, usage(r.Component.Address()+" has an empty command", `give program and first arguments, such as ["vllm", "serve"]`)
		}
		return command, nil
	case a.Has(attrPython):
		return append([]string{r.interpreter(a.Text(attrPython))}, r.Launch.Module...), nil
	case a.Has(attrVenv):
		bin := filepath.Join(r.absolute(a.Text(attrVenv)), "bin")
		s.Env = append(s.Env, spec.EnvVar{Name: "PATH", Value: spec.StringValue(r.pathWith(bin))}) // engines call compilers that pip installed there
		return append([]string{filepath.Join(bin, "python")}, r.Launch.Module...), nil
	}
	return append([]string(nil), r.Launch.Program...), nil
}

func (r *Runtime) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.Env.SuiteDir, path)
}

// interpreter may be a bare name, which is looked for on PATH.
func (r *Runtime) interpreter(name string) string {
	if filepath.Base(name) == name {
		return name
	}
	return r.absolute(name)
}

func (r *Runtime) pathWith(bin string) string {
	if r.Env.Getenv != nil {
		if path, ok := r.Env.Getenv("PATH"); ok && path != "" {
			return bin + string(filepath.ListSeparator) + path
		}
	}
	return bin
}
