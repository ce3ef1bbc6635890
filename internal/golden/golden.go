// Package golden is for tests: it compares what a test got with a file that was
// recorded before. AICV_UPDATE=1 go test ./... records anew.
package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Update reports whether expectations are recorded anew instead of compared.
func Update() bool { return os.Getenv("AICV_UPDATE") != "" }

// Check compares got with the file of that name in the package's testdata.
func Check(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if Update() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); AICV_UPDATE=1 records it anew:\n%s", path, diff)
	}
}
