// Package models knows language models: their architecture, how many parameters they
// have and where, how a checkpoint is quantized, and what its weights and its KV cache
// take on each GPU of a parallel setup. What it knows comes from a checkpoint's
// config.json (Read, Parse) or from a table of well-known models (Lookup); both give
// the same Architecture.
//
// Units: sizes are counts, memory is bytes per GPU. Sums and products saturate at the
// largest int64 instead of overflowing, so an absurd size never looks small.
package models
