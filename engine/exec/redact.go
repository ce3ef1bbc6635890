package exec

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// shortestSecret is the least length, in bytes, that is taken out of texts: a shorter
// one would garble them more than it would protect.
const shortestSecret = 6

// redactor takes the values of the secrets that a plan refers to out of texts: servers
// echo request headers in their errors, and engines print their environment.
type redactor struct{ replacer *strings.Replacer }

// newRedactor reads the secrets of all components of the plan.
func newRedactor(p *engine.Plan, getenv func(string) (string, bool)) *redactor {
	secrets := map[string]string{} // by value: the variable
	for _, component := range componentsOf(p, func(*engine.PlannedCell) bool { return true }) {
		for _, name := range variablesIn(component.Attrs.Value(), nil) {
			if value, ok := getenv(name); ok && len(value) >= shortestSecret {
				for _, form := range forms(value) {
					secrets[form] = name
				}
			}
		}
	}
	if len(secrets) == 0 {
		return &redactor{}
	}
	values := make([]string, 0, len(secrets))
	for value := range secrets {
		values = append(values, value)
	}
	// The replacer takes the first that fits: one secret may begin with another.
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, "(secret "+secrets[value]+")")
	}
	return &redactor{strings.NewReplacer(pairs...)}
}

// forms are those in which a value may stand in a text: as it is, in an address, in JSON.
func forms(value string) []string {
	list := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	if quoted, err := json.Marshal(value); err == nil {
		list = append(list, string(quoted[1:len(quoted)-1]))
	}
	return list
}

// componentsOf lists the components of the cells that are chosen, each once.
func componentsOf(p *engine.Plan, chosen func(*engine.PlannedCell) bool) []*spec.Component {
	var list []*spec.Component
	seen := map[*spec.Component]bool{}
	for i := range p.Cells {
		if !chosen(&p.Cells[i]) {
			continue
		}
		c := &p.Cells[i].Cell
		for _, component := range []*spec.Component{c.Target, c.Runtime, c.Predictor, c.Benchmark} {
			if component != nil && !seen[component] {
				seen[component] = true
				list = append(list, component)
			}
		}
	}
	return list
}

// secretsAreSet refuses a plan whose secrets are not in the environment, before a server
// is brought up for nothing. Predictors were asked already.
func secretsAreSet(p *engine.Plan, getenv func(string) (string, bool)) error {
	deployed := func(c *engine.PlannedCell) bool { return c.Deployment >= 0 }
	for _, component := range componentsOf(p, deployed) {
		if component.Role == spec.RolePredictor {
			continue
		}
		for _, name := range variablesIn(component.Attrs.Value(), nil) {
			if _, ok := getenv(name); !ok {
				return &spec.Error{Kind: spec.ErrUsage, Summary: component.Address() + " needs the secret env(\"" + name + "\"), and it is not set",
					Fix: "export " + name + ", and apply again"}
			}
		}
	}
	return nil
}

// variablesIn lists the environment variables that a value refers to.
func variablesIn(v spec.Value, into []string) []string {
	if v.Kind() == spec.Secret {
		into = append(into, v.Text())
	}
	for _, item := range v.Items() {
		into = variablesIn(item, into)
	}
	for _, f := range v.Fields() {
		into = variablesIn(f.Value, into)
	}
	return into
}

func (r *redactor) text(s string) string {
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

func (r *redactor) server(s spec.Server) spec.Server {
	s.Command, s.Replicas = r.texts(s.Command), slices.Clone(s.Replicas)
	for i := range s.Replicas {
		s.Replicas[i] = r.server(s.Replicas[i])
	}
	return s
}

func (r *redactor) texts(list []string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = r.text(out[i])
	}
	return out
}

func (r *redactor) event(e spec.Event) spec.Event {
	e.Message, e.Phase = r.text(e.Message), r.text(e.Phase)
	return e
}

// outcome gives what came of a step without secrets. The caller's own is left alone.
func (r *redactor) outcome(o spec.Outcome) spec.Outcome {
	if r.replacer == nil {
		return o
	}
	o.Message = r.text(o.Message)
	o.Failures = slices.Clone(o.Failures)
	for i := range o.Failures {
		o.Failures[i].Failure.Message = r.text(o.Failures[i].Failure.Message)
	}
	if o.Start != nil {
		start := *o.Start
		start.Argv, start.Version, start.Server = r.texts(start.Argv), r.text(start.Version), r.server(start.Server)
		o.Start = &start
	}
	if o.Run != nil {
		run := *o.Run
		r.result(&run.Result)
		o.Run = &run
	}
	if o.Aborted != nil {
		a := *o.Aborted
		a.Why, a.Source, a.Rows = r.text(a.Why), r.text(a.Source), r.rows(a.Rows)
		o.Aborted = &a
	}
	return o
}

func (r *redactor) rows(list []spec.RequestRow) []spec.RequestRow {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Error != "" {
			list[i].Error = r.text(list[i].Error)
		}
	}
	return list
}

func (r *redactor) result(x *spec.RunResult) {
	x.Findings = slices.Clone(x.Findings)
	for i := range x.Findings {
		x.Findings[i].Message = r.text(x.Findings[i].Message)
	}
	x.Rows = r.rows(x.Rows)
	x.Provenance.Source = r.text(x.Provenance.Source)
}

// error gives an error whose texts hold no secret.
func (r *redactor) error(err error) error {
	if err == nil || r.replacer == nil || r.text(err.Error()) == err.Error() && r.text(explain(err)) == explain(err) {
		return err
	}
	var known *spec.Error
	if errors.As(err, &known) {
		clean := *known
		clean.Summary, clean.Detail, clean.Fix = r.text(known.Summary), r.text(known.Detail), r.text(known.Fix)
		if known.Cause != nil {
			clean.Cause = errors.New(r.text(known.Cause.Error()))
		}
		return &clean
	}
	return errors.New(r.text(err.Error()))
}

// discreetStore keeps secrets out of the state.
type discreetStore struct {
	engine.Store
	redact *redactor
}

// End commits the outcome without secrets.
func (s discreetStore) End(ctx context.Context, step int64, o spec.Outcome) (int64, error) {
	return s.Store.End(ctx, step, s.redact.outcome(o))
}
