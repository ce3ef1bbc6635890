package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocExamplesAreOfTheLanguage validates the HCL of the pages; what an excerpt may
// lack is the rest of its suite. The reference is generated from the schema, and held
// to it by its own test.
func TestDocExamplesAreOfTheLanguage(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) < 10 {
		t.Fatal(pages, err)
	}
	seen := 0
	for _, page := range pages {
		if filepath.Base(page) == "reference.md" {
			continue
		}
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
			seen++
			if wrong := wrongExcerpt(t, block[1]); wrong != "" {
				t.Errorf("%s: %s in\n%s", page, wrong, block[1])
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d examples", seen)
	}
	if wrongExcerpt(t, "target \"process\" \"here\" { prot = 1 }\n") == "" {
		t.Error("a misspelt attribute is no error")
	}
}

// wrongExcerpt is the first error of an excerpt that is not for want of a whole suite.
func wrongExcerpt(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("aicv", "validate", dir).CombinedOutput()
	if err == nil {
		return ""
	}
	rest := regexp.MustCompile(`(?m)^Error: No (experiment|model declared|runtime declared)$`)
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error: ") && !rest.MatchString(strings.TrimSpace(line)) {
			return line
		}
	}
	return ""
}
