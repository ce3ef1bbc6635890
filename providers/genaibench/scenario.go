package genaibench

import (
	"fmt"

	"aicv/spec"
)

// scenario writes a load's lengths in the tool's notation; false where it has no word for
// them.
func scenario(load spec.Load) (string, bool) {
	s := &load.Shape
	switch {
	case !s.Varies():
		return fmt.Sprintf("D(%d,%d)", load.InputTokens, load.OutputTokens), true
	case fits(s, spec.SpreadNormal):
		return fmt.Sprintf("N(%d,%d)/(%d,%d)", load.InputTokens, s.Input.Deviation, load.OutputTokens, s.Output.Deviation), true
	case fits(s, spec.SpreadUniform):
		inLow, inHigh := bounds(s.Input, load.InputTokens)
		outLow, outHigh := bounds(s.Output, load.OutputTokens)
		return fmt.Sprintf("U(%d,%d)/(%d,%d)", inLow, inHigh, outLow, outHigh), true
	}
	return "", false
}

// fits reports whether both lengths are of a kind, or fixed.
func fits(s *spec.Shape, kind spec.SpreadKind) bool {
	return (s.Input.Kind == kind || s.Input.Kind == "") && (s.Output.Kind == kind || s.Output.Kind == "")
}

// bounds are those of a uniform length; a fixed one lies between itself and itself.
func bounds(s spec.Spread, mean int) (low, high int) {
	if s.Kind == "" {
		return mean, mean
	}
	return s.Low, s.High
}
