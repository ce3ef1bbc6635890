package engine

import (
	"sync"

	"aicv/catalog/models"
	"aicv/spec"
)

// checkpoints remembers what was read of models: a plan asks for each of its cells.
type checkpoints struct {
	mutex sync.Mutex
	known map[spec.Model]described
}

type described struct {
	checkpoint Checkpoint
	err        error
}

func (c *checkpoints) read(m spec.Model) (Checkpoint, error) {
	key := spec.Model{ID: m.ID, Path: m.Path, ConfigHash: m.ConfigHash}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	d, ok := c.known[key]
	if !ok {
		d.checkpoint, d.err = ReadCheckpoint(m)
		c.known[key] = d
	}
	return d.checkpoint, d.err
}

// ReadCheckpoint finds what is known of a model's weights, in its config.json or in the
// table of models. An error means that there is a config.json which can not be used.
func ReadCheckpoint(m spec.Model) (Checkpoint, error) {
	found, ok, err := models.Describe(m)
	if err != nil {
		return Checkpoint{}, &spec.Error{Kind: spec.ErrUsage, Summary: "the checkpoint of " + m.ID + " can not be read", Cause: err, Fix: "check the model's path"}
	}
	if !ok {
		return Checkpoint{}, nil
	}
	a := found.Architecture
	c := Checkpoint{Known: true, Experts: a.IsMoE(), KVCache: a.Quantization.KVCache, DType: a.DType, Context: int(a.Context)}
	if modes := a.GEMMModes(); len(modes) > 0 {
		c.GEMM = modes[0].Mode
	}
	if modes := a.MoEModes(); len(modes) > 0 {
		c.MoE = modes[0].Mode
	}
	c.Cache, _ = a.KVCacheDefault()
	return c, nil
}
