package planview

import (
	"testing"

	"aicv/catalog/fit"
	"aicv/catalog/models"
	"aicv/engine"
	"aicv/internal/golden"
	"aicv/spec"
)

// fitted is a plan whose cells fit, are tight, do not fit, and are not known.
func fitted(t *testing.T) *engine.Plan {
	t.Helper()
	model, _, err := models.Describe(spec.Model{ID: "meta-llama/Meta-Llama-3.1-8B"})
	if err != nil {
		t.Fatal(err)
	}
	p := sample()
	p.Gone, p.Undecidable, p.Findings = nil, nil, nil
	for i, concurrency := range []int{8, 30, 40, 64, 0, 0} {
		q := fit.Question{Model: model, Runtime: "vllm", Hardware: &spec.Hardware{Name: "pool", System: "h100_sxm", GPUs: 1, Memory: 80 << 30}}
		if concurrency == 0 {
			q.Model, q.ModelUnknown = models.Description{}, `the table of models has no "nobody/knows"`
		}
		r := fit.Inspect(q).At(spec.Load{Concurrency: max(concurrency, 1), InputTokens: 15000, OutputTokens: 200})
		p.Cells[i].Fit = &r
		if r.Verdict == fit.DoesNotFit {
			p.Cells[i].Action, p.Cells[i].Why, p.Cells[i].RunsMin, p.Cells[i].RunsMax = engine.ActionRefused, "it does not fit on the GPUs", 0, 0
		}
	}
	return p
}

func TestFitIsShown(t *testing.T) {
	golden.Check(t, "fit.txt", written(t, fitted(t), Options{}))
	golden.Check(t, "fit-verbose.txt", written(t, fitted(t), Options{Verbose: true, Width: 120}))
}
