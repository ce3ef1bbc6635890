package lock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/lang/lock"
)

func entries() []lock.Entry {
	return []lock.Entry{
		{Name: "predictor.recorded.aic", What: "predictions", Value: "sha256:0a"},
		{Name: "predictor.recorded.aic", What: "version", Value: `0.12.0 "x" ${y}`},
		{Name: "runtime.sglang.v0_5_14", What: "image", Value: "sha256:ff"},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	source := lock.Format(entries())
	got, diags := lock.Parse(source, ".aicv.lock")
	if len(diags) > 0 {
		t.Fatalf("%v\n%s", diags, source)
	}
	if diff := cmp.Diff(entries(), got); diff != "" {
		t.Error(diff)
	}
	if again := lock.Format(got); string(again) != string(source) {
		t.Errorf("not stable:\n%s\n%s", source, again)
	}
}

func TestDamagedFilesSayWhere(t *testing.T) {
	for name, source := range map[string]string{
		"half written": `lock "a" {` + "\n  version = \"1",
		"no string":    "lock \"a\" {\n  version = 12\n}\n",
		"other block":  "model \"a\" {}\n",
		"reference":    "lock \"a\" {\n  version = var.x\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, diags := lock.Parse([]byte(source), ".aicv.lock")
			if !diags.HasErrors() {
				t.Fatal("accepted")
			}
			if diags[0].Subject.File != ".aicv.lock" || !strings.Contains(diags[0].Suggestion, "version control") {
				t.Errorf("no place or no fix: %+v", diags[0])
			}
		})
	}
}

func TestOnlyContradictionsDiffer(t *testing.T) {
	old, now := entries(), entries()
	now[0].Value = "sha256:0b"
	now[2].Name = "runtime.vllm.v0_24"
	var differing, all []string
	for _, c := range lock.Compare(old, now) {
		all = append(all, c.String())
		if c.Differs() {
			differing = append(differing, c.String())
		}
	}
	want := []string{"predictor.recorded.aic: predictions was sha256:0a, is sha256:0b"}
	if diff := cmp.Diff(want, differing); diff != "" {
		t.Error(diff)
	}
	if len(all) != 3 {
		t.Errorf("%q", all)
	}
	if len(lock.Compare(old, old)) != 0 {
		t.Error("a lock differs from itself")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(lock.Format(entries())))
	f.Add(`lock "a" { version = [1] }`)
	f.Fuzz(func(t *testing.T, source string) {
		got, diags := lock.Parse([]byte(source), "f")
		if diags.HasErrors() || len(got) == 0 {
			return
		}
		again, diags := lock.Parse(lock.Format(got), "f")
		if diags.HasErrors() || len(again) > len(got) {
			t.Fatalf("what was read can not be written: %v", diags)
		}
	})
}
