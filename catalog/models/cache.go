package models

import "fmt"

// Cache is one thing that a layer keeps of a sequence while it is served.
type Cache struct {
	// Elements are kept per token, in the KV cache's data type; Bytes are kept per token
	// whatever that is.
	Elements int64 `json:"elements,omitempty"`
	Bytes    int64 `json:"bytes,omitempty"`
	// State is bytes per sequence, however long it is.
	State int64 `json:"state,omitempty"`
	// Heads is how many heads tensor parallelism can divide it by; 0: each GPU of a tensor
	// group holds all of it.
	Heads  int64 `json:"heads,omitempty"`
	Window int64 `json:"window,omitempty"` // tokens that are kept at most; 0: all
	Every  int64 `json:"every,omitempty"`  // one entry for so many tokens; 0: one each
}

// KVCache is what the KV cache and other states of sequences take on one GPU, in bytes.
type KVCache struct {
	// PerToken is what each further token takes in the layers that keep all tokens.
	PerToken int64 `json:"per_token"`
	// PerSequence is a sequence's fixed part: states of linear attention and mamba.
	PerSequence int64       `json:"per_sequence,omitempty"`
	Sparse      []KVEntries `json:"sparse,omitempty"` // layers that do not keep each token
}

// KVEntries is a cache that keeps a window of tokens, or one entry for several.
type KVEntries struct {
	Bytes  int64 `json:"bytes"`            // per entry
	Window int64 `json:"window,omitempty"` // tokens that are kept at most; 0: all
	Every  int64 `json:"every,omitempty"`  // one entry for so many tokens; 0: one each
}

// Describe says which tokens are kept: "each of the last 128 tokens".
func (e KVEntries) Describe() string {
	what := "each token"
	if e.Every > 1 {
		what = fmt.Sprintf("each %d tokens", e.Every)
	}
	if e.Window > 0 {
		what += fmt.Sprintf(" of the last %d", e.Window)
	}
	return what
}

// SequenceBytes is what one sequence of so many tokens takes. Engines that do not tell
// windowed layers apart (vLLM with its hybrid cache manager switched off) take more.
func (k KVCache) SequenceBytes(tokens int64) int64 {
	total := sum(k.PerSequence, product(tokens, k.PerToken))
	for _, e := range k.Sparse {
		kept := tokens
		if e.Window > 0 {
			kept = min(kept, e.Window)
		}
		total = sum(total, product(ceil(kept, e.Every), e.Bytes))
	}
	return total
}

// Bytes is what so many sequences of so many tokens each take.
func (k KVCache) Bytes(sequences, tokens int64) int64 {
	return product(sequences, k.SequenceBytes(tokens))
}

// add puts n layers' cache into the sum, for a tensor group of so many GPUs.
func (k *KVCache) add(n int64, c Cache, tensor int64, f Format) {
	mine := func(whole int64) int64 {
		if c.Heads == 0 {
			return whole
		}
		return share(whole, ceil(c.Heads, tensor), c.Heads)
	}
	k.PerSequence = sum(k.PerSequence, product(n, mine(c.State)))
	perToken := product(n, sum(f.bytes(mine(c.Elements)), mine(c.Bytes)))
	if c.Window == 0 && c.Every <= 1 {
		k.PerToken = sum(k.PerToken, perToken)
		return
	}
	for i := range k.Sparse {
		if k.Sparse[i].Window == c.Window && k.Sparse[i].Every == c.Every {
			k.Sparse[i].Bytes = sum(k.Sparse[i].Bytes, perToken)
			return
		}
	}
	k.Sparse = append(k.Sparse, KVEntries{perToken, c.Window, c.Every})
}
