package report

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/result"
	"aicv/spec"
)

// TestJSONIsTheWholeResult: written in pieces it is what one call of the encoder gives.
func TestJSONIsTheWholeResult(t *testing.T) {
	odd := `"cells":[],"experiments":[] <&>` + "\n"
	several := builtFixture(t)
	several.Experiments = append(several.Experiments, several.Experiments[0], result.Experiment{Name: odd})
	for name, r := range map[string]*result.Result{
		"fixture": builtFixture(t),
		"several": several,
		"nothing": {},
		"empty":   {Experiments: []result.Experiment{}},
		"no cells": {Suite: result.Suite{Name: odd}, Experiments: []result.Experiment{{Name: odd, Cells: []result.Cell{}}, {Name: odd}},
			Findings: []spec.Finding{{Message: odd}}},
	} {
		t.Run(name, func(t *testing.T) {
			var want, got bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(r); err != nil {
				t.Fatal(err)
			}
			if err := JSON(&got, r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONOfWhatHasNone(t *testing.T) {
	r := builtFixture(t)
	r.Experiments[0].Cells[0].Figures = []result.Figure{{Evidence: spec.Evidence{Measured: math.NaN()}}}
	if err := JSON(&bytes.Buffer{}, r); err == nil {
		t.Error("NaN is no JSON, and there was no error")
	}
}
