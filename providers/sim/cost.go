package sim

import (
	"math"
	"time"
)

// costModel holds the coefficients of the step time at bfloat16 on one GPU.
type costModel struct {
	base          time.Duration // each step, whatever it computes
	weights       time.Duration // each step, for reading the weights
	prefillToken  time.Duration // each prompt token computed
	decodeRequest time.Duration // each request that decodes
	kvToken       time.Duration // each cached token attended to
	tpEfficiency  float64       // of each doubling of the tensor parallel size
}

// defaultCost resembles an 8-billion-parameter model on one H100.
func defaultCost() costModel {
	return costModel{
		base: time.Millisecond, weights: 5 * time.Millisecond, prefillToken: 25 * time.Microsecond,
		decodeRequest: 20 * time.Microsecond, kvToken: 40 * time.Nanosecond, tpEfficiency: 0.9,
	}
}

// stepCost is a cost model with parallelism and quantization applied, in
// nanoseconds.
type stepCost struct {
	fixed, prefill, decode, kv float64
}

// scaled applies the tensor parallel size and the quantization factors.
func (c costModel) scaled(tensorParallel int, gemm, kv float64) stepCost {
	tp := float64(tensorParallel)
	parallel := 1 / (tp * math.Pow(c.tpEfficiency, math.Log2(tp)))
	dense := gemm * parallel
	return stepCost{
		fixed:   float64(c.base) + float64(c.weights)*dense,
		prefill: float64(c.prefillToken) * dense,
		decode:  float64(c.decodeRequest) * dense,
		kv:      float64(c.kvToken) * kv * parallel,
	}
}

// of is the time that a step takes, noise apart.
func (c stepCost) of(s step) time.Duration {
	return time.Duration(c.fixed + c.prefill*float64(s.prefill) + c.decode*float64(s.decode) + c.kv*float64(s.context))
}

// gemmFactor is the share of the bfloat16 time that a quantization of the dense
// matrix multiplications takes; false for one that the simulator does not know.
func gemmFactor(quant string) (float64, bool) {
	switch quant {
	case "", "bfloat16", "float16", "half":
		return 1, true
	case "fp8", "fp8_static", "fp8_block":
		return 0.5, true
	case "int8_wo", "sq":
		return 0.6, true
	case "int4_wo":
		return 0.4, true
	case "nvfp4":
		return 0.3, true
	}
	return 0, false
}

// kvFactor is the share of the bfloat16 size that a data type of the KV cache
// takes; false for one that the simulator does not know.
func kvFactor(quant string) (float64, bool) {
	switch quant {
	case "", "bfloat16", "float16", "half":
		return 1, true
	case "fp8", "int8":
		return 0.5, true
	}
	return 0, false
}
