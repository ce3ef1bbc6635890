package endpoint

import (
	"context"
	"fmt"
	"strings"

	"aicv/spec"
)

// Check asks for the server's health and for the models that it serves.
func (t *target) Check(ctx context.Context) []spec.Check {
	if err := t.checkHealth(ctx); err != nil {
		return []spec.Check{spec.FailedCheck("health", err)}
	}
	return []spec.Check{{Name: "health", Status: spec.CheckOK, Found: t.url + " is healthy"}, t.checkServed(ctx)}
}

// checkServed can not know the suite's models: without a declared name it says what is
// served.
func (t *target) checkServed(ctx context.Context) spec.Check {
	const name = "model"
	if t.model != "" {
		if err := t.checkModel(ctx, t.model); err != nil {
			return spec.FailedCheck(name, err)
		}
		return spec.Check{Name: name, Status: spec.CheckOK, Found: "serves " + t.model}
	}
	served, err := t.models(ctx)
	switch {
	case err != nil:
		return spec.FailedCheck(name, err)
	case len(served) == 0:
		return spec.FailedCheck(name, t.broken(fmt.Sprintf("%s serves no model", t.url), "load a model into the server"))
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: "serves " + strings.Join(served, ", ")}
}
