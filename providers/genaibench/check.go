package genaibench

import (
	"context"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/spec"
)

// testedVersion is the release that this package was written and tested against.
const testedVersion = "0.0.5"

// Check looks for the tool, its version, the tokenizer and the API key. A tool in an image
// is the target's to look for.
func (b *benchmark) Check(context.Context) []spec.Check {
	if b.image != "" {
		return b.checkContained()
	}
	tool, err := pytool.Find(b.query)
	if err != nil {
		return []spec.Check{spec.FailedCheck("genai-bench", err)}
	}
	found := benchtool.CheckRelease("genai-bench", tool, tool.Version(), testedVersion, howToInstall)
	return append([]spec.Check{found}, benchtool.CheckGiven(b.address, b.tokenizer, b.apiKey, b.env)...)
}

func (b *benchmark) checkContained() []spec.Check {
	checks := benchtool.CheckGiven(b.address, b.tokenizer, b.apiKey, b.env)
	for i := range checks {
		if c := &checks[i]; c.Name == "tokenizer" && c.Status == spec.CheckWarn {
			c.Status, c.Fix = spec.CheckFail, "a tool in an image sees no cache of this host: name a folder"
		}
	}
	return checks
}
