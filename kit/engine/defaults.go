package engine

import (
	"slices"
	"strings"

	"aicv/catalog/hardware"
	"aicv/kit/pep440"
	"aicv/spec"
)

// Facts are what an engine's defaults follow from.
type Facts struct {
	Version    pep440.Version
	GPUMemory  int64  // bytes of one GPU as its driver reports it; 0: unknown
	System     string // aiconfigurator's name of the GPU; empty: unknown
	OnCPU      bool
	Checkpoint Checkpoint
	Config     spec.Configuration
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
		f.GPUMemory = r.memoryOf(f.System)
	}
	if c, err := r.models.read(request.Model); err == nil {
		f.Checkpoint = c
	}
	var open spec.Configuration
	for _, s := range append(common(f), own(f)...) {
		if request.Config.Get(s.Name).IsNull() && !r.given(s.Name) {
			open = append(open, s)
		}
	}
	slices.SortFunc(open, func(a, b spec.Setting) int { return strings.Compare(a.Name, b.Name) })
	return open
}

// memoryOf is the memory of one GPU of a system; 0: unknown.
func (r *Runtime) memoryOf(system string) int64 {
	if known, ok := r.memory.Load(system); ok {
		if bytes, isInt := known.(int64); isInt {
			return bytes
		}
	}
	s, _ := hardware.Lookup(system)
	r.memory.Store(system, s.Reported)
	return s.Reported
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
	c := f.Checkpoint
	text := func(item, value string) {
		if value != "" {
			settings = append(settings, spec.Setting{Name: item, Value: spec.StringValue(value)})
		}
	}
	if halves(c.DType) {
		text(spec.ItemDType, c.DType)
	}
	text(spec.ItemKVCacheQuant, c.Cache)
	text(spec.ItemGEMMQuant, c.GEMM)
	text(spec.ItemMoEQuant, c.MoE)
	if c.Context > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemMaxSequenceLength, Value: spec.IntValue(c.Context)})
	}
	return settings
}
