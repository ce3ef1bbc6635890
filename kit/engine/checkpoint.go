package engine

import (
	"aicv/catalog/models"
	"aicv/spec"
)

// ReadCheckpoint finds what is known of a model's weights, in its config.json or in the
// table of models. An error means that there is a config.json which can not be used.
func ReadCheckpoint(m spec.Model) (Checkpoint, *models.Architecture, error) {
	found, ok, err := models.Describe(m)
	if err != nil {
		return Checkpoint{}, nil, &spec.Error{Kind: spec.ErrUsage, Summary: "the checkpoint of " + m.ID + " can not be read", Cause: err, Fix: "check the model's path"}
	}
	if !ok {
		return Checkpoint{}, nil, nil
	}
	a := found.Architecture
	c := Checkpoint{Known: true, Experts: a.IsMoE(), KVCache: a.Quantization.KVCache}
	if modes := a.GEMMModes(); len(modes) > 0 {
		c.GEMM = modes[0].Mode
	}
	if modes := a.MoEModes(); len(modes) > 0 {
		c.MoE = modes[0].Mode
	}
	return c, a, nil
}
