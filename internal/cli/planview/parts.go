package planview

import (
	"strings"

	"aicv/engine"
	"aicv/metric"
)

// deployments lists what is brought up, and which cells share it.
func (t *text) deployments() {
	all := t.plan.Deployments
	if len(all) == 0 {
		return
	}
	t.line("%s: %s, one at a time on each host", t.bold("Deployments"), metric.Whole(len(all)))
	shown := t.limit(len(all))
	for i := range all[:shown] {
		d := &all[i]
		facts := []string{metric.Count(len(d.Cells), "cell")}
		if d.Starts > 1 {
			facts = append(facts, metric.Count(d.Starts, "start"))
		}
		if d.GPUs > 0 {
			facts = append(facts, metric.Count(d.GPUs, "GPU"))
		}
		facts = append(facts, costFacts(d.Cost)...)
		t.wrapped(signNew, d.Address+" ("+strings.Join(facts, ", ")+"): "+t.keys(d.Cells))
	}
	t.more(len(all)-shown, "deployments")
	t.line("")
}

// keys lists the cells of a deployment, shortened.
func (t *text) keys(cells []int) string {
	return t.shortened(len(cells), "; ", func(i int) string {
		c := &t.plan.Cells[cells[i]].Cell
		return c.Experiment + ":" + c.Key()
	})
}

// shortened joins what a list of n holds, shortened to the first few.
func (t *text) shortened(n int, separator string, item func(i int) string) string {
	const most = 4
	shown := n
	if !t.options.All {
		shown = min(n, most)
	}
	items := make([]string, shown, shown+1)
	for i := range items {
		items[i] = item(i)
	}
	if n > shown {
		items = append(items, "and "+metric.Whole(n-shown)+" more")
	}
	return strings.Join(items, separator)
}

func (t *text) gone() {
	if len(t.plan.Gone) == 0 {
		return
	}
	t.line("%s: %s in the state that no cell asks for any more; they stay in history", t.bold("Gone"), metric.Count(len(t.plan.Gone), "measurement"))
	shown := t.limit(len(t.plan.Gone))
	for _, g := range t.plan.Gone[:shown] {
		address := g.Address
		if address == "" {
			address = string(g.Measurement)
		}
		t.wrapped(signGone, address+" ("+metric.Count(g.Runs, "run")+")")
	}
	t.more(len(t.plan.Gone)-shown, "measurements")
	t.line("")
}

// undecidable lists claims that no run will decide, cells with one reason together.
func (t *text) undecidable() {
	if len(t.plan.Undecidable) == 0 {
		return
	}
	keyOf := func(u engine.Undecidable) string { return strings.Join(u.Claims, "\n") + "\n" + u.Why }
	var order []engine.Undecidable // the first of each reason
	cells := map[string]int{}
	for _, u := range t.plan.Undecidable {
		if cells[keyOf(u)]++; cells[keyOf(u)] == 1 {
			order = append(order, u)
		}
	}
	t.line("%s", t.bold("Can not be decided")+":")
	shown := t.limit(len(order))
	for _, u := range order[:shown] {
		where := u.Cell
		if n := cells[keyOf(u)]; n > 1 {
			where = metric.Count(n, "cell")
		}
		t.wrapped(signDoubt, t.claims(u.Claims)+" on "+where+": "+u.Why)
	}
	t.more(len(order)-shown, "reasons")
	t.line("")
}

// claims lists claims, shortened.
func (t *text) claims(texts []string) string {
	return t.shortened(len(texts), ", ", func(i int) string { return `"` + texts[i] + `"` })
}

func (t *text) findings() {
	if len(t.plan.Findings) == 0 {
		return
	}
	t.line("%s", t.bold("Findings")+":")
	shown := t.limit(len(t.plan.Findings))
	for _, f := range t.plan.Findings[:shown] {
		t.wrapped(signNote, string(f.Severity)+": "+f.Message)
	}
	t.more(len(t.plan.Findings)-shown, "findings")
	t.line("")
}

// summary counts what becomes of the cells, and says what that costs.
func (t *text) summary() {
	s := Summarize(t.plan)
	if !t.plan.Changes() {
		t.titled("No changes.", "Nothing to measure and nothing to judge: "+s.String()+".")
		return
	}
	t.titled("Plan:", s.String()+".")
	t.titled("Cost:", costText(t.plan.Cost)+".")
}

func (t *text) titled(title, paragraph string) {
	_, _ = t.out.WriteString(t.bold(title) + " ")
	t.flow(width(title)+1, width(title)+1, paragraph)
}

// Summary counts the cells of a plan by what becomes of them.
type Summary struct {
	New      int `json:"new"`
	Continue int `json:"continue"`
	Rerun    int `json:"rerun"`
	Rejudge  int `json:"rejudge"`
	Kept     int `json:"kept"`
	Refused  int `json:"refused"` // not deployed, because they do not fit
	Excluded int `json:"excluded"`
	Gone     int `json:"gone"`
}

// Summarize counts.
func Summarize(p *engine.Plan) Summary {
	s := Summary{Gone: len(p.Gone)}
	for i := range p.Cells {
		c := &p.Cells[i]
		switch {
		case c.Excluded:
			s.Excluded++
		case c.Action == engine.ActionNew:
			s.New++
		case c.Action == engine.ActionContinue:
			s.Continue++
		case c.Action == engine.ActionRerun:
			s.Rerun++
		case c.Action == engine.ActionRejudge:
			s.Rejudge++
		case c.Action == engine.ActionKept:
			s.Kept++
		case c.Action == engine.ActionRefused:
			s.Refused++
		}
	}
	return s
}

// String lists the counts that are not zero.
func (s Summary) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{s.New, "new"}, {s.Continue, "to continue"}, {s.Rerun, "to measure again"}, {s.Rejudge, "to re-judge"},
		{s.Kept, "kept"}, {s.Refused, "not deployed"}, {s.Excluded, "left out"}, {s.Gone, "gone"},
	} {
		if part.n > 0 {
			parts = append(parts, metric.Whole(part.n)+" "+part.text)
		}
	}
	if len(parts) == 0 {
		return "no cells"
	}
	return strings.Join(parts, ", ")
}
