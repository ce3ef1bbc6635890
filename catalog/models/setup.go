package models

import (
	"fmt"

	"aicv/spec"
)

// Setup is how a model is laid out over the GPUs of one replica, in aiconfigurator's
// vocabulary. A size of 0 is not set: 1 for the attention's sizes; the experts follow the
// attention, moe_tensor_parallel x moe_expert_parallel = tensor_parallel x
// attention_data_parallel, by tensor parallelism where nothing else is said.
type Setup struct {
	Tensor        int
	Pipeline      int
	AttentionData int
	MoETensor     int
	MoEExpert     int
	// GEMMQuant and MoEQuant quantize while loading what the checkpoint does not; empty:
	// weights stay as they are. They do not change what the checkpoint quantized.
	GEMMQuant    string
	MoEQuant     string
	KVCacheQuant string // empty or "auto": see Architecture.KVCacheDefault
	NextN        bool   // the layers for multi-token prediction are loaded
}

// SetupOf reads a setup from a configuration.
func SetupOf(c spec.Configuration) Setup {
	size := func(item string) int {
		n, _ := c.Get(item).Int()
		return n
	}
	drafts, _ := c.Get(spec.ItemSpeculativeTokens).Int()
	return Setup{
		Tensor: size(spec.ItemTensorParallel), Pipeline: size(spec.ItemPipelineParallel),
		AttentionData: size(spec.ItemAttentionDataParallel),
		MoETensor:     size(spec.ItemMoETensorParallel), MoEExpert: size(spec.ItemMoEExpertParallel),
		GEMMQuant: c.Get(spec.ItemGEMMQuant).Text(), MoEQuant: c.Get(spec.ItemMoEQuant).Text(),
		KVCacheQuant: c.Get(spec.ItemKVCacheQuant).Text(), NextN: drafts > 0,
	}
}

// GPUs of one replica.
func (s Setup) GPUs() int {
	s = s.complete()
	return s.Tensor * s.Pipeline * s.AttentionData
}

// complete fills in the sizes that are not set.
func (s Setup) complete() Setup {
	s.Tensor, s.Pipeline, s.AttentionData = max(s.Tensor, 1), max(s.Pipeline, 1), max(s.AttentionData, 1)
	group := s.Tensor * s.AttentionData
	switch {
	case s.MoETensor <= 0 && s.MoEExpert <= 0:
		s.MoETensor, s.MoEExpert = group, 1
	case s.MoETensor <= 0:
		s.MoETensor = max(group/s.MoEExpert, 1)
	case s.MoEExpert <= 0:
		s.MoEExpert = max(group/s.MoETensor, 1)
	}
	return s
}

// maxParallel bounds each size of a setup.
const maxParallel = 1 << 16

// check refuses sizes that no setup has.
func (s Setup) check() error {
	for _, row := range []struct {
		item string
		size int
	}{
		{spec.ItemTensorParallel, s.Tensor}, {spec.ItemPipelineParallel, s.Pipeline},
		{spec.ItemAttentionDataParallel, s.AttentionData},
		{spec.ItemMoETensorParallel, s.MoETensor}, {spec.ItemMoEExpertParallel, s.MoEExpert},
	} {
		if row.size < 0 || row.size > maxParallel {
			return usage("", fmt.Sprintf("%s is %d", row.item, row.size), fmt.Sprintf("give a size from 1 to %d", maxParallel))
		}
	}
	return nil
}

// Problem is a reason why a model can not be laid out in a setup.
type Problem struct {
	Item string `json:"item"` // configuration item that is concerned
	Why  string `json:"why"`
}

// Problems lists what keeps engines from laying the model out like that: sizes that do
// not divide evenly, and sizes that contradict each other. Sources: vLLM 0.24
// (ModelConfig.verify_with_parallel_config, QKVParallelLinear, Fp8LinearMethod) and
// aiconfigurator 0.12.0, sdk/models, which refuse the same.
func (a *Architecture) Problems(s Setup) []Problem {
	s = s.complete()
	p := problems{}
	p.pipeline(a, s)
	p.attention(a, s)
	p.experts(a, s)
	p.blocks(a, s)
	return p
}

type problems []Problem

func (p *problems) add(item, format string, args ...any) {
	*p = append(*p, Problem{item, fmt.Sprintf(format, args...)})
}

func (p *problems) pipeline(a *Architecture, s Setup) {
	if n := a.LayerCount(); s.Pipeline > n {
		p.add(spec.ItemPipelineParallel, "%d stages, but only %d layers", s.Pipeline, n)
	}
}

func (p *problems) attention(a *Architecture, s Setup) {
	t := int64(s.Tensor)
	seen := map[[2]int64]bool{}
	for _, b := range a.Blocks {
		heads, kv := b.Attention.Heads, b.Attention.KVHeads
		if heads == 0 || seen[[2]int64{heads, kv}] {
			continue
		}
		seen[[2]int64{heads, kv}] = true
		switch {
		case heads%t != 0:
			p.add(spec.ItemTensorParallel, "%d attention heads can not be divided by %d", heads, t)
		case kv > 0 && kv%t != 0 && t%kv != 0:
			p.add(spec.ItemTensorParallel, "%d KV heads can neither be divided by %d nor be repeated evenly", kv, t)
		}
	}
}

func (p *problems) experts(a *Architecture, s Setup) {
	e, moe := a.Experts()
	group := s.Tensor * s.AttentionData
	switch {
	case !moe && s.MoEExpert > 1:
		p.add(spec.ItemMoEExpertParallel, "the model has no experts")
		return
	case !moe:
		return
	case s.MoETensor*s.MoEExpert != group:
		p.add(spec.ItemMoEExpertParallel, "moe_tensor_parallel x moe_expert_parallel is %d, but tensor_parallel x attention_data_parallel is %d",
			s.MoETensor*s.MoEExpert, group)
	}
	if e.Count%int64(s.MoEExpert) != 0 {
		p.add(spec.ItemMoEExpertParallel, "%d experts can not be divided by %d", e.Count, s.MoEExpert)
	}
	if e.Intermediate%int64(s.MoETensor) != 0 {
		p.add(spec.ItemMoETensorParallel, "the experts' intermediate size %d can not be divided by %d", e.Intermediate, s.MoETensor)
	}
}

// blocks checks that a GPU's part of a weight ends at the edge of a quantization block.
func (p *problems) blocks(a *Architecture, s Setup) {
	if e, moe := a.Experts(); moe {
		p.edge(a, PartExperts, spec.ItemMoETensorParallel, "the experts' intermediate size", e.Intermediate, int64(s.MoETensor))
	}
	for _, b := range a.Blocks {
		if size := b.FeedForward.Intermediate; size > 0 {
			p.edge(a, PartDense, spec.ItemTensorParallel, "the intermediate size", size, int64(s.Tensor))
			return
		}
	}
}

// blockEdge is the side of a block of fp8_block.
const blockEdge = 128

func (p *problems) edge(a *Architecture, part Part, item, what string, size, parts int64) {
	for _, r := range a.Quantization.Rules {
		f := r.Format
		if f.Group != blockEdge*blockEdge || parts == 1 || size%parts != 0 || (size/parts)%blockEdge == 0 {
			continue
		}
		for _, ruled := range r.Parts {
			if ruled == part {
				p.add(item, "%s %d divided by %d is %d, which is no multiple of the quantization's block of %d", what, size, parts, size/parts, blockEdge)
				return
			}
		}
	}
}
