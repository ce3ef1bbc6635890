package results

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

const csvText = "\ufeffmodel,conc,isl,osl,ttft (s),itl,tput,errs,note\nm,4,100,20,0.0125,2,400,1%,x\nm,8,100,20,NaN,3,700,0,y\n"

// near stands for the language's suggestions.
func near(name string, among []string) (string, bool) {
	for _, other := range among {
		if strings.HasPrefix(name, other) {
			return other, true
		}
	}
	return "", false
}

func csvMaps() []string {
	return []string{"model=model", "conc=concurrency", "isl=isl", "osl=osl", "ttft (s)=ttft:s", "itl=tpot", "tput=total_throughput:tok/s"}
}

func readCSV(t *testing.T, text string, maps ...string) ([]Record, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	columns, err := ParseColumns(maps, near)
	if err != nil {
		return nil, err
	}
	return ReadCSV(path, columns, spec.WindowWholeRun, near)
}

func TestCSV(t *testing.T) {
	records, err := readCSV(t, csvText, csvMaps()...)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	r := records[0]
	for name, want := range map[metric.Name]float64{"ttft": 12.5, "tpot": 2, "total_throughput": 400, "user_throughput": 500} {
		if math.Abs(r.Figures[name]-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, r.Figures[name], want)
		}
	}
	if r.Load != load(4, 100, 20) || r.Model != "m" || r.Source != "mine.csv:2" || r.Window != spec.WindowWholeRun {
		t.Errorf("%+v", r)
	}
	if _, has := records[1].Figures[metric.TTFT]; has {
		t.Error("NaN is a figure")
	}
	said := strings.Join(Remarks(records), "\n")
	for _, want := range []string{"no --map names are left out: errs, note", "ttft (s) is left out: it is NaN", "itl is read as tpot in ms, which is (latency - ttft) / (output tokens - 1)"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
}

func TestWrongMaps(t *testing.T) {
	for name, c := range map[string]struct {
		mapping, want string
	}{
		"no mapping":   {"ttft", "is no mapping"},
		"empty":        {"ttft=", "is no mapping"},
		"metric":       {"itl=tpott", "did you mean tpot?"},
		"unit":         {"itl=ttft:sec", "is no unit of ttft"},
		"other unit":   {"itl=ttft:tokens/s", "is no unit of ttft"},
		"unit in name": {"total_s=latency", "say which it is: --map total_s=latency:s or --map total_s=latency:ms"},
		"unit of item": {"conc=concurrency:ms", "has no unit"},
		"twice":        {"conc=tpot", "is held by the column itl already"},
		"column":       {"itll=latency", `no column "itll"`},
		"word":         {"note=latency", `the column note: "x" is no number`},
	} {
		_, err := readCSV(t, csvText, append(csvMaps(), c.mapping)...)
		if err == nil || !strings.Contains(err.Error()+fixOf(err), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseColumns([]string{"a=model"}, near); err == nil {
		t.Error("no metric is mapped, and that is no error")
	}
}

func fixOf(err error) string {
	var e *spec.Error
	if errors.As(err, &e) {
		return e.Fix
	}
	return ""
}

func TestBadCSV(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "no header line"},
		"no rows":   {"a,b\n", "it is empty"},
		"semicolon": {"a;b\n1;2\n", "is one column"},
		"twice":     {"a,b,a\n1,2,3\n", "twice"},
		"short":     {"a,b\n1\n", "wrong number of fields"},
		"huge":      {"a,b\n1e300,1\n", "too large"},
		"negative":  {"a,b\n-1,1\n", "negative"},
		"zero":      {"a,b\n0,1\n", "can not be zero"},
		"count":     {"a,b\n1,1.5\n", "no whole number"},
		"nothing":   {"a,b\n,1\n", "none of its figures"},
	} {
		if _, err := readCSV(t, c.text, "a=ttft", "b=concurrency"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add(csvText)
	f.Add(",conc,,,,itl,,,\n0\"")
	f.Add("itl,conc\n\"1\n\",2\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "f.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		columns, err := ParseColumns([]string{"itl=tpot:s", "conc=concurrency"}, near)
		if err != nil {
			t.Fatal(err)
		}
		records, err := ReadCSV(path, columns, spec.WindowUnknown, near)
		if err != nil {
			return
		}
		for _, r := range records {
			for name, v := range r.Figures {
				if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
					t.Errorf("%s is %v", name, v)
				}
			}
		}
	})
}
