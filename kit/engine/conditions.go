package engine

import (
	"slices"

	"aicv/spec"
)

// The conditions that rows of several engines share.

// SameMode holds where the checkpoint's dense weights are in the item's mode already.
func SameMode() Condition {
	return Condition{"the checkpoint is so", func(c *Context) bool { return c.Checkpoint.GEMM == c.Value }}
}

// SameExperts holds where the checkpoint's experts are in the item's mode already.
func SameExperts() Condition {
	return Condition{"the checkpoint's experts are so", func(c *Context) bool { return c.Checkpoint.MoE == c.Value }}
}

// Plain holds where the checkpoint is not quantized.
func Plain() Condition {
	return Condition{"the checkpoint is not quantized", func(c *Context) bool { return halves(c.Checkpoint.GEMM) }}
}

// PlainExperts holds where the checkpoint's experts are not quantized.
func PlainExperts() Condition {
	return Condition{"the checkpoint's experts are not quantized", func(c *Context) bool { return halves(c.Checkpoint.MoE) }}
}

func halves(mode string) bool { return mode == "bfloat16" || mode == "float16" }

// UnknownModel holds where nobody knows the checkpoint.
func UnknownModel() Condition {
	return Condition{"the checkpoint is not known", func(c *Context) bool { return !c.Checkpoint.Known }}
}

// Dense holds where the model is known to have no experts.
func Dense() Condition {
	return Condition{"the model has no experts", func(c *Context) bool { return c.Checkpoint.Known && !c.Checkpoint.Experts }}
}

// NoExperts is Dense, or a model that nobody knows and that is laid out without experts.
func NoExperts() Condition {
	return Condition{"the model has no experts", func(c *Context) bool {
		if c.Checkpoint.Known {
			return !c.Checkpoint.Experts
		}
		return c.Config.Size(spec.ItemMoETensorParallel) == 1 && c.Config.Size(spec.ItemMoEExpertParallel) == 1
	}}
}

// ExpertsFit holds where the experts' sizes multiply to the attention's.
func ExpertsFit() Condition {
	return Condition{"moe_tensor_parallel x moe_expert_parallel = tensor_parallel x attention_data_parallel", expertsFit}
}

func expertsFit(c *Context) bool {
	group := c.Config.Size(spec.ItemTensorParallel) * c.Config.Size(spec.ItemAttentionDataParallel)
	expert := c.Config.Size(spec.ItemMoEExpertParallel)
	if tensor, set := c.Config.Get(spec.ItemMoETensorParallel).Int(); set {
		return tensor*expert == group
	}
	return group%expert == 0
}

// Several holds where an item is above 1.
func Several(item string) Condition {
	return Condition{item + " is above 1", func(c *Context) bool { return c.Config.Size(item) > 1 }}
}

// Off holds where a switch is set to false.
func Off(item string) Condition {
	return Condition{item + " is false", func(c *Context) bool { return c.Is(item, "false") }}
}

// GivenFlag holds where args has a flag.
func GivenFlag(flag string) Condition {
	return Condition{"args has " + flag, func(c *Context) bool { return c.Has(flag) }}
}

// ItemIn holds where an item has one of the values.
func ItemIn(text, item string, values ...string) Condition {
	return Condition{text, func(c *Context) bool { return slices.Contains(values, c.Config.Get(item).Text()) }}
}
