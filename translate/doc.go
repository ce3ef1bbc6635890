// Package translate carries questions between aicv and other tools. Every format has a
// package of its own with one table: which of its fields stands for which item of a
// suite, how exactly, and why. Between the formats stands Experiment. Nothing is dropped in
// silence: what one side has no word for is a row of the Report, and is kept in a copy
// of the document beside the suite, from which a translation back takes it.
package translate
