package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// wirePrediction is the answer for one point.
type wirePrediction struct {
	Point    *int                       `json:"point"`
	Values   map[string]json.RawMessage `json:"values"`
	Derived  []string                   `json:"derived"`
	Modelled map[string]json.RawMessage `json:"modelled"`
	Findings []wireFinding              `json:"findings"`
	Database string                     `json:"database"`
	Source   string                     `json:"source"`
	Missing  string                     `json:"missing"`
}

// prediction checks an answer and puts it into our own words.
func (w *wirePrediction) prediction(declared []metric.Name) (spec.Prediction, error) {
	p := spec.Prediction{Provenance: spec.Provenance{Database: tidy(w.Database), Source: tidy(w.Source)}, Missing: tidy(w.Missing)}
	switch {
	case w.Missing != "" && len(w.Values) > 0:
		return p, errors.New("it has values, and says that they are missing")
	case p.Missing == "" && len(w.Values) == 0:
		return p, errors.New("it has no values, and does not say why in missing")
	}
	values, err := figures(w.Values)
	if err != nil {
		return p, err
	}
	var unlisted []string
	for _, v := range values {
		if slices.Contains(declared, v.Metric) {
			p.Values = append(p.Values, v)
		} else {
			unlisted = append(unlisted, string(v.Metric))
		}
	}
	if len(unlisted) > 0 {
		p.Findings = append(p.Findings, spec.Finding{Check: "predictor_metrics", Severity: spec.FindingNote,
			Message: "answers that are not used, because metrics does not list them: " + strings.Join(unlisted, ", ")})
	}
	if len(p.Values) == 0 && p.Missing == "" {
		return p, fmt.Errorf("it has no value of the metrics that are declared: %s", joined(declared))
	}
	if p.Derived, err = w.derived(values, p.Values); err != nil {
		return p, err
	}
	modelled, wrong := settingsOf(w.Modelled)
	p.Modelled = modelled
	for _, what := range wrong {
		p.Findings = append(p.Findings, spec.Finding{Check: "predictor_modelled", Severity: spec.FindingWarn,
			Message: "an item that the answer assumed can not be compared: " + what})
	}
	findings, err := findingsOf(w.Findings)
	p.Findings = append(p.Findings, findings...)
	return p, err
}

// derived lists those of the used figures that the program computed from others.
func (w *wirePrediction) derived(given, used metric.Values) ([]metric.Name, error) {
	var names []metric.Name
	for _, text := range w.Derived {
		name := metric.Name(text)
		if _, there := given.Get(name); !there {
			return nil, fmt.Errorf("derived names %s, of which there is no value", excerpt([]byte(text)))
		}
		if _, there := used.Get(name); there && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func joined(names []metric.Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

// wireFinding is a finding as programs write it.
type wireFinding struct {
	Check    string   `json:"check"`
	Severity string   `json:"severity"`
	Message  string   `json:"message"`
	Metrics  []string `json:"metrics"`
}

// maxFindings bounds the findings of one point.
const maxFindings = 20

func findingsOf(list []wireFinding) ([]spec.Finding, error) {
	if len(list) > maxFindings {
		return nil, fmt.Errorf("it has %d findings, and %d are the most", len(list), maxFindings)
	}
	var findings []spec.Finding
	for i := range list {
		f, err := list[i].finding()
		if err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	return findings, nil
}

func (w *wireFinding) finding() (spec.Finding, error) {
	f := spec.Finding{Check: tidy(w.Check), Severity: spec.FindingSeverity(w.Severity), Message: tidy(w.Message)}
	known := []spec.FindingSeverity{spec.FindingNote, spec.FindingWarn, spec.FindingSpoils}
	switch {
	case f.Check == "" || f.Message == "":
		return f, errors.New("a finding lacks its check or its message")
	case !slices.Contains(known, f.Severity):
		return f, fmt.Errorf("a finding's severity is %s, and must be note, warn or not_comparable", excerpt([]byte(w.Severity)))
	}
	for _, name := range w.Metrics {
		if _, known := metric.Lookup(metric.Name(name)); !known {
			return f, fmt.Errorf("a finding names %s, which is no metric%s", excerpt([]byte(name)), meant(name, metric.Names()))
		}
		f.Metrics = append(f.Metrics, metric.Name(name))
	}
	return f, nil
}
