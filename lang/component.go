package lang

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"aicv/spec"
)

// checkComponent has the provider look at its declaration, so that what the schema can
// not say is an error of the suite too, with its place.
func (l *loader) checkComponent(n *node) bool {
	l.warnOfCredentials(n)
	r, known := l.providers[n.root+"."+n.path[0]]
	if !known {
		return true
	}
	problems := split(l.validity(r, n.product.component))
	for _, err := range problems {
		l.report(l.wrongDeclaration(n, err))
	}
	return len(problems) == 0
}

// validity asks the provider. A panic of it is an error of the declaration: it must not
// cost the messages about the rest.
func (l *loader) validity(r spec.Registration, c *spec.Component) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the provider %s can not read this declaration: %v", c.Kind, cause)
		}
	}()
	if r.Validate != nil {
		return r.Validate(c)
	}
	env := spec.Env{SuiteDir: l.absDir, WorkDir: filepath.Join(l.absDir, ".aicv"), Self: "aicv", Getenv: func(string) (string, bool) { return "", false }}
	switch n := r.New; {
	case n.Target != nil:
		_, err = n.Target(c, env)
	case n.Runtime != nil:
		_, err = n.Runtime(c, env)
	case n.Predictor != nil:
		_, err = n.Predictor(c, env)
	case n.Benchmark != nil:
		_, err = n.Benchmark(c, env)
	case n.Recording != nil:
		_, err = n.Recording(c, env)
	}
	return err
}

// split takes joined errors apart.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, split(e)...)
		}
		return all
	}
	return []error{err}
}

// wrongDeclaration places a provider's error at the attribute that it names.
func (l *loader) wrongDeclaration(n *node, err error) spec.Diagnostic {
	d := problem(n.at, upperFirst(err.Error()), "")
	var known *spec.Error
	if !errors.As(err, &known) {
		return d
	}
	d.Summary, d.Detail, d.Suggestion = trimAddress(known.Summary, n), known.Detail, upperFirst(known.Fix)
	if known.Attribute == "" || !strings.HasPrefix(d.Summary, known.Attribute) { // a name keeps its spelling
		d.Summary = upperFirst(d.Summary)
	}
	if known.Cause != nil {
		d.Detail = strings.TrimSpace(upperFirst(known.Cause.Error()) + ". " + known.Detail)
	}
	if l.namesHidden(n) || n.value.ContainsMarked() {
		d.Summary = cmp.Or(known.Attribute, "A value") + " of " + n.address() + " is refused"
		d.Detail, d.Unshown = "A sensitive value is involved, so that the details are not shown.", true
	}
	if attr := n.block.attrs[known.Attribute]; attr != nil {
		d.Subject = l.at(attr.Expr)
	} else if nested := n.block.one(known.Attribute); nested != nil {
		d.Subject = nested.at
	}
	return d
}

// trimAddress leaves out the block's own address: the place says which one it is.
func trimAddress(summary string, n *node) string {
	return strings.TrimPrefix(summary, n.address()+": ")
}

// isCredential recognizes names of flags and environment variables that hold secrets.
func isCredential(name string) bool {
	name = "_" + strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	return slices.ContainsFunc([]string{"_token", "_secret", "_password", "_passwd", "_api_key", "_apikey", "_access_key", "_credential", "_credentials"},
		func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// warnOfCredentials looks for secrets that are written out in maps, whose keys no
// schema knows.
func (l *loader) warnOfCredentials(n *node) {
	for _, row := range n.block.typ.Attributes {
		attr := n.block.attrs[row.Name]
		if attr == nil || row.Type != spec.TypeStringMap && row.Type != spec.TypeMap {
			continue
		}
		for _, f := range n.product.component.Attrs[row.Name].Fields() {
			if f.Value.Kind() != spec.String || f.Value.Text() == "" || !isCredential(f.Name) {
				continue
			}
			d := warning(l.at(attr.Expr), quoted(f.Name)+" in "+row.Name+" looks like a credential",
				"What a suite holds ends in version control, in the state and in reports.")
			d.Unshown = true
			d.Suggestion = "Give it by reference: env(\"NAME\")."
			if row.Public {
				d.Suggestion = "Give it where the block takes a reference, such as env or api_key: others can read the arguments of a process and the logs of tools."
			}
			l.report(d)
		}
	}
}
