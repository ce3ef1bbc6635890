// Package checks holds the self-checks that every measurement is put through whenever
// it is judged. Each is a pure function of what was seen of the run; its threshold, its
// severity and the reason for both stand in spec.SelfChecks. What a check can not be
// computed from is no finding: a check that was not made says nothing.
//
// Likeness compares what the suite asked for, what the engine reported and what the
// prediction assumed, item by item.
package checks
