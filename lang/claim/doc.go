// Package claim is the grammar of claims, the sentences that a suite's `expect`
// lists hold:
//
//	claim      = subject predicate [ "for" share "of" "cells" ]
//	predicate  = "within" share [ "of" reference ]
//	           | "at" ( "least" | "most" ) share "of" reference
//	           | ( "<" | "<=" | ">" | ">=" | "==" ) quantity
//	subject    = metric | function "(" ... ")"
//	reference  = "predicted"
//	share      = number "%"
//	quantity   = number unit
//
// Numbers are exact decimals. A unit must be the metric's own; a bare number is a
// share. Subjects and references that can not be judged in this version are refused
// by name, with the range they stand at, never ignored.
package claim
