package fit

import (
	"strings"

	"aicv/catalog/hardware"
	"aicv/catalog/models"
)

// The overhead of engines is what aiconfigurator 0.12.0 takes for it (sdk/backends:
// base_backend.py _get_memory_usage, trtllm_backend.py and sglang_backend.py): figures
// that its authors fitted to measurements. vLLM has no figures of its own there and uses
// TensorRT-LLM's, and so do engines that it does not know.

// engine is how much memory an engine takes beside weights and KV cache.
type engine struct {
	dense, moe, other [4]float64 // bytes of activations per element and 2 bytes, by tensor parallel size: 1, 2, 4, 8 and more
	extra             float64    // share on top of activations
	reserve           float64    // share on top of what the system keeps for the engine
	fewest            int64      // least bytes of activations
}

const mib = 1 << 20

// engineOf finds an engine's figures by the kind of its runtime.
func engineOf(kind string) engine {
	if kind == "sglang" {
		return engine{dense: [4]float64{14, 8.5, 6.5, 6.5}, moe: [4]float64{28, 17, 13, 13}, other: [4]float64{13, 8, 6.5, 6.5},
			extra: 0.15, reserve: 0.20, fewest: 90 * mib}
	}
	return engine{dense: [4]float64{11, 6.5, 5, 5}, moe: [4]float64{22, 13, 10, 10}, other: [4]float64{10, 6, 5, 5}, fewest: 70 * mib}
}

// coefficients picks the row of a model: of plain transformers, of mixtures of experts,
// and of hybrids, for which there are no figures of their own.
func (e engine) coefficients(a *models.Architecture) [4]float64 {
	at, _ := a.Attention()
	for i := range a.Blocks {
		switch a.Blocks[i].Attention.Kind {
		case models.AttentionGQA, models.AttentionMLA, models.AttentionCompressed, "":
		default:
			return e.other
		}
	}
	if a.IsMoE() && at.Kind != "" {
		return e.moe
	}
	return e.dense
}

// activations are the intermediate results of one step of so many tokens on one GPU.
func (e engine) activations(a *models.Architecture, s models.Setup, tokens int64) int64 {
	width := float64(width(a))
	row := e.coefficients(a)
	place := 0
	for size := 2; size <= min(s.Tensor, 8); size *= 2 {
		place++
	}
	bytes := 2 * float64(tokens) * width * row[place]
	if x, moe := a.Experts(); moe && dispatches(a) {
		// A workspace in which tokens are sorted by experts: 4 bytes of scale for each block
		// of 128 elements, for each of the experts of a token.
		bytes += float64(tokens) * width * float64(max(s.AttentionData, 1)) * float64(x.Count*x.Active) / float64(max(s.MoEExpert, 1)) / 128 * 4
	}
	bytes = max(bytes, float64(e.fewest))
	return int64(bytes * (1 + e.extra))
}

// width is the number of elements of a token between layers, as the predictor takes it:
// heads x head size, and the hidden size where keys and values are compressed.
func width(a *models.Architecture) int64 {
	at, _ := a.Attention()
	if at.KVHeads == 0 || at.MLA != nil {
		return a.Hidden
	}
	return at.Heads * at.HeadSize
}

// dispatches reports whether the predictor takes a workspace for experts into account: it
// does for models with block-scaled, fine-grained experts.
func dispatches(a *models.Architecture) bool {
	for _, family := range []string{"deepseek", "glm_moe_dsa", "kimi", "gemma4", "step"} {
		if strings.HasPrefix(a.Family, family) {
			return true
		}
	}
	return false
}

// usualReserve is what the predictor keeps for the engine on nearly all systems, in bytes
// per GPU; a system that the table does not know gets it, too.
const usualReserve = 3584 * mib

// kept is what the engine keeps for its kernels, graphs and libraries.
func (e engine) kept(s hardware.System) int64 {
	reserve := s.Reserve
	if reserve == 0 {
		reserve = usualReserve
	}
	return int64(float64(reserve) * (1 + e.reserve))
}

// usualBuffers is the same of communication buffers, where several GPUs share the layers.
const usualBuffers = 392 * mib

func buffers(s hardware.System, tensor int) int64 {
	switch {
	case tensor <= 1:
		return 0
	case s.Name == "":
		return usualBuffers
	}
	return s.Buffers(min(tensor, 8))
}
