// Package exec carries out a plan. It runs the saved graph as it stands and never
// adds a node: a gate may close later nodes, and a retry is an attempt of a node.
//
// Every side effect is bracketed: the intent is committed with an idempotency key,
// then it is done, then what came of it is committed together with its facts. After
// a crash the targets are asked by these keys: a server that the rest of the plan
// needs is adopted, any other is stopped. What the state holds is never measured
// again, so applying a plan again continues it.
//
// The failure of one node is an outcome of its cells, not an error of the apply. An
// error of the apply is one that makes going on pointless or dangerous: the state can
// not be written, or the plan asks for what can not be done. Whatever happens, servers
// that were started are torn down before Apply returns, and those that could not be
// are named.
package exec
