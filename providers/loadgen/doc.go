// Package loadgen is the embedded benchmark: it holds a fixed number of requests
// in flight against an OpenAI-compatible server and measures what comes back.
//
// # The stream
//
// One run is one uninterrupted stream of requests at concurrency c. Each of c
// clients sends a request, reads it to its end, and sends the next at once. There is
// no ramp, no pause between phases and no retry.
//
//   - Warm-up: until W requests have ended (W = 2c by default), and a shortest time of
//     it has passed, if one is asked for. That is c-1 requests more than W are started
//     before the window opens.
//   - Measurement: the window opens at the start of the first measured request, which
//     is the moment at which the last request of the warm-up ended. N requests are started in it (N =
//     20c by default, always a whole multiple of c), more where a shortest duration
//     asks for it.
//   - Cool-down: the window closes at the start of the request after the N-th. The
//     load is held by further requests until the last measured request has ended;
//     what is then in flight is cut off.
//
// # The rates
//
// Throughput counts the tokens that arrive in the window, after its opening and up
// to its closing, of every request that ends well: requests of the warm-up that are
// in flight when it opens give their later tokens, measured requests that are in
// flight when it closes give their earlier ones. Both edges lie at the end of one
// request and the start of the next, and N whole generations of starts lie between
// them, so in a steady state as much is cut off at one edge as is added at the
// other, also where all requests run in step. Request throughput and goodput count
// the requests that end in the window. Tokens are the server's usage; where a server
// sends several tokens in one event, they are spread evenly over the request's
// events.
//
// # The durations
//
// TTFT, TPOT and latency come from the measured requests alone, whenever they end.
// TTFT ends with the first event that carries text, latency with the last one. An
// event's time is that of the read that brought it. Percentiles interpolate
// linearly between the closest ranks (the method of numpy), and are left out where
// there are too few requests (metric.MinRequests).
//
// # Prompts
//
// A prompt of n tokens is n words, each a single token for the tokenizers in use,
// drawn from the seed. The first three words number the request, so no two prompts
// of a run share their beginning and a prefix cache can not help.
package loadgen
