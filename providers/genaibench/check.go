package genaibench

import (
	"context"

	"aicv/spec"
)

// testedVersion is the release that this package was written and tested against.
const testedVersion = "0.0.5"

// Check looks for the tool, its version, the tokenizer and the API key.
func (b *benchmark) Check(context.Context) []spec.Check {
	return b.Client.Check(name, testedVersion, nil)
}
