package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
)

//go:embed page.html
var page string

// HTML writes one self-contained page with every cell: no script, nothing from
// outside, and everything that comes from files or tools escaped.
func HTML(w io.Writer, r *result.Result) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	if err := t.Execute(w, htmlPageOf(r)); err != nil {
		return fmt.Errorf("write the HTML report: %w", err)
	}
	return nil
}

// htmlPage is what the template reads; its texts are clean, the template escapes them.
type htmlPage struct {
	Title, Standing, Class string
	ExitCode               int
	Totals, Identity       string
	Experiments            []htmlExperiment
	Findings               []htmlFinding
}

type htmlExperiment struct {
	Name, About, Shared string
	Claims              []htmlClaim
	Items               *htmlItems // nil: all sides are known to be the same
}

type htmlClaim struct {
	ID, Text, Unit, Badge, Class, Gate, Tally, Reason, Marks string
	Interval                                                 string
	Open                                                     bool // its cells are shown at once
	Cells                                                    []htmlCell
}

type htmlCell struct {
	Name, Badge, Class, Marks, Reason string
	Entries                           []string // predicted, measured, interval, error, runs
}

type htmlFinding struct {
	Label, Message string
	Cells          int
}

func htmlPageOf(r *result.Result) htmlPage {
	words, verdict := standing(r.Standing)
	p := htmlPage{Title: tty.Clean(r.Suite.Name), Standing: words, Class: string(verdict), ExitCode: r.ExitCode,
		Totals:   metric.Count(r.Totals.Cells, "cell") + ", " + metric.Count(r.Totals.Runs, "run") + tallied(r.Totals.Claims),
		Identity: fmt.Sprintf("inputs %.12s, state revision %d", tty.Clean(r.Suite.InputHash), r.Suite.StateRevision)}
	for i := range r.Experiments {
		p.Experiments = append(p.Experiments, htmlExperimentOf(&r.Experiments[i], i))
	}
	for _, f := range groupFindings(r) {
		p.Findings = append(p.Findings, htmlFinding{tty.Clean(f.label()), tty.Clean(f.Message), f.cells})
	}
	return p
}

func htmlExperimentOf(e *result.Experiment, number int) htmlExperiment {
	names := namingOf(e.Cells)
	out := htmlExperiment{Name: tty.Clean(e.Name), About: metric.Count(len(e.Cells), "cell") + ", " + repeats(e.Repeats), Shared: configuration(names.shared), Items: htmlItemsOf(e, names)}
	for i := range e.Claims {
		c := &e.Claims[i]
		list := worstFirst(e, i)
		claim := htmlClaim{ID: fmt.Sprintf("claim-%d-%d", number+1, i+1), Text: tty.Clean(c.Text), Unit: unitOf(c), Badge: badge(c.Verdict), Class: string(c.Verdict),
			Gate: gate(c), Tally: tally(c.Counts), Reason: tty.Clean(c.Reason), Marks: tty.Clean(strings.Join(c.Marks, ", ")), Interval: interval(list), Open: len(list) <= 50}
		for _, x := range list {
			claim.Cells = append(claim.Cells, htmlCell{Name: names.name(x.cell), Badge: badge(x.verdict.Verdict), Class: string(x.verdict.Verdict),
				Marks: tty.Clean(strings.Join(x.verdict.Marks, ", ")), Reason: tty.Clean(x.verdict.Reason), Entries: entries(x.verdict.Evidence, c.Unit)})
		}
		out.Claims = append(out.Claims, claim)
	}
	return out
}
