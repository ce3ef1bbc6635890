package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

func TestSupportIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "work", "support.json")
	s := NewSupport(path, "build")
	if got := s.Get("f", []spec.ID{"a"}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("asking makes a folder")
	}
	s.Put("f", map[spec.ID]spec.Support{"a": {Supported: true}, "b": {Why: "w", Nearest: "n"}})
	s.Put("g", map[spec.ID]spec.Support{"a": {Why: "another tool"}})
	want := map[spec.ID]spec.Support{"a": {Supported: true}, "b": {Why: "w", Nearest: "n"}}
	if diff := cmp.Diff(want, NewSupport(path, "build").Get("f", []spec.ID{"a", "b", "c"})); diff != "" {
		t.Error(diff)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// Whatever lies in its place is forgotten.
func TestSupportForgets(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "half": `{"version":1,"answers":{"a":`, "another version": `{"version":2,"answers":{}}`, "no answers": `{"version":1}`, "a list": `[]`,
		"huge": fmt.Sprintf(`{"version":1,"answers":{}%*s}`, maxSupportBytes, ""),
	} {
		path := filepath.Join(t.TempDir(), "support.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := NewSupport(path, "build")
		if got := s.Get("f", []spec.ID{"a"}); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
		s.Put("f", map[spec.ID]spec.Support{"a": {Supported: true}})
		if got := s.Get("f", []spec.ID{"a"}); !got["a"].Supported {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSupportIsBounded(t *testing.T) {
	s := NewSupport(filepath.Join(t.TempDir(), "support.json"), "build")
	for round := range 3 {
		answers := map[spec.ID]spec.Support{}
		for i := range maxSupport / 2 {
			answers[spec.ID(fmt.Sprintf("%d-%d", round, i))] = spec.Support{Supported: true}
		}
		s.Put("f", answers)
	}
	if n := len(s.read()); n > maxSupport || !s.Get("f", []spec.ID{"2-0"})["2-0"].Supported {
		t.Errorf("%d answers", n)
	}
}

// Where nothing can be written, nothing is kept, and nothing is left.
func TestSupportWithoutAPlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "file", "support.json"), dir} {
		s := NewSupport(path, "build")
		s.Put("f", map[spec.ID]spec.Support{"a": {Supported: true}})
		if got := s.Get("f", []spec.ID{"a"}); len(got) != 0 {
			t.Errorf("%v", got)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
