package sglang

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aicv/kit/pep440"
	"aicv/spec"
)

// TestRealArgumentDefinitions: every flag of the table is among SGLang's own definitions
// in every version that the table was checked against, and what it calls removed is not.
func TestRealArgumentDefinitions(t *testing.T) {
	if os.Getenv("AICV_REAL") != "1" {
		t.Skip("set AICV_REAL=1 to run the tests of real tools, after scripts/real-tools sglang")
	}
	for _, version := range Table().Checked {
		t.Run(version, func(t *testing.T) {
			known := definitions(t, filepath.Join("..", "..", ".tools", "sglang", version, "sglang", "srt"))
			made, err := newRuntime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it", Attrs: spec.Attrs{"device": spec.StringValue("cpu"), "load_format": spec.StringValue("dummy")}}, spec.Env{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := pep440.Parse(version)
			if err != nil {
				t.Fatal(err)
			}
			if lacking := made.(*runtime).Lacking(v, known); len(lacking) > 0 {
				t.Errorf("SGLang %s has no %s", version, strings.Join(lacking, ", "))
			}
			for _, r := range Table().Removed {
				if s, err := pep440.ParseSpecifiers(r.Versions); err != nil || s.Contains(v) && known[r.Flag] {
					t.Errorf("SGLang %s still has --%s (%v)", version, r.Flag, err)
				}
			}
		})
	}
}

// TestReadingDefinitions: the reader itself finds both forms, and not what is no flag.
func TestReadingDefinitions(t *testing.T) {
	known := flagsIn(`
        parser.add_argument(
            "--tp-size",
            help="see --other",
        )
    mem_fraction: A[
        Optional[float],
        "help",
    ] = None
    hidden_field: A[bool, Arg(no_cli=True)] = False
    last: A[int, Arg(help="x", aliases=["--final"])] = 1
`)
	for flag, want := range map[string]bool{"tp-size": true, "mem-fraction": true, "hidden-field": false, "last": true, "final": true, "other": false} {
		if known[flag] != want {
			t.Errorf("--%s: %v", flag, known[flag])
		}
	}
}

// definitions reads SGLang's sources: argparse calls, and annotated fields.
func definitions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "arg_groups", "fields", "*.py"))
	known := map[string]bool{}
	for _, file := range append(files, filepath.Join(dir, "server_args.py")) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Skipf("the sources of SGLang are not there: scripts/real-tools sglang (%v)", err)
		}
		for flag := range flagsIn(string(source)) {
			known[flag] = true
		}
	}
	return known
}

func flagsIn(source string) map[string]bool {
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`"--([a-z0-9][a-z0-9-]*)"`).FindAllStringSubmatch(source, -1) {
		known[m[1]] = true
	}
	field := regexp.MustCompile(`(?m)^    ([a-z][a-z0-9_]*): `)
	starts := field.FindAllStringSubmatchIndex(source, -1)
	for i, m := range starts {
		end := len(source)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		body := source[m[1]:end]
		if strings.HasPrefix(body, "A[") && !strings.Contains(body, "no_cli=True") {
			known[strings.ReplaceAll(source[m[2]:m[3]], "_", "-")] = true
		}
	}
	return known
}

var _ spec.Checker = (*runtime)(nil)
