package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// judged is one cell under one claim.
type judged struct {
	cell    *result.Cell
	verdict *result.CellVerdict
}

// worstFirst lists the cells of a claim by verdict, then by how far the prediction is
// off; cells that are alike stay in their order.
func worstFirst(e *result.Experiment, claim int) []judged {
	list := make([]judged, 0, len(e.Cells))
	for i := range e.Cells {
		if v := e.Cells[i].Verdict(claim); v != nil {
			list = append(list, judged{&e.Cells[i], v})
		}
	}
	slices.SortStableFunc(list, func(a, b judged) int {
		return cmp.Or(cmp.Compare(b.verdict.Verdict.Rank(), a.verdict.Verdict.Rank()),
			cmp.Compare(distance(b.verdict.Evidence), distance(a.verdict.Evidence)))
	})
	return list
}

func distance(e *spec.Evidence) float64 {
	if e == nil || e.Error == nil {
		return 0
	}
	return math.Abs(*e.Error)
}

// entries are one row's figures: predicted, measured, interval, error and sample.
func entries(e *spec.Evidence, unit metric.Unit) []string {
	row := []string{"", "", "", "", ""}
	if e == nil {
		return row
	}
	if e.Predicted != nil {
		row[0] = value(*e.Predicted, unit)
	}
	row[1] = value(e.Measured, unit)
	switch {
	case e.Low == nil || e.High == nil:
	case *e.Low == *e.High:
		row[2] = "no spread"
	default:
		row[2] = value(*e.Low, unit) + ".." + value(*e.High, unit)
	}
	if e.Error != nil {
		row[3] = signed(*e.Error)
	}
	row[4] = sample(e)
	return row
}

// sample writes "3 in 1" for three runs in one start; recorded data has no starts.
func sample(e *spec.Evidence) string {
	if e.Starts == 0 {
		return strconv.Itoa(e.Runs)
	}
	return strconv.Itoa(e.Runs) + " in " + strconv.Itoa(e.Starts)
}

// interval heads the column of intervals, with their level where there are any.
func interval(list []judged) string {
	for _, x := range list {
		if x.verdict.Evidence != nil && x.verdict.Evidence.Low != nil {
			return levelled(x.verdict.Evidence)
		}
	}
	return "interval"
}

// levelled names an interval by its level.
func levelled(e *spec.Evidence) string {
	return string(metric.AppendPercent(nil, math.Round(e.Level*1000)/1000)) + " interval"
}

// common are the marks that all these verdicts carry.
func common(list []judged) []string {
	if len(list) == 0 {
		return nil
	}
	marks := slices.Clone(list[0].verdict.Marks)
	for _, x := range list[1:] {
		marks = slices.DeleteFunc(marks, func(m string) bool { return !slices.Contains(x.verdict.Marks, m) })
	}
	return marks
}

// marksBut writes the marks that are not in the list, in brackets.
func marksBut(marks, but []string) string {
	rest := slices.DeleteFunc(slices.Clone(marks), func(m string) bool { return slices.Contains(but, m) })
	if len(rest) == 0 {
		return ""
	}
	return " [" + tty.Clean(strings.Join(rest, ", ")) + "]"
}

// notes are the marks of single cells: a letter each in the table, explained below it.
type notes struct {
	marks  []string
	shared []string // said above the table
}

func notesOf(list []judged, shared []string) notes {
	n := notes{shared: shared}
	for _, x := range list {
		for _, mark := range x.verdict.Marks {
			if !slices.Contains(shared, mark) && !slices.Contains(n.marks, mark) {
				n.marks = append(n.marks, mark)
			}
		}
	}
	return n
}

// letters are the notes of one cell.
func (n notes) letters(marks []string) string {
	var letters []string
	for i, mark := range n.marks {
		if slices.Contains(marks, mark) {
			letters = append(letters, letter(i))
		}
	}
	return strings.Join(letters, ",")
}

// letter counts a, b ... z, then 27, 28 ...
func letter(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return strconv.Itoa(i + 1)
}

func (n notes) legend() string {
	parts := make([]string, len(n.marks))
	for i, mark := range n.marks {
		parts[i] = letter(i) + " " + tty.Clean(mark)
	}
	return strings.Join(parts, ", ")
}

// cellTable is the table of a claim's cells. Columns that all cells leave empty are
// left out.
func cellTable(list []judged, unit metric.Unit, names naming, n notes) *table {
	full := table{columns: []column{{}, {head: "cell", shrink: true}, {head: "predicted", right: true}, {head: "measured", right: true},
		{head: interval(list), right: true}, {head: "error", right: true}, {head: "runs", right: true}, {head: "notes"}}}
	for _, x := range list {
		row := append([]string{symbol(x.verdict.Verdict), names.name(x.cell)}, entries(x.verdict.Evidence, unit)...)
		full.add(append(row, n.letters(x.verdict.Marks))...)
	}
	return full.withoutEmpty()
}

// naming tells cells apart by the axes that vary among them.
type naming struct {
	shared []spec.Setting  // axes that all cells have alike
	vary   map[string]bool // of a single cell all axes
	brief  bool            // the axes go by their usual abbreviations, for want of room
}

// roomy is the longest name that spells its axes out.
const roomy = 44

func namingOf(cells []result.Cell) naming {
	if len(cells) == 0 {
		return naming{}
	}
	n := naming{vary: make(map[string]bool)}
	for _, axis := range cells[0].Axes {
		if len(cells) > 1 && alike(cells, axis) {
			n.shared = append(n.shared, axis)
		}
	}
	for i := range cells {
		for _, axis := range cells[i].Axes {
			if !slices.ContainsFunc(n.shared, func(s spec.Setting) bool { return s.Name == axis.Name }) {
				n.vary[axis.Name] = true
			}
		}
	}
	for i := range cells {
		n.brief = n.brief || utf8.RuneCountInString(n.name(&cells[i])) > roomy
	}
	return n
}

// abbreviation is what the field calls an axis for short: isl, osl, tp.
func abbreviation(axis string) string {
	switch axis {
	case "concurrency":
		return "c"
	case "input_tokens":
		return "isl"
	case "output_tokens":
		return "osl"
	case spec.ItemTensorParallel:
		return "tp"
	case spec.ItemPipelineParallel:
		return "pp"
	case spec.ItemAttentionDataParallel:
		return "dp"
	case spec.ItemMoETensorParallel:
		return "moe_tp"
	case spec.ItemMoEExpertParallel:
		return "ep"
	}
	return axis
}

func alike(cells []result.Cell, axis spec.Setting) bool {
	for i := range cells {
		at := slices.IndexFunc(cells[i].Axes, func(s spec.Setting) bool { return s.Name == axis.Name })
		if at < 0 || !cells[i].Axes[at].Value.Equal(axis.Value) {
			return false
		}
	}
	return true
}

// name is the cell's short name among the cells of its experiment.
func (n naming) name(c *result.Cell) string {
	if n.vary == nil {
		return tty.Clean(cmp.Or(c.Key, c.Address))
	}
	var parts []string
	for _, axis := range c.Axes {
		if n.vary[axis.Name] {
			parts = append(parts, n.axis(axis.Name)+"="+axis.Value.String())
		}
	}
	return tty.Clean(cmp.Or(strings.Join(parts, ","), c.Key, c.Address))
}

func (n naming) axis(name string) string {
	if n.brief {
		return abbreviation(name)
	}
	return name
}
