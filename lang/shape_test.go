package lang

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

func TestTrafficAndLengths(t *testing.T) {
	for text, want := range map[string]spec.Load{
		"D(4000,1000)":           {InputTokens: 4000, OutputTokens: 1000},
		"N(480,240)/(300,150)":   {InputTokens: 480, OutputTokens: 300, Shape: spec.Shape{Input: spec.Spread{Kind: spec.SpreadNormal, Deviation: 240}, Output: spec.Spread{Kind: spec.SpreadNormal, Deviation: 150}}},
		"N(480,0)/(300,0)":       {InputTokens: 480, OutputTokens: 300},
		"U(100,300)/(50,150)":    {InputTokens: 200, OutputTokens: 100, Shape: spec.Shape{Input: spec.Spread{Kind: spec.SpreadUniform, Low: 100, High: 300}, Output: spec.Spread{Kind: spec.SpreadUniform, Low: 50, High: 150}}},
		"U(99,49)":               {InputTokens: 50, OutputTokens: 25, Shape: spec.Shape{Input: spec.Spread{Kind: spec.SpreadUniform, Low: 1, High: 99}, Output: spec.Spread{Kind: spec.SpreadUniform, Low: 1, High: 49}}},
		"U(100,100)/(50,50)":     {InputTokens: 100, OutputTokens: 50},
		"D(0,1)":                 {},
		"D(1,2)/(3,4)":           {},
		"N(1,2)":                 {},
		"U(300,100)/(1,2)":       {},
		"E(10)":                  {},
		"D(-1,2)":                {},
		"D(9999999999,1)":        {},
		"N(480,240) / (300,150)": {},
	} {
		var w workload
		err := w.setTraffic(text)
		if want == (spec.Load{}) {
			if err == nil {
				t.Errorf("%s is %+v", text, w.load)
			}
			continue
		}
		if err != nil || w.load != want {
			t.Errorf("%s is %+v, %v; want %+v", text, w.load, err, want)
		}
	}
	for text, want := range map[string]spec.Spread{
		"normal(100,20)": {Kind: spec.SpreadNormal, Deviation: 20}, "lognormal(100, 200)": {Kind: spec.SpreadLognormal, Deviation: 200},
		"uniform(50,150)": {Kind: spec.SpreadUniform, Low: 50, High: 150}, "normal(100,0)": {},
	} {
		mean, spread := 0, spec.Spread{}
		if err := setLengths(text, &mean, &spread); err != nil || spread != want || mean != 100 {
			t.Errorf("%s is %d %+v, %v", text, mean, spread, err)
		}
	}
	for _, text := range []string{"", "normal(0,1)", "uniform(3,2)", "zipf(1,2)", "normal(1)", "normal(100,20", "lognormal(999999999,1)"} {
		mean, spread := 0, spec.Spread{}
		if err := setLengths(text, &mean, &spread); err == nil {
			t.Errorf("%q is %d %+v", text, mean, spread)
		}
	}
}

// loadSuite loads a suite whose workload has the attributes given.
func loadSuite(t *testing.T, dir, attributes string) (*spec.Suite, string) {
	t.Helper()
	text := "model \"m\" { id = \"x\" }\nruntime \"sim\" \"s\" {}\nworkload \"w\" {\n" + attributes + "\n}\nexperiment \"e\" {\n assert \"a\" { expect = [\"ttft < 1s\"] }\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
	var problems strings.Builder
	for _, d := range diags {
		if d.Severity == spec.SeverityError {
			problems.WriteString(d.Summary + ": " + d.Detail + "\n")
		}
	}
	if loaded == nil {
		return nil, problems.String()
	}
	return loaded.Suite, problems.String()
}

func TestShapesOfWorkloads(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.jsonl"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	suite, problems := loadSuite(t, dir, "input_lengths = \"lognormal(400,200)\"\noutput_tokens = 10\nrequest_rate = 2\narrivals = \"gamma\"\nburstiness = 0.5\nshared_prefix = \"50%\"")
	if problems != "" {
		t.Fatal(problems)
	}
	want := spec.Load{RequestRate: metric.MustDecimal("2"), InputTokens: 400, OutputTokens: 10, Shape: spec.Shape{Input: spec.Spread{Kind: spec.SpreadLognormal, Deviation: 200},
		Arrivals: spec.ArrivalsGamma, Burstiness: metric.MustDecimal("0.5"), SharedPrefix: metric.MustDecimal("0.5")}}
	cell := suite.Experiments[0].Cells[0]
	if cell.Load != want {
		t.Errorf("%+v, want %+v", cell.Load, want)
	}
	plain := cell
	plain.Load.Shape = spec.Shape{}
	if plain.MeasurementID() == cell.MeasurementID() {
		t.Error("the shape is no part of the measurement's identity")
	}
	suite, problems = loadSuite(t, dir, "dataset = \"p.jsonl\"\nconcurrency = 2")
	if problems != "" || suite.Experiments[0].Cells[0].Load.Shape.DatasetHash == "" {
		t.Fatal(problems)
	}
	first := suite.Experiments[0].Cells[0].MeasurementID()
	if err := os.WriteFile(filepath.Join(dir, "p.jsonl"), []byte("{ }"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, _ := loadSuite(t, dir, "dataset = \"p.jsonl\"\nconcurrency = 2")
	if again.Experiments[0].Cells[0].MeasurementID() == first || again.InputHash == suite.InputHash {
		t.Error("a dataset with another content is the same measurement")
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	for attributes, problem := range map[string]string{
		"traffic = \"D(1,2)\"\nconcurrency = 1\ndataset = \"pipe.jsonl\"":                       "The dataset can not be used",
		"traffic = \"D(1,2)\"\ninput_lengths = \"normal(9,1)\"\nconcurrency = 1":                "Lengths are given twice",
		"input_tokens = 1\ninput_lengths = \"normal(9,1)\"\noutput_tokens = 1\nconcurrency = 1": "Lengths are given twice",
		"traffic = \"D(1,2)\"\nconcurrency = 1\narrivals = \"poisson\"":                         "Arrivals without a rate",
		"traffic = \"D(1,2)\"\nrequest_rate = 1\nburstiness = 2":                                "Burstiness without gamma",
		"traffic = \"D(1,2)\"\nrequest_rate = 1\nbatch = \"static\"":                            "A static batch at a rate",
		"traffic = \"D(1,2)\"\nconcurrency = 1\ndataset = \"p.jsonl\"\nshared_prefix = \"10%\"": "A dataset with generated prompts",
		"traffic = \"D(1,2)\"\nconcurrency = 1\ndataset = \"no.jsonl\"":                         "The dataset can not be used",
		"traffic = \"D(1,2)\"\nconcurrency = 1\ndataset = \"p.txt\"":                            "The dataset can not be used",
		"traffic = \"P(1,2)\"\nconcurrency = 1":                                                 "Wrong value for traffic",
		"input_lengths = \"zipf(1)\"\noutput_tokens = 1\nconcurrency = 1":                       "Wrong value for input_lengths",
		"traffic = \"D(1,2)\"\nrequest_rate = 1\narrivals = \"gamma\"\nburstiness = 0":          "Wrong value for burstiness",
	} {
		if _, got := loadSuite(t, dir, attributes); !strings.Contains(got, problem) {
			t.Errorf("%s: %q lacks %q", attributes, got, problem)
		}
	}
}
