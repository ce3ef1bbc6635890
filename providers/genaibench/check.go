package genaibench

import (
	"context"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/spec"
)

// testedVersion is the release that this package was written and tested against.
const testedVersion = "0.0.5"

// Check looks for the tool, its version, the tokenizer and the API key.
func (b *benchmark) Check(context.Context) []spec.Check {
	tool, err := pytool.Find(b.query)
	if err != nil {
		return []spec.Check{spec.FailedCheck("genai-bench", err)}
	}
	found := benchtool.CheckRelease("genai-bench", tool, tool.Version(), testedVersion, howToInstall)
	return append([]spec.Check{found}, benchtool.CheckGiven(b.address, b.tokenizer, b.apiKey, b.env)...)
}
