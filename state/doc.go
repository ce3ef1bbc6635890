// Package state keeps what was measured, in one SQLite file: append-only facts, one
// row each, with every side effect bracketed by a committed intent and a committed
// outcome. One process writes, holding a lock that the kernel frees when it dies;
// any number of processes read meanwhile.
//
// Secrets have no place here: values that refer to one are stored as the reference.
package state
