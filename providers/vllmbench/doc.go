// Package vllmbench drives vllm bench serve, vLLM's own client, as a benchmark.
//
// One process of the tool takes one run. Its own warm-up repeats one prompt, which is
// also the first that it measures, so that the server's prefix cache would answer; this
// package sends the warm-up itself, with prompts of their own. Prompts are the tool's
// random dataset at fixed lengths. The server's key goes through its environment, where
// it looks for one, and no other credential of ours does. Its folder stays in the work
// folder as evidence.
//
// Figures are computed from its rows by the definitions of the metric contract; what its
// aggregates say otherwise is a finding. The window reaches from the first request to
// the last answer. Of chat endpoints the tool ends TTFT with the chunk that carries the
// role, so that completions are called unless the suite says otherwise.
package vllmbench
