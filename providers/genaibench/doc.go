// Package genaibench drives the real genai-bench (Python, release 0.0.5) as a
// benchmark.
//
// One process of the tool takes one run: one scenario at one concurrency. It gets its
// own tokenizer folder and no network but the server's, a scrubbed environment, and
// never a secret in its arguments, because it writes all of them into its log and its
// metadata. Its folder stays in the work folder as evidence. With an image the same call
// runs in a container of the target, which sees nothing of this host but the tokenizer
// and the folder.
//
// # Warm-up and size
//
// The tool warms nothing up, so this package sends the warm-up requests itself, at the
// real shape and concurrency. How long they take says how many requests fill the
// shortest window. By default a run has 50 requests per place and takes 100 s: its rates
// are over the whole run, with the start burst, the requests that are cut off at the end
// and a closing tick of up to a second, and only length makes these small.
//
// # Figures
//
// The figures are computed from the rows by the definitions of the metric contract. What
// the tool's own aggregates say otherwise is a finding. The rate that Little's law gives
// is kept beside the measured one, and a gap of more than 1 % is a warning.
package genaibench
