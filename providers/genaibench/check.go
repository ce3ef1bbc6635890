package genaibench

import (
	"cmp"
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
	found := spec.Check{Name: "genai-bench", Status: spec.CheckOK, Found: tool.Version() + " at " + cmp.Or(tool.Command, tool.Python)}
	switch tool.Version() {
	case testedVersion:
	case "":
		found.Status, found.Found, found.Fix = spec.CheckWarn, tool.Command+" does not say its version", "set venv to the virtual environment that has it"
	default:
		found.Status, found.Fix = spec.CheckWarn, "this aicv was tested with "+testedVersion+"; "+howToInstall
	}
	checks := []spec.Check{found}
	if b.tokenizer != "" {
		checks = append(checks, benchtool.CheckTokenizer(b.address, b.tokenizer, b.env))
	}
	if !b.apiKey.IsNull() {
		checks = append(checks, benchtool.CheckKey(b.address, b.apiKey, b.env))
	}
	return checks
}
