// Package sim is a simulated inference engine behind the real OpenAI HTTP
// interface. It is an ordinary runtime: a target starts it as
// `aicv serve sim ...`, and it goes through the same deploy, ready, measure, stop
// path as a real engine.
//
// # The engine
//
// Requests are served by continuous batching. Each step computes at most
// max_batch_tokens tokens for at most max_batch_size requests: running requests
// first, in order of admission, then waiting ones, first come first served. With
// chunked prefill a prompt may be spread over several steps; without it a prompt
// waits for a step that takes it whole. A request is admitted once the KV cache has
// room for all tokens that it must compute; when a running request needs a slot and
// none is free, the request admitted last is preempted, and later computed again
// from its first token. The step in which the last known token of a request is
// computed gives its next output token.
//
// What a step computes is settled before the tokens of the step before it go out,
// as in engines that overlap scheduling with execution. A request that is sent in
// answer to a token therefore waits for at least one whole step. An idle engine
// waits 50 microseconds after the first arrival, so that requests that arrive
// together start together.
//
// # The cost model
//
//	step = base
//	     + (weights + prefill_token x P + decode_request x D) x gemm x parallel
//	     + kv_token x K x kv x parallel
//
// P is the number of prompt tokens that the step computes, D the number of requests
// that decode, K the number of tokens already in the KV cache that the step's
// requests attend to. gemm and kv are the factors of the quantizations (bfloat16 is
// 1, fp8 is 0.5), parallel = 1 / (tp x tp_efficiency^log2(tp)). The step's time is
// then multiplied by the noise, if any. Time passes by absolute deadlines: a step
// starts when the one before it was due, so late timers do not add up.
//
// # Tokens
//
// A token is a word between white space; the chat template adds none. So
// usage.prompt_tokens is exactly the number of words of the prompt.
package sim
