// Package recorded reads predictions and measurements that somebody took before
// from a CSV or JSON file of points. It is a predictor and an offline benchmark.
//
// # Matching
//
// The suite declares which column holds which item (match) and which items hold
// for all rows (fixed). A row answers a point where every mapped item is equal;
// nothing is rounded, interpolated or taken from the nearest row. A point that sets
// an item of the configuration or the load that the file neither maps nor fixes has
// no answer, because the file does not say whether it holds. The sizes that count
// GPUs (replicas, tensor, pipeline and attention data parallel) are 1 where they
// are not set; any other item that is not set matches an empty cell only. A fixed
// item that a point leaves open does not stand against it: the answer says what was
// assumed.
//
// # Cleaning
//
// Rows that repeat another one exactly are merged and counted. Rows of one point are
// distinct runs where run_column tells them apart. Other rows of one point with
// different figures are an error that names the lines. With gpus_column, rows whose layout occupies
// another number of GPUs than the column says are set aside and listed.
//
// # Derived figures
//
// derive computes metrics that the file does not hold, for a closed loop in which
// every slot is always busy:
//
//	latency            = ttft + (output tokens - 1) x tpot
//	request_throughput = concurrency / latency
//	total_throughput   = concurrency x output tokens / latency
//	throughput         = total_throughput / GPUs of the layout
//	user_throughput    = 1000 / tpot in ms
//
// They are marked as derived wherever they are shown.
package recorded
