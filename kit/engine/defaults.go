package engine

import (
	"aicv/catalog/hardware"
	"aicv/catalog/models"
	"aicv/kit/pep440"
	"aicv/spec"
)

// Facts are what an engine's defaults follow from.
type Facts struct {
	Version      pep440.Version
	GPUMemory    int64  // bytes of one GPU as its driver reports it; 0: unknown
	System       string // aiconfigurator's name of the GPU; empty: unknown
	OnCPU        bool
	Architecture *models.Architecture // nil: unknown
	Config       spec.Configuration
}

// Defaults returns what the engine takes for items that the request leaves open: own are
// those of the engine, common ones are added. Flags that args gives decide for
// themselves, so that their items are left out.
func (r *Runtime) Defaults(request spec.RenderRequest, own func(Facts) []spec.Setting) spec.Configuration {
	version, err := pep440.Parse(r.Component.Version())
	if err != nil {
		return nil
	}
	f := Facts{Version: version, OnCPU: r.Component.Attrs.Text(attrDevice) == deviceCPU, Config: request.Config}
	if request.Hardware != nil {
		f.System = request.Hardware.System
		if s, known := hardware.Lookup(f.System); known {
			f.GPUMemory = s.Reported
		}
	}
	if _, a, err := ReadCheckpoint(request.Model); err == nil {
		f.Architecture = a
	}
	var open spec.Configuration
	for _, s := range append(common(f), own(f)...) {
		if request.Config.Get(s.Name).IsNull() && !r.given(s.Name) {
			open = open.With(s.Name, s.Value)
		}
	}
	return open
}

// given reports whether args has a flag of the item.
func (r *Runtime) given(item string) bool {
	for _, f := range r.Component.Attrs[attrArgs].Fields() {
		if r.Engine.Owner(f.Name) == item {
			return true
		}
	}
	return false
}

// common are the defaults that all engines share, and what aicv itself sets.
func common(f Facts) []spec.Setting {
	one := spec.IntValue(1)
	settings := []spec.Setting{
		{Name: spec.ItemReplicas, Value: one}, {Name: spec.ItemTensorParallel, Value: one}, {Name: spec.ItemPipelineParallel, Value: one},
		{Name: spec.ItemAttentionDataParallel, Value: one}, {Name: spec.ItemSpeculativeTokens, Value: spec.IntValue(0)},
		{Name: spec.ItemPrefixCache, Value: spec.BoolValue(false)}, {Name: spec.ItemSchedulePolicy, Value: spec.StringValue("fcfs")},
		{Name: spec.ItemCommQuant, Value: spec.StringValue("half")},
	}
	if !f.OnCPU {
		settings = append(settings, spec.Setting{Name: spec.ItemCUDAGraphs, Value: spec.BoolValue(true)})
	}
	a := f.Architecture
	if a == nil {
		return settings
	}
	if a.DType == "bfloat16" || a.DType == "float16" {
		settings = append(settings, spec.Setting{Name: spec.ItemDType, Value: spec.StringValue(a.DType)})
	}
	cache, _ := a.KVCacheDefault()
	settings = append(settings, spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue(cache)})
	if modes := a.GEMMModes(); len(modes) > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemGEMMQuant, Value: spec.StringValue(modes[0].Mode)})
	}
	if modes := a.MoEModes(); len(modes) > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemMoEQuant, Value: spec.StringValue(modes[0].Mode)})
	}
	if a.Context > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemMaxSequenceLength, Value: spec.IntValue(int(a.Context))})
	}
	return settings
}
