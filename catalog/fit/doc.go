// Package fit says before anything is deployed whether a configuration fits on its GPUs
// at a load: whether the model can be laid out like that at all, and whether weights, KV
// cache and what the engine takes for itself stay within the memory of each GPU. It is an
// estimate with its arithmetic; what is not known is said, and nothing is guessed.
package fit
