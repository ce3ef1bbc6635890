// Package exec is the open seam: any program that reads a request as JSON on its
// standard input and answers with JSON lines on its standard output is a predictor.
// docs/predictor-protocol.md describes the protocol, examples/predictors has programs.
//
// One process answers all points of a request. Nothing that it says is trusted: lines,
// numbers and texts are bounded and checked, a bad answer costs its own point and no
// other, and a point that was not answered is asked again by the next plan. The program
// runs in a process group of its own, which ends with it or with the time limit.
package exec
