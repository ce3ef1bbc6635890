// Package doctor looks at all that a suite needs on this machine, and says how to fix
// what is not there. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// Request says what to look at.
type Request struct {
	Suite         *spec.Suite // nil: no suite; only what needs no declaration is looked at
	Registrations []spec.Registration
	Registry      *engine.Registry
	State         string            // the state's path
	Pinned        map[string]string // contents of images that the lock file pins, by reference
}

// Entry is one check of one thing.
type Entry struct {
	What string `json:"what"` // "host", "state", "model.llama", "predictor.exec.roofline"
	spec.Check
}

// Examine looks at everything: the host, the state, the models and what the suite
// declares, in this order. Providers are asked at the same time.
func Examine(ctx context.Context, r Request) []Entry {
	entries := host(time.Now(), r.State)
	entries = append(entries, stateChecks(ctx, r.State)...)
	if r.Suite == nil {
		return append(entries, optional(ask(ctx, r, undeclared(r.Registrations)))...)
	}
	for _, m := range r.Suite.Models {
		for _, c := range model(m) {
			entries = append(entries, Entry{"model." + m.Name, c})
		}
	}
	entries = append(entries, requireGPUs(r, ask(ctx, r, r.Suite.Components))...)
	return append(entries, images(ctx, r)...)
}

// Failed reports whether any check failed.
func Failed(entries []Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Status == spec.CheckFail })
}

// optional turns failures into warnings: what no suite asks for yet stops no apply.
func optional(entries []Entry) []Entry {
	for i := range entries {
		if entries[i].Status == spec.CheckFail {
			entries[i].Status = spec.CheckWarn
		}
	}
	return entries
}

// undeclared are the kinds that need no declaration, as components with the defaults.
func undeclared(registrations []spec.Registration) []*spec.Component {
	var components []*spec.Component
	for _, r := range registrations {
		attrs, ok := defaults(r.Schema)
		if ok {
			components = append(components, &spec.Component{Role: r.Role, Kind: r.Kind, Name: "default", Attrs: attrs})
		}
	}
	return components
}

// defaults are the attributes of a block that nobody wrote; false where one must be
// written.
func defaults(b spec.Block) (spec.Attrs, bool) {
	attrs := spec.Attrs{}
	for _, row := range b.Attributes {
		if row.Required {
			return nil, false
		}
		if !row.Default.IsNull() {
			attrs[row.Name] = row.Default
		}
	}
	return attrs, true
}

// checkTimeout bounds the checks of one provider.
const checkTimeout = time.Minute

// ask has every provider check what it needs.
func ask(ctx context.Context, r Request, components []*spec.Component) []Entry {
	answers := make([][]spec.Check, len(components))
	var idle map[*spec.Component]string
	if r.Suite != nil {
		idle = undeployed(r)
	}
	var asked sync.WaitGroup
	for i, c := range components {
		if idle[c] != "" {
			answers[i] = []spec.Check{{Name: "provider", Status: spec.CheckSkip, Found: idle[c]}}
			continue
		}
		asked.Go(func() { answers[i] = checks(ctx, r, c) })
	}
	asked.Wait()
	var entries []Entry
	for i, c := range components {
		for _, check := range answers[i] {
			entries = append(entries, Entry{c.Address(), check})
		}
	}
	return entries
}

func checks(ctx context.Context, r Request, c *spec.Component) []spec.Check {
	checker, err := r.Registry.Checker(c)
	switch {
	case err != nil:
		return []spec.Check{spec.FailedCheck("declaration", err)}
	case checker == nil && r.Suite == nil:
		return nil
	case checker == nil:
		return []spec.Check{{Name: "provider", Status: spec.CheckSkip, Found: "needs nothing that could be looked at"}}
	}
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	defer stop()
	answer := make(chan []spec.Check, 1)
	go func() { answer <- checker.Check(ctx) }()
	select {
	case found := <-answer:
		return found
	case <-ctx.Done():
		return []spec.Check{{Name: "provider", Status: spec.CheckFail, Found: fmt.Sprintf("gave no answer: %v", context.Cause(ctx)), Fix: "look whether what it asks hangs"}}
	}
}
