package lock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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
		"half written":   `lock "a" {` + "\n  version = \"1",
		"empty value":    "lock \"a\" {\n  version = \"\"\n}\n",
		"null":           "lock \"a\" {\n  version = null\n}\n",
		"no label":       "lock {\n  version = \"1\"\n}\n",
		"two labels":     "lock \"a\" \"b\" {\n  version = \"1\"\n}\n",
		"nested block":   "lock \"a\" {\n  b {}\n}\n",
		"attribute":      "version = \"1\"\n",
		"merge conflict": "<<<<<<< HEAD\nlock \"a\" {}\n=======\n",
		"pinned twice":   "lock \"a\" {\n  v = \"1\"\n}\nlock \"a\" {\n  v = \"2\"\n}\n",
		"no string":      "lock \"a\" {\n  version = 12\n}\n",
		"other block":    "model \"a\" {}\n",
		"reference":      "lock \"a\" {\n  version = var.x\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := lock.Parse([]byte(source), ".aicv.lock")
			if !diags.HasErrors() || got != nil {
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

func TestEveryDamageIsReportedInTheOrderOfTheFile(t *testing.T) {
	source := "model \"m\" {}\nlock \"a\" {\n  z = 1\n  b = 2\n}\nlock \"a\" {}\n"
	_, diags := lock.Parse([]byte(source), ".aicv.lock")
	var places []string
	for _, d := range diags {
		places = append(places, d.Subject.String())
	}
	want := []string{".aicv.lock:1:1", ".aicv.lock:3:7", ".aicv.lock:4:7", ".aicv.lock:6:6"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Error(diff)
	}
	if last := diags[len(diags)-1]; len(last.Notes) != 1 || last.Notes[0].Range.String() != ".aicv.lock:2:6" {
		t.Errorf("the first place is not shown: %+v", last)
	}
}

func drawEntries(t *rapid.T, label string) []lock.Entry {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) lock.Entry {
		return lock.Entry{
			Name:  rapid.OneOf(rapid.SampledFrom([]string{"predictor.recorded.aic", "runtime.vllm.a"}), rapid.StringMatching(`[ -~]{1,12}`)).Draw(t, "name"),
			What:  rapid.StringMatching(`[a-z][a-z_]{0,5}`).Draw(t, "what"),
			Value: rapid.StringMatching(`[ -~\n]{1,20}`).Draw(t, "value"),
		}
	}), 0, 8, func(e lock.Entry) string { return e.Name + "\x00" + e.What }).Draw(t, label)
}

func TestEntriesSurviveTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawEntries(t, "entries")
		source := lock.Format(drawn)
		got, diags := lock.Parse(source, "f")
		if len(diags) > 0 {
			t.Fatalf("%v\n%s", diags, source)
		}
		if changes := lock.Compare(drawn, got); len(changes) > 0 || len(got) != len(drawn) {
			t.Fatalf("%v\n%s", changes, source)
		}
		shuffled := rapid.Permutation(drawn).Draw(t, "order")
		if string(lock.Format(shuffled)) != string(source) {
			t.Fatal("the order of the entries reaches the file")
		}
	})
}

func TestCompareMirrors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawEntries(t, "a"), drawEntries(t, "b")
		there, back := lock.Compare(a, b), lock.Compare(b, a)
		for i := range back {
			back[i].Old, back[i].New = back[i].New, back[i].Old
		}
		if diff := cmp.Diff(there, back); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(string(lock.Format(entries())))
	f.Add(`lock "a" { version = [1] }`)
	f.Add("lock \"a\" {\n  v = \"1\"\n}\nlock \"a\" {\n  v = \"2\"\n}\n")
	f.Fuzz(func(t *testing.T, source string) {
		got, diags := lock.Parse([]byte(source), "f")
		for _, d := range diags {
			if d.Subject.Start.Byte > d.Subject.End.Byte || d.Subject.End.Byte > len(source)+1 {
				t.Fatalf("a place outside the file: %+v", d)
			}
		}
		if diags.HasErrors() {
			return
		}
		again, diags := lock.Parse(lock.Format(got), "f")
		if diags.HasErrors() || len(lock.Compare(got, again)) > 0 {
			t.Fatalf("what was read can not be written: %v", diags)
		}
	})
}
