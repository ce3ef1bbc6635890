// Package verify judges claims: pure functions from predictions and runs to
// verdicts. `within` is an equivalence test: a claim passes only if the whole
// interval of the measured mean lies inside its band, and fails only if it lies
// wholly outside. Missing data never passes.
package verify
