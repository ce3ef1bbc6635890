// Package spec is the typed domain of aicv: what a suite declares, the cells that
// follow from it, what predictors answer and benchmarks measure, the interfaces of
// the provider roles, and the events and errors that cross package borders. It
// imports nothing of ours but metric, and knows no file format, database or tool.
package spec
