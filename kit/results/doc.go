// Package results reads what other benchmark clients wrote, and computes the metric
// contract's figures from it. Foreign files are bounded in size, NaN and infinities
// count as missing, and nothing that a file does not say is guessed: a metric whose
// definition or window is unknown is left out, with the reason.
package results
