// Package aiconfigurator asks the predictor of that name. It is a tool written in
// Python: a small program of ours, run by the tool's own interpreter, puts all points to
// its SDK in one process and answers with JSON lines. Where a version's SDK can not be
// used, the tool's command line is asked point by point, which hides more.
//
// Nothing is left to a default unseen. What a suite fixes, and what the engine is known
// to take, is passed; what is assumed is part of the prediction; what can not be passed,
// and every trap of the tool that is known, is a finding. The tool's throughput counts
// one token less than every request brings and knows no replicas: both are put right
// here, and figures per GPU are of our own count of GPUs.
package aiconfigurator
