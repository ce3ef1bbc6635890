package sglang

import (
	"context"

	"aicv/spec"
)

// Effective is not read yet: every item stays unknown.
func (r *runtime) Effective(context.Context, spec.Server) (spec.Configuration, error) {
	return nil, nil
}

// Diagnose knows no cause yet.
func (r *runtime) Diagnose(string) (*spec.Error, bool) { return nil, false }
