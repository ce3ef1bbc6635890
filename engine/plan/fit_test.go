package plan

import (
	"bytes"
	"strings"
	"testing"

	"aicv/catalog/fit"
	"aicv/engine"
	"aicv/spec"
)

// fitWorld deploys a model of 70 billion parameters on GPUs of 80 GiB.
func fitWorld() *world {
	w := newWorld()
	w.rendersGPUs = 1
	w.model.ID = "meta-llama/Meta-Llama-3.1-70B"
	w.hardware.System, w.hardware.Memory = "h100_sxm", 80<<30
	return w
}

// What does not fit is not deployed, and its claims say why; the rest is measured.
func TestWhatDoesNotFitIsNotDeployed(t *testing.T) {
	w := fitWorld()
	w.experiment("e", []int{1, 3, 4}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
	p := w.build(t)
	for i, want := range []engine.Action{engine.ActionRefused, engine.ActionRefused, engine.ActionNew} {
		c := &p.Cells[i]
		if c.Action != want || (c.RunsMax == 0) != (want == engine.ActionRefused) || (c.Withheld() == "") != (want == engine.ActionNew) {
			t.Errorf("cell %d: %s, %d runs, withheld %q, want %s", i, c.Action, c.RunsMax, c.Withheld(), want)
		}
	}
	if p.Cells[0].Fit.Verdict != fit.DoesNotFit || p.Cells[2].Fit.Verdict != fit.Fits || len(p.Deployments) != 1 || p.Cost.RunsMax != 3 {
		t.Errorf("%+v %+v, %d deployments, %+v", p.Cells[0].Fit, p.Cells[2].Fit, len(p.Deployments), p.Cost)
	}
	if len(p.Undecidable) != 2 || p.Undecidable[1].Why != "not deployed, because it does not fit on the GPUs" ||
		!strings.Contains(p.Cells[1].Withheld(), "64 attention heads can not be divided by 3") {
		t.Errorf("%+v", p.Undecidable)
	}
	w.suite.Experiments[0].Cells = w.suite.Experiments[0].Cells[:2]
	if w.build(t).Changes() {
		t.Error("a plan that deploys nothing has changes")
	}
}

// The arithmetic is saved with the plan, and a refusal without a reason is no plan.
func TestFitIsSaved(t *testing.T) {
	w := fitWorld()
	w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
	p := w.build(t)
	var file bytes.Buffer
	if err := Save(&file, p); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(&file)
	if err != nil || loaded.Cells[0].Fit == nil || loaded.Cells[0].Withheld() != p.Cells[0].Withheld() || *loaded.Cells[0].Fit.Memory != *p.Cells[0].Fit.Memory {
		t.Fatalf("%v", err)
	}
	p.Cells[0].Fit = nil
	if err := Save(&file, p); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(&file); err == nil {
		t.Error("a refusal without a reason is taken")
	}
}

func TestWhatIsDeployedAllTheSame(t *testing.T) {
	for name, change := range map[string]func(*world, *spec.Experiment){
		"asked for":        func(_ *world, e *spec.Experiment) { e.DeployUnfit = true },
		"no GPUs":          func(w *world, _ *spec.Experiment) { w.rendersGPUs = 0 },
		"somebody else's":  func(w *world, _ *spec.Experiment) { w.managed = false },
		"unknown model":    func(w *world, _ *spec.Experiment) { w.model.ID = "nobody/knows" },
		"unknown hardware": func(w *world, _ *spec.Experiment) { w.hardware.Memory = 0 },
		"measured before":  measuredBefore,
	} {
		w := fitWorld()
		change(w, w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 5, Starts: 1}, within10("tpot")))
		p := w.build(t)
		if c := &p.Cells[0]; c.RunsMax == 0 || c.Withheld() != "" {
			t.Errorf("%s: %s: %s", name, c.Action, c.Why)
		}
		if unknown := strings.HasPrefix(name, "unknown"); unknown && p.Cells[0].Fit.Verdict != fit.Unknown {
			t.Errorf("%s: %+v", name, p.Cells[0].Fit)
		}
	}
}

// measuredBefore gives the cell one run: it ran, whatever the estimate says.
func measuredBefore(w *world, e *spec.Experiment) {
	e.DeployUnfit = true
	p, err := w.tryBuild()
	if err != nil {
		panic(err)
	}
	w.state.add(p.Cells[0].Measurement, "a", spec.Run{Measurement: p.Cells[0].Measurement, Index: 1})
	e.DeployUnfit = false
}
