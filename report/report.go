// Package report writes results for people and programs: text, Markdown, HTML, JSON,
// CSV and JUnit XML. It reads the result alone.
package report

// Options say how a text report is written.
type Options struct {
	Color bool // terminal colours
	Width int  // columns; 0: 100
	All   bool // every cell and finding, however many there are
}

// shown is how many cells or findings a short report lists, the worst first.
const shown = 10

// width is the number of columns to fill.
func (o Options) width() int {
	if o.Width <= 0 {
		return 100
	}
	return o.Width
}
