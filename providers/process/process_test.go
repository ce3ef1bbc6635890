package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"aicv/providers/conformance"
	"aicv/spec"
)

func TestMain(m *testing.M) {
	conformance.Helper()
	crashHelper()
	goleak.VerifyTestMain(m)
}

func component(attrs spec.Attrs) *spec.Component {
	return &spec.Component{Role: spec.RoleTarget, Kind: Kind, Name: "here", Attrs: attrs}
}

func TestPortRange(t *testing.T) {
	for _, test := range []struct {
		text        string
		first, last int
	}{
		{"", 18000, 18999}, {"18000-18001", 18000, 18001}, {"2000 - 2000", 2000, 2000},
		{"18000", 0, 0}, {"18001-18000", 0, 0}, {"80-90", 0, 0}, {"65000-65536", 0, 0}, {"a-b", 0, 0}, {"-", 0, 0},
	} {
		attrs := spec.Attrs{}
		if test.text != "" {
			attrs["port_range"] = spec.StringValue(test.text)
		}
		s, err := parseSettings(component(attrs))
		if test.first == 0 {
			if spec.KindOf(err) != spec.ErrUsage || err == nil || !strings.Contains(err.Error(), strconv.Quote(test.text)) {
				t.Errorf("%q: error %v, want one that quotes it", test.text, err)
			}
			continue
		}
		if err != nil || s.first != test.first || s.last != test.last {
			t.Errorf("%q: %d-%d, error %v", test.text, s.first, s.last, err)
		}
	}
}

func TestHost(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1": true, "::1": true, "0.0.0.0": true, "localhost": true, "no such host": false} {
		_, err := parseSettings(component(spec.Attrs{"host": spec.StringValue(host)}))
		if (err == nil) != want {
			t.Errorf("host %q: error %v", host, err)
		}
	}
}

// TestDefaultsAreTheSchemas guards against a default that only the schema knows.
func TestDefaultsAreTheSchemas(t *testing.T) {
	attrs := spec.Attrs{}
	for _, row := range Registration().Schema.Attributes {
		attrs[row.Name] = row.Default
	}
	declared, errDeclared := parseSettings(component(attrs))
	bare, errBare := parseSettings(component(nil))
	if err := errors.Join(errDeclared, errBare); err != nil || declared != bare {
		t.Errorf("with the schema's defaults %+v, without %+v (%v)", declared, bare, err)
	}
}

func TestOtherSystemsAreRefused(t *testing.T) {
	made, err := Registration().New.Target(component(nil), spec.Env{})
	if runtime.GOOS == "linux" {
		if err != nil || !made.Managed() {
			t.Fatalf("on linux: %v", err)
		}
		return
	}
	if spec.KindOf(err) != spec.ErrUsage {
		t.Fatalf("error %v, want a refusal", err)
	}
}

// readTree joins the content of all files of a folder.
func readTree(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func noContext() context.Context { return context.Background() }
