package gpu

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Links says how the GPUs of a host reach each other, by their indexes, in the tool's
// words: NV18 (18 NVLinks), PIX, PXB, PHB, NODE (ever more of PCIe), SYS (between
// processors).
type Links [][]string

const maxLinked = 256

// Between is the link of two GPUs; empty where it is not known.
func (l Links) Between(a, b int) string {
	if a < 0 || b < 0 || a >= len(l) || b >= len(l[a]) {
		return ""
	}
	return l[a][b]
}

// NVLinked reports whether all of some GPUs reach each other over NVLink.
func (l Links) NVLinked(indexes []int) bool {
	for _, a := range indexes {
		for _, b := range indexes {
			if a != b && nearness(l.Between(a, b)) < nearest {
				return false
			}
		}
	}
	return len(indexes) > 1
}

const nearest = 6

// nearness orders links: the larger the nearer; 0 for one that is not known.
func nearness(link string) int {
	if strings.HasPrefix(link, "NV") {
		return nearest
	}
	order := map[string]int{"PIX": 5, "PXB": 4, "PHB": 3, "NODE": 2, "SYS": 1, "SOC": 1}
	return order[link]
}

// queryLinks asks for the matrix of links.
func queryLinks(ctx context.Context, run Runner) (Links, error) {
	out, err := run(ctx, smi, "topo", "-m")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", smi, err)
	}
	return parseLinks(string(out))
}

// parseLinks reads the matrix: a header that names the columns, and a row per GPU, with
// tabs between the cells. Columns and rows of network cards are left out.
func parseLinks(text string) (Links, error) {
	text = regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(text, "") // the header is underlined
	columns, rows := []int(nil), map[int][]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if columns == nil {
			columns = gpuColumns(cells)
			continue
		}
		if row := gpuNumber(cells[0]); row >= 0 {
			rows[row] = cells
		}
	}
	return matrix(columns, rows)
}

// matrix sorts rows and columns by index.
func matrix(columns []int, rows map[int][]string) (Links, error) {
	size := 0
	for _, gpu := range columns {
		size = max(size, gpu+1)
	}
	if size == 0 || len(rows) == 0 {
		return nil, fmt.Errorf("%s: its matrix of links has no GPUs", smi)
	}
	links := make(Links, size)
	for row := range links {
		links[row] = make([]string, size)
		for at, gpu := range columns {
			if gpu >= 0 && at < len(rows[row]) && row != gpu {
				links[row][gpu] = link(rows[row][at])
			}
		}
	}
	return links, nil
}

// link keeps the tool's words for links and nothing else.
func link(cell string) string {
	if nearness(cell) > 0 && regexp.MustCompile(`^[A-Z]{2,4}[0-9]{0,3}$`).MatchString(cell) {
		return cell
	}
	return ""
}

// gpuColumns reads a header: which GPU each column is, -1 for others; nil where the line
// is none.
func gpuColumns(cells []string) []int {
	columns, header := make([]int, len(cells)), false
	for i, cell := range cells {
		columns[i] = gpuNumber(cell)
		header = header || columns[i] >= 0
	}
	if !header || gpuNumber(cells[0]) >= 0 {
		return nil
	}
	return columns
}

// gpuNumber reads "GPU3"; -1 for anything else.
func gpuNumber(cell string) int {
	text, isGPU := strings.CutPrefix(cell, "GPU")
	n, err := strconv.Atoi(text)
	if !isGPU || err != nil || n < 0 || n >= maxLinked || strings.HasPrefix(text, "+") {
		return -1
	}
	return n
}
