package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aicv/kit/engine"
	"aicv/spec"
)

// runtime renders servers of one declared command.
type runtime struct {
	component *spec.Component
	env       spec.Env
}

// modelFolder holds checkpoints inside containers.
const modelFolder = "/models"

// Render fills in the template, and says of every item whether it was used.
func (r *runtime) Render(request spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	a := r.component.Attrs
	s := r.server(request)
	t := &template{address: r.component.Address(), config: request.Config, words: r.words(request.Model, &s), used: map[string]string{}}
	command, err := t.fill(attrCommand, a.Strings(attrCommand))
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	options, mapping, err := t.options(a[attrOptions])
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	s.Command = slices.Concat(command, options, a.Strings("args"))
	return s, append(mapping, t.rest(mapping)...), nil
}

// server is what does not depend on the template.
func (r *runtime) server(request spec.RenderRequest) spec.ServerSpec {
	a := r.component.Attrs
	s := spec.ServerSpec{
		Image: a.Text(attrImage), Contained: a.Text(attrImage) != "", ShmBytes: int64(a.Float(attrShm)),
		ModelName: cmp.Or(a.Text(attrServed), request.Model.ID),
		Ready:     spec.Readiness{HealthPath: a.Text(attrHealth), ModelsPath: a.Text(attrModels), Generate: a.Bool(attrGenerate), Timeout: a.Duration(attrTimeout)},
		Grace:     cmp.Or(a.Duration(attrGrace), 30*time.Second),
	}
	if a.Text(attrDevice) != "cpu" {
		s.GPUs = request.Config.GPUs() / request.Config.Size(spec.ItemReplicas)
	}
	for _, f := range a[attrEnv].Fields() {
		s.Env = append(s.Env, spec.EnvVar(f))
	}
	return s
}

// words are what a template may name beside items. A container sees the model's folder
// below /models.
func (r *runtime) words(m spec.Model, s *spec.ServerSpec) map[string]string {
	path := m.Path
	if path != "" && s.Contained {
		path = modelFolder + "/" + filepath.Base(m.Path)
		s.Mounts = append(s.Mounts, spec.Mount{Source: m.Path, Target: path, ReadOnly: true})
	}
	return map[string]string{"{host}": spec.HostPlaceholder, "{port}": spec.PortPlaceholder, "{model}": s.ModelName, "{model_path}": cmp.Or(path, m.ID)}
}

// template fills in arguments and remembers which items they used.
type template struct {
	address string
	config  spec.Configuration
	words   map[string]string
	used    map[string]string // item to the argument that used it
}

// fill fills in a list of arguments; where names the attribute in errors.
func (t *template) fill(where string, list []string) ([]string, error) {
	out := make([]string, len(list))
	for i, text := range list {
		// The target's own placeholders must stay whole, however they are written.
		kept := strings.NewReplacer(spec.HostPlaceholder, "\x00host\x00", spec.PortPlaceholder, "\x00port\x00").Replace(text)
		for word, value := range t.words {
			kept = strings.ReplaceAll(kept, word, strings.NewReplacer(spec.HostPlaceholder, "\x00host\x00", spec.PortPlaceholder, "\x00port\x00", "{", "\x00open\x00").Replace(value))
		}
		filled, items, wrong := engine.Expand(kept, t.config)
		if wrong != "" {
			return nil, usage(fmt.Sprintf("%s: %s has %q: %s", t.address, where, text, wrong),
				"set the item in the configuration, move the argument to options, or correct the placeholder: {host}, {port}, {model}, {model_path} and items are known")
		}
		for _, item := range items {
			t.used[item] = text
		}
		out[i] = strings.NewReplacer("\x00host\x00", spec.HostPlaceholder, "\x00port\x00", spec.PortPlaceholder, "\x00open\x00", "{").Replace(filled)
	}
	return out, nil
}

// options are the arguments of items that are set.
func (t *template) options(v spec.Value) (args []string, mapping []spec.ItemMapping, err error) {
	for _, f := range v.Fields() {
		value := t.config.Get(f.Name)
		if value.IsNull() {
			continue
		}
		list := f.Value
		if f.Value.Kind() == spec.Map {
			var known bool
			if list, known = f.Value.Field(value.Text()); !known {
				mapping = append(mapping, spec.ItemMapping{Item: f.Name, Fidelity: spec.FidelityUnsupported, Why: "options has no arguments for the value " + value.Text()})
				continue
			}
		}
		texts, _ := textsOf(list) // newRuntime has looked at all of them
		filled, err := t.fill(attrOptions+"."+f.Name, texts)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, filled...)
		mapping = append(mapping, spec.ItemMapping{Item: f.Name, Flag: strings.Join(filled, " "), Fidelity: spec.FidelityExact, Why: "as the suite's options say"})
	}
	return args, mapping, nil
}

func textsOf(v spec.Value) ([]string, bool) {
	if v.Kind() == spec.String {
		return []string{v.Text()}, true
	}
	if v.Kind() != spec.List {
		return nil, false
	}
	var texts []string
	for _, item := range v.Items() {
		if item.Kind() != spec.String && item.Kind() != spec.Number {
			return nil, false
		}
		texts = append(texts, item.Text())
	}
	return texts, true
}

// rest maps the items that options did not.
func (t *template) rest(mapped []spec.ItemMapping) []spec.ItemMapping {
	var rest []spec.ItemMapping
	for _, s := range t.config {
		done := slices.ContainsFunc(mapped, func(m spec.ItemMapping) bool { return m.Item == s.Name })
		argument, used := t.used[s.Name]
		switch {
		case done:
		case used:
			rest = append(rest, spec.ItemMapping{Item: s.Name, Flag: argument, Fidelity: spec.FidelityExact, Why: "as the suite's template says"})
		case s.Name == spec.ItemReplicas:
			rest = append(rest, spec.ItemMapping{Item: s.Name, Fidelity: spec.FidelityExact, Why: "so many servers behind aicv's own proxy; each is one replica"})
		default:
			rest = append(rest, spec.ItemMapping{Item: s.Name, Fidelity: spec.FidelityUnsupported, Why: "neither command nor options uses it"})
		}
	}
	return rest
}

func isItem(name string) bool {
	return slices.ContainsFunc(spec.ConfigurationItems(), func(a spec.Attribute) bool { return a.Name == name })
}

func usage(summary, fix string) *spec.Error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}

// Effective knows nothing: every item stays unknown.
func (r *runtime) Effective(context.Context, spec.Server) (spec.Configuration, error) {
	return nil, nil
}

// Diagnose knows what servers on GPUs have in common.
func (r *runtime) Diagnose(log string) (*spec.Error, bool) {
	return engine.Diagnose(log, engine.Failures())
}

// Counters reads the metrics that the suite names.
func (r *runtime) Counters(ctx context.Context, server spec.Server) (spec.Counters, error) {
	path := r.component.Attrs.Text(attrMetrics)
	if path == "" {
		return spec.Counters{}, errors.ErrUnsupported
	}
	names := &engine.CounterNames{}
	for _, f := range counterFields() {
		if name, ok := r.component.Attrs[blockCounter].Field(f.name); ok && name.Text() != "" {
			*f.to(names) = []string{name.Text()}
		}
	}
	return names.Ask(ctx, server.URL+path)
}
