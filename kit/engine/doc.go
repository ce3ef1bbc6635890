// Package engine is what runtimes of real inference engines share. An engine is a table:
// one row per item, value and range of versions, with the flags that express it, how
// exactly they do, and why. From the table come the command line, what became of each
// item, the clash with flags that a suite gives itself, and the reference page.
//
// Beside that: what a log says of a start (phases) and of its failure (signatures), and
// bounded reading of an engine's own HTTP answers and counters.
package engine
