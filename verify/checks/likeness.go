package checks

import (
	"slices"
	"strings"

	"aicv/spec"
)

// Pair is a prediction beside the runs that it is held against.
type Pair struct {
	Config     spec.Configuration // that the suite asks for
	Load       spec.Load
	Version    string // of the engine that the suite asks for; empty: open
	Accept     []string
	Prediction *spec.Prediction // nil: none
	Runs       []spec.Run
}

// Likeness is how prediction and measurement compare.
type Likeness struct {
	Compared []spec.Comparison // every item that the suite or the prediction names
	Findings []spec.Finding
	Accepted bool // the suite accepts something that would be a finding
}

// Likeness compares the configurations, and the versions behind them.
func (r *Rules) Likeness(p Pair) Likeness {
	var modelled spec.Configuration
	if p.Prediction != nil {
		modelled = p.Prediction.Modelled
	}
	reports, l := reportsOf(p.Runs), Likeness{}
	if len(reports) > 0 || len(modelled) > 0 { // else there is nothing to compare with
		l.Compared = compareAll(p.Config, reports, modelled)
	}
	for i := range l.Compared {
		c := &l.Compared[i]
		c.Accepted = slices.Contains(p.Accept, c.Item)
		r.item(&l, c, &p, len(reports) > 0)
	}
	r.unknown(&l, p.Prediction != nil, len(reports) > 0)
	if p.Prediction != nil && len(p.Runs) > 0 && !saysSkew(p.Prediction) {
		r.version(&l, &p, reports)
	}
	return l
}

// Differing are the items that are not the same everywhere, with those that the suite
// accepts.
func (l *Likeness) Differing() []spec.Comparison {
	var list []spec.Comparison
	for _, c := range l.Compared {
		if c.RequestedEffective != spec.AgreeSame || c.EffectiveModelled != spec.AgreeSame {
			list = append(list, c)
		}
	}
	return list
}

// reportsOf lists what servers reported over the runs, each once.
func reportsOf(runs []spec.Run) []*spec.ServerReport {
	var reports []*spec.ServerReport
	for i := range runs {
		seen := runs[i].Result.Seen
		if seen == nil || seen.Server == nil {
			continue
		}
		known := slices.ContainsFunc(reports, func(r *spec.ServerReport) bool { return alike(r, seen.Server) })
		if !known {
			reports = append(reports, seen.Server)
		}
	}
	return reports
}

func alike(a, b *spec.ServerReport) bool {
	return a.Version == b.Version && sameSettings(a.Effective, b.Effective) && sameSettings(a.Changed, b.Changed) &&
		slices.Equal(a.Mapping, b.Mapping)
}

// sameSettings is quick for lists that are one, as those of the runs of one server are
// once the state gave them.
func sameSettings(a, b spec.Configuration) bool {
	if len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) {
		return true
	}
	return slices.EqualFunc(a, b, func(x, y spec.Setting) bool { return x.Name == y.Name && x.Value.Equal(y.Value) })
}

// compareAll compares with every report. Of an item the one stands that agrees least.
func compareAll(requested spec.Configuration, reports []*spec.ServerReport, modelled spec.Configuration) []spec.Comparison {
	if len(reports) == 0 {
		return spec.Compare(requested, nil, modelled)
	}
	list := spec.Compare(requested, reports[0], modelled)
	for _, report := range reports[1:] {
		for i, c := range spec.Compare(requested, report, modelled) {
			if disagreement(&c) > disagreement(&list[i]) {
				list[i] = c
			}
		}
	}
	return list
}

func disagreement(c *spec.Comparison) int {
	n := 0
	for _, a := range []spec.Agreement{c.RequestedEffective, c.EffectiveModelled} {
		switch a {
		case spec.AgreeDifferent:
			n += 3
		case spec.AgreeUnknown:
			n++
		}
	}
	return n
}

// The checks that say that the engine does not run what the suite asked for.
const (
	NotAsAsked  = "config_effective"
	Unsupported = "config_unsupported"
)

// item finds what stands against comparing one item.
func (r *Rules) item(l *Likeness, c *spec.Comparison, p *Pair, asked bool) {
	add := func(check, text string, severity spec.FindingSeverity) {
		if c.Accepted && severity != spec.FindingNote {
			severity, text, l.Accepted = spec.FindingNote, text+"; the suite accepts it", true
		}
		l.Findings = append(l.Findings, spec.Finding{Check: check, Severity: severity, Message: c.Item + ": " + text})
	}
	switch {
	case c.Fidelity == spec.FidelityUnsupported && c.RequestedEffective != spec.AgreeSame:
		add(Unsupported, sentence(c)+"; the engine has no flag for it"+because(c.Why), spec.FindingSpoils)
	case c.RequestedEffective == spec.AgreeDifferent && c.EffectiveModelled == spec.AgreeSame:
		add(NotAsAsked, sentence(c), spec.FindingWarn) // prediction and engine are of the same thing
	case c.RequestedEffective == spec.AgreeDifferent:
		add(NotAsAsked, sentence(c), weight(c, p, c.Effective, either(c.Modelled, c.Requested)))
	case c.EffectiveModelled == spec.AgreeDifferent:
		add("config_modelled", sentence(c), weight(c, p, c.Effective, c.Modelled))
	case c.RequestedModelled == spec.AgreeDifferent && c.EffectiveModelled == spec.AgreeUnknown:
		add("config_modelled", sentence(c), weight(c, p, c.Requested, c.Modelled))
	case c.Fidelity == spec.FidelityApproximate && c.RequestedEffective != spec.AgreeSame && asked:
		add("config_approximate", sentence(c)+"; the engine's flags express it only roughly"+because(c.Why), r.find("config_approximate").Severity)
	}
}

func either(a, b spec.Value) spec.Value {
	if a.IsNull() {
		return b
	}
	return a
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// sentence puts an item's values side by side.
func sentence(c *spec.Comparison) string {
	parts := []string{}
	for _, side := range []struct {
		v    spec.Value
		says string
	}{{c.Requested, " was asked for"}, {c.Effective, " is what the engine runs"}, {c.Modelled, " is what the prediction assumes"}} {
		if !side.v.IsNull() {
			parts = append(parts, side.v.String()+side.says)
		}
	}
	return strings.Join(parts, ", ")
}

// weight says what a difference comes to. Limits that the load does not reach can not
// matter; what only orders or bounds the work is a warning; everything else makes
// prediction and measurement unlike.
func weight(c *spec.Comparison, p *Pair, a, b spec.Value) spec.FindingSeverity {
	need := 0
	switch c.Item {
	case spec.ItemMaxSequenceLength:
		need = p.Load.InputTokens + p.Load.OutputTokens
	case spec.ItemMaxBatchSize:
		workers := p.Config.Size(spec.ItemReplicas) * p.Config.Size(spec.ItemAttentionDataParallel)
		need = (p.Load.Concurrency + workers - 1) / workers
	case spec.ItemSchedulePolicy, spec.ItemMemoryFraction:
		return spec.FindingWarn
	case spec.ItemPrefixCache:
		if countsHits(p.Runs) {
			return spec.FindingWarn // the hits themselves are checked
		}
	}
	x, isNumber := a.Int()
	y, bothNumbers := b.Int()
	if need > 0 && isNumber && bothNumbers && x >= need && y >= need {
		return spec.FindingNote
	}
	return spec.FindingSpoils
}

func countsHits(runs []spec.Run) bool {
	for i := range runs {
		seen := runs[i].Result.Seen
		if seen == nil || seen.Server == nil || seen.Server.After == nil || seen.Server.After.PrefixCacheHits == nil {
			return false
		}
	}
	return len(runs) > 0
}

// unknown says in one finding which items nobody knows: those asked for that the
// engine does not report, and those compared that the prediction does not name.
func (r *Rules) unknown(l *Likeness, predicted, asked bool) {
	var engine, prediction []string
	for i := range l.Compared {
		c := &l.Compared[i]
		if c.Accepted || c.Fidelity == spec.FidelityUnsupported {
			continue
		}
		if asked && c.RequestedEffective != spec.AgreeSame && c.RequestedEffective != spec.AgreeDifferent &&
			c.EffectiveModelled == spec.AgreeUnknown && c.Effective.IsNull() {
			engine = append(engine, c.Item)
		}
		if predicted && asked && c.Modelled.IsNull() && c.RequestedModelled == spec.AgreeUnknown {
			prediction = append(prediction, c.Item)
		}
	}
	rule := r.find("config_unknown")
	if len(engine) > 0 {
		l.Findings = append(l.Findings, spec.Finding{Check: "config_unknown", Severity: rule.Severity,
			Message: "the engine does not report " + strings.Join(engine, ", ")})
	}
	if len(prediction) > 0 {
		l.Findings = append(l.Findings, spec.Finding{Check: "assumptions_unknown", Severity: spec.FindingWarn,
			Message: "the prediction does not say what it assumes for " + strings.Join(prediction, ", ")})
	}
}

// saysSkew reports that the predictor has said it itself.
func saysSkew(p *spec.Prediction) bool {
	return slices.ContainsFunc(p.Findings, func(f spec.Finding) bool { return f.Check == "version_skew" })
}

// version compares the prediction's database with the engine, and the engine with what
// was asked for.
func (r *Rules) version(l *Likeness, p *Pair, reports []*spec.ServerReport) {
	severity := r.find("version_skew").Severity
	running := p.Version
	for _, report := range reports {
		if report.Version == "" {
			continue
		}
		running = report.Version
		if p.Version != "" && !sameVersion(p.Version, report.Version) {
			l.Findings = append(l.Findings, spec.Finding{Check: "version_skew", Severity: severity,
				Message: "version " + p.Version + " of the engine was asked for, " + report.Version + " runs"})
			break
		}
	}
	database := versionsIn(p.Prediction.Provenance.Database)
	if running == "" || len(database) == 0 || slices.ContainsFunc(database, func(v string) bool { return sameVersion(v, running) }) {
		return
	}
	l.Findings = append(l.Findings, spec.Finding{Check: "version_skew", Severity: severity,
		Message: "the prediction's database is of " + p.Prediction.Provenance.Database + ", the engine is " + running})
}

// versionsIn finds the words of a text that are versions: "sglang 0.5.14 (silicon)".
func versionsIn(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;:/()[]@=", r) })
	return slices.DeleteFunc(words, func(w string) bool {
		bare := strings.TrimPrefix(w, "v")
		return bare == "" || bare[0] < '0' || bare[0] > '9' || !strings.Contains(bare, ".")
	})
}

// sameVersion leaves out the leading v and what follows a plus sign.
func sameVersion(a, b string) bool {
	bare := func(s string) string {
		s, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "+")
		return s
	}
	return bare(a) == bare(b)
}
