package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/internal/cli"
)

// siliconDir is the example's folder.
func siliconDir() string {
	return filepath.Join("..", "..", "examples", "experiments", "h200-recorded")
}

// llamaDir is the example of a model that the predictor does not bundle.
func llamaDir() string {
	return filepath.Join("..", "..", "examples", "experiments", "h200-llama")
}

// TestSiliconTablesAreCurrent: the committed tables are what the script makes of the
// published sample.
func TestSiliconTablesAreCurrent(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(root, "..", "shared", "fixtures", "measured", "aic_silicon")
	if _, err := os.Stat(from); err != nil {
		t.Skipf("the published sample is not beside the repository: %v", err)
	}
	for _, example := range []struct {
		dir   string
		flags []string
		files []string
	}{
		{siliconDir(), nil, []string{"measurements.csv", "predictions.csv"}},
		{llamaDir(), []string{"-llama"}, []string{"measurements.csv"}},
	} {
		to := t.TempDir()
		command := exec.Command("go", append([]string{"run", "./scripts/retabulate-silicon", "-from", from, "-to", to}, example.flags...)...)
		command.Dir = root
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, name := range example.files {
			want, err := os.ReadFile(filepath.Join(to, name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(example.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("%s of %s is not what scripts/retabulate-silicon makes (-want +got)\n%s", name, filepath.Base(example.dir), diff)
			}
		}
	}
}

// siliconReport is what the test reads of a report.
type siliconReport struct {
	ExitCode int `json:"exit_code"`
	Totals   struct {
		Cells, Runs int
		Claims      map[string]int
	}
	Experiments []struct {
		Name   string
		Claims []struct {
			Text, Severity string
			Counts         map[string]int
			Marks          []string
		}
		Cells []struct {
			Address  string
			Verdicts []struct {
				Claim   int
				Verdict string
			}
			Figures []struct {
				Metric string
				Error  *float64
			}
		}
	}
	Findings []struct{ Check, Message string }
}

// applySilicon applies a copy of the example and reads its report.
func applySilicon(t *testing.T, flags ...string) siliconReport {
	t.Helper()
	return applyExample(t, siliconDir(), flags...)
}

// applyExample applies a copy of an example, of which a claim must fail.
func applyExample(t *testing.T, example string, flags ...string) siliconReport {
	t.Helper()
	examples := t.TempDir()
	if err := os.CopyFS(examples, os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(examples, "experiments", filepath.Base(example))
	run := func(args ...string) (int, []byte, string) {
		var out, errs bytes.Buffer
		code := cli.Run(cli.Config{Registrations: registrations()}, args, cli.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs})
		return code, out.Bytes(), errs.String()
	}
	if code, out, errs := run(append([]string{"apply", dir}, flags...)...); code != 3 {
		t.Fatalf("apply left with %d, want 3\n%s%s", code, out, errs)
	}
	_, out, errs := run(append([]string{"report", dir, "--format", "json"}, flags...)...)
	var report siliconReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	return report
}

// TestSiliconExample pins what the example finds, and holds its README to it.
func TestSiliconExample(t *testing.T) {
	report := applySilicon(t)
	if report.ExitCode != 3 || report.Totals.Cells != 195 || report.Totals.Runs != 195 {
		t.Errorf("exit code %d, totals %+v", report.ExitCode, report.Totals)
	}
	if diff := cmp.Diff(map[string]int{"pass": 2, "fail": 28}, report.Totals.Claims); diff != "" {
		t.Errorf("claims (-want +got)\n%s", diff)
	}
	want := []string{
		"| `qwen3_32b` | 90 | 37 of 87, -10.8 % | 28 of 87, +13.2 % | 17 of 87, -45.1 % |",
		"| `gpt_oss_120b` | 51 | 41 of 51, -6.1 % | 39 of 51, +6.5 % | 10 of 51, -12.1 % |",
		"| `qwen3_235b` | 24 | 1 of 24, -21.5 % | 0 of 24, +33.8 % | 0 of 24, -60.9 % |",
		"| `deepseek_r1` | 15 | 2 of 15, +39.8 % | 2 of 15, -28.4 % | 0 of 15, -36.6 % |",
		"| `qwen3_5_397b` | 15 | 1 of 15, -30.5 % | 1 of 15, +44.3 % | 1 of 15, -60.6 % |",
	}
	got := siliconRows(report)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells that pass, and the median error (-want +got)\n%s", diff)
	}
	readme, err := os.ReadFile(filepath.Join(siliconDir(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range got {
		if !strings.Contains(string(readme), row+"\n") {
			t.Errorf("README.md lacks the line\n%s", row)
		}
	}
}

// TestRealSiliconLive: asked live, the predictor gives every cell the verdicts that its
// recorded answers give.
func TestRealSiliconLive(t *testing.T) {
	needAIConfigurator(t)
	recorded, live := verdictsOf(applySilicon(t)), verdictsOf(applySilicon(t, "--var", "predictor=live"))
	if len(recorded) != 195*6 {
		t.Errorf("%d verdicts, want 1170", len(recorded))
	}
	if diff := cmp.Diff(recorded, live); diff != "" {
		t.Errorf("verdicts (-recorded +live)\n%s", diff)
	}
}

// needAIConfigurator names the real tool to suites, or skips.
func needAIConfigurator(t *testing.T) {
	t.Helper()
	if os.Getenv("AICV_REAL") != "1" {
		t.Skip("set AICV_REAL=1 to run the tests of real tools, after scripts/real-tools")
	}
	if os.Getenv("AICV_AICONFIGURATOR") != "" {
		return
	}
	venv, err := filepath.Abs(filepath.Join("..", "..", ".tools", "aiconfigurator"))
	if _, statErr := os.Stat(venv); err != nil || statErr != nil {
		t.Skip("aiconfigurator is not installed: scripts/real-tools puts it into .tools, or set AICV_AICONFIGURATOR to its command or virtual environment")
	}
	t.Setenv("AICV_AICONFIGURATOR", venv)
}

// TestRealLlama: a model whose configuration the tool does not bundle is predicted from a
// config.json, every cell of it, and its README says what comes out.
func TestRealLlama(t *testing.T) {
	needAIConfigurator(t)
	report := applyExample(t, llamaDir())
	if report.ExitCode != 3 || report.Totals.Cells != 46 || report.Totals.Claims["fail"] != 3 {
		t.Errorf("exit code %d, totals %+v", report.ExitCode, report.Totals)
	}
	got := siliconRows(report)
	if want := []string{"| `llama` | 46 | 15 of 46, -15.6 % | 7 of 46, +18.6 % | 0 of 46, -84.1 % |"}; !slices.Equal(got, want) {
		t.Errorf("%v, and the README says %v", got, want)
	}
}

// verdictsOf lists the verdict of every claim on every cell.
func verdictsOf(report siliconReport) map[string]string {
	verdicts := map[string]string{}
	for _, e := range report.Experiments {
		for _, c := range e.Cells {
			for _, v := range c.Verdicts {
				verdicts[fmt.Sprintf("%s, claim %d", c.Address, v.Claim)] = v.Verdict
			}
		}
	}
	return verdicts
}

// siliconRows are the lines of the README's table.
func siliconRows(report siliconReport) []string {
	var rows []string
	for _, e := range report.Experiments {
		row := fmt.Sprintf("| `%s` | %d |", e.Name, len(e.Cells))
		for _, metric := range []string{"tpot", "throughput", "ttft"} {
			var errors []float64
			for _, c := range e.Cells {
				for _, f := range c.Figures {
					if f.Metric == metric && f.Error != nil {
						errors = append(errors, 100**f.Error)
					}
				}
			}
			passes, fails := 0, 0
			for _, c := range e.Claims {
				if c.Severity == "error" && strings.HasPrefix(c.Text, metric+" ") {
					passes, fails = c.Counts["pass"], c.Counts["fail"]
				}
			}
			row += fmt.Sprintf(" %d of %d, %+.1f %% |", passes, passes+fails, median(errors))
		}
		rows = append(rows, row)
	}
	return rows
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// TestSiliconSaysWhatItsFiguresAreWorth: single runs, derived throughput and what was
// merged or set aside stand beside the verdicts.
func TestSiliconSaysWhatItsFiguresAreWorth(t *testing.T) {
	report := applySilicon(t)
	for _, e := range report.Experiments {
		for _, c := range e.Claims {
			derived := strings.HasPrefix(c.Text, "throughput ")
			if !slices.Contains(c.Marks, "n=1") || slices.Contains(c.Marks, "derived") != derived {
				t.Errorf("%s: %q is marked %v", e.Name, c.Text, c.Marks)
			}
		}
	}
	for check, want := range map[string]string{
		"recorded_layout":  "15 rows set aside: the layout occupies 64 GPUs, the column gpus says 8; lines 212-226",
		"recorded_repeats": "15 rows that say exactly the same as another are merged into it",
	} {
		if !slices.ContainsFunc(report.Findings, func(f struct{ Check, Message string }) bool {
			return f.Check == check && strings.Contains(f.Message, want)
		}) {
			t.Errorf("no finding %s with %q", check, want)
		}
	}
}
