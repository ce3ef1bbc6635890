package genaibench

import (
	"fmt"

	"aicv/spec"
)

// scenario writes a load's lengths in the tool's notation; why says what it has no word
// for, and is empty where there is nothing.
func scenario(load spec.Load) (text, why string) {
	s := &load.Shape
	switch {
	case s.Static:
		return "", "static batches are asked for"
	case s.Dataset != "":
		return "", "a dataset is asked for"
	case s.SharedPrefix.Sign() > 0:
		return "", "a shared prefix is asked for"
	case !s.Varies():
		return fmt.Sprintf("D(%d,%d)", load.InputTokens, load.OutputTokens), ""
	case fits(s, spec.SpreadNormal):
		return fmt.Sprintf("N(%d,%d)/(%d,%d)", load.InputTokens, s.Input.Deviation, load.OutputTokens, s.Output.Deviation), ""
	case fits(s, spec.SpreadUniform):
		inLow, inHigh := bounds(s.Input, load.InputTokens)
		outLow, outHigh := bounds(s.Output, load.OutputTokens)
		return fmt.Sprintf("U(%d,%d)/(%d,%d)", inLow, inHigh, outLow, outHigh), ""
	}
	return "", "it knows fixed, normal and uniform lengths, one kind for both"
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
