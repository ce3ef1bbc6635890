package genaibench

import (
	"context"
	"path/filepath"

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
	found := spec.Check{Name: "genai-bench", Status: spec.CheckOK, Found: tool.Version() + " at " + firstOf(tool.Command, tool.Python)}
	switch tool.Version() {
	case testedVersion:
	case "":
		found.Status, found.Found, found.Fix = spec.CheckWarn, tool.Command+" does not say its version", "set venv to the virtual environment that has it"
	default:
		found.Status, found.Fix = spec.CheckWarn, "this aicv was tested with "+testedVersion+"; "+howToInstall
	}
	checks := []spec.Check{found}
	if b.tokenizer != "" {
		checks = append(checks, b.checkTokenizer())
	}
	if !b.apiKey.IsNull() {
		checks = append(checks, b.checkKey())
	}
	return checks
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (b *benchmark) checkTokenizer() spec.Check {
	path, err := b.tokenizerOf(spec.Model{})
	switch {
	case err != nil:
		return spec.FailedCheck("tokenizer", err)
	case filepath.IsAbs(path):
		return spec.Check{Name: "tokenizer", Status: spec.CheckOK, Found: path}
	}
	return spec.Check{Name: "tokenizer", Status: spec.CheckWarn, Found: path + " is no folder", Fix: "it is looked for in the local Hugging Face cache alone; a folder is safer"}
}

func (b *benchmark) checkKey() spec.Check {
	if _, err := b.key(); err != nil {
		return spec.FailedCheck("API key", err)
	}
	return spec.Check{Name: "API key", Status: spec.CheckOK, Found: "is set"}
}
