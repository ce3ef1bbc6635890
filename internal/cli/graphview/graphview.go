// Package graphview prints the execution graph of a plan as DOT, Mermaid or JSON.
package graphview

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// FormatVersion is the version of the JSON form.
const FormatVersion = "1.0"

// Write prints the graph in a format: dot, mermaid or json. Another one is an error
// that names these.
func Write(w io.Writer, p *engine.Plan, format string) error {
	out := bufio.NewWriter(w)
	var err error
	switch format {
	case "dot":
		writeDOT(out, p)
	case "mermaid":
		writeMermaid(out, p)
	case "json":
		err = writeJSON(out, p)
	default:
		return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("unknown graph format %q", format), Fix: "use dot, mermaid or json"}
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the graph: %w", err)
	}
	return nil
}

// label says what a node does.
func label(p *engine.Plan, n *engine.Node) string {
	switch n.Kind {
	case engine.NodeRun:
		return "run " + strconv.Itoa(int(n.Run)) + " of " + cellName(p, n.Cell)
	case engine.NodeGate:
		return "look after run " + strconv.Itoa(int(n.Run)) + " of " + cellName(p, n.Cell)
	case engine.NodeDeploy, engine.NodeStop:
		text := string(n.Kind) + " " + p.Deployments[n.Deployment].Address
		if p.Deployments[n.Deployment].Starts > 1 {
			text += " (start " + strconv.Itoa(int(n.Start)) + ")"
		}
		return text
	case engine.NodeInventory:
		if target := p.Cells[p.Deployments[n.Deployment].Cells[0]].Cell.Target; target != nil {
			return "inventory of " + target.Address()
		}
	}
	return string(n.Kind)
}

func cellName(p *engine.Plan, cell int32) string {
	c := &p.Cells[cell].Cell
	return c.Experiment + ":" + c.Key()
}

// span is the nodes of one start of one deployment: they stand together.
type span struct {
	title       string
	first, last int
}

// spans finds the starts; other nodes stand alone, without a title.
func spans(p *engine.Plan) []span {
	var all []span
	nodes := p.Graph.Nodes
	for i := 0; i < len(nodes); {
		n := &nodes[i]
		s := span{first: i, last: i}
		if n.Start > 0 && n.Deployment >= 0 {
			s.title = p.Deployments[n.Deployment].Address + ", start " + strconv.Itoa(int(n.Start))
			for s.last+1 < len(nodes) && nodes[s.last+1].Deployment == n.Deployment && nodes[s.last+1].Start == n.Start {
				s.last++
			}
		}
		all = append(all, s)
		i = s.last + 1
	}
	return all
}

func writeDOT(out *bufio.Writer, p *engine.Plan) {
	line := func(parts ...string) { writeLine(out, parts...) }
	line("digraph plan {")
	line("  rankdir=LR;")
	line("  node [shape=box, fontname=\"sans-serif\"];")
	for i, s := range spans(p) {
		indent := "  "
		if s.title != "" {
			line("  subgraph cluster_", strconv.Itoa(i), " {")
			line("    label=", quoteDOT(s.title), ";")
			indent = "    "
		}
		for id := s.first; id <= s.last; id++ {
			line(indent, nodeName(id), " [label=", quoteDOT(label(p, &p.Graph.Nodes[id])), ", shape=", shapeOf(p.Graph.Nodes[id].Kind), "];")
		}
		if s.title != "" {
			line("  }")
		}
	}
	for id := range p.Graph.Nodes {
		for _, before := range p.Graph.Nodes[id].After {
			line("  ", nodeName(int(before)), " -> ", nodeName(id), ";")
		}
	}
	line("}")
}

func shapeOf(kind engine.NodeKind) string {
	switch kind {
	case engine.NodeGate:
		return "diamond"
	case engine.NodeJudge:
		return "doubleoctagon"
	case engine.NodeDeploy, engine.NodeStop:
		return "house"
	}
	return "box"
}

func writeMermaid(out *bufio.Writer, p *engine.Plan) {
	line := func(parts ...string) { writeLine(out, parts...) }
	line("flowchart TD")
	for i, s := range spans(p) {
		if s.title != "" {
			line("  subgraph s", strconv.Itoa(i), "[", quoteMermaid(s.title), "]")
		}
		for id := s.first; id <= s.last; id++ {
			opening, closing := "[", "]"
			if p.Graph.Nodes[id].Kind == engine.NodeGate {
				opening, closing = "{", "}"
			}
			line("    ", nodeName(id), opening, quoteMermaid(label(p, &p.Graph.Nodes[id])), closing)
		}
		if s.title != "" {
			line("  end")
		}
	}
	for id := range p.Graph.Nodes {
		for _, before := range p.Graph.Nodes[id].After {
			line("  ", nodeName(int(before)), " --> ", nodeName(id))
		}
	}
}

// writeLine relies on the buffered writer, which keeps its first error until Flush.
func writeLine(out *bufio.Writer, parts ...string) {
	for _, part := range parts {
		_, _ = out.WriteString(part)
	}
	_ = out.WriteByte('\n')
}

func nodeName(id int) string { return "n" + strconv.Itoa(id) }

func quoteDOT(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func quoteMermaid(text string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "#", "#35;", "\n", " ").Replace(text) + `"`
}

// document is the JSON form.
type document struct {
	FormatVersion string         `json:"format_version"`
	Plan          spec.ID        `json:"plan"`
	Hosts         []string       `json:"hosts"`
	Nodes         []documentNode `json:"nodes"`
}

type documentNode struct {
	ID         int             `json:"id"`
	Kind       engine.NodeKind `json:"kind"`
	Label      string          `json:"label"`
	Deployment string          `json:"deployment,omitempty"`
	Cell       string          `json:"cell,omitempty"`
	Start      int32           `json:"start,omitempty"`
	Run        int32           `json:"run,omitempty"`
	Exclusive  string          `json:"exclusive,omitempty"`
	After      []int32         `json:"after"`
}

func writeJSON(out io.Writer, p *engine.Plan) error {
	d := document{FormatVersion: FormatVersion, Plan: p.ID, Hosts: p.Hosts, Nodes: make([]documentNode, len(p.Graph.Nodes))}
	if d.Hosts == nil {
		d.Hosts = []string{}
	}
	for i := range p.Graph.Nodes {
		n := &p.Graph.Nodes[i]
		node := documentNode{ID: i, Kind: n.Kind, Label: label(p, n), Start: n.Start, Run: n.Run, After: n.After}
		if node.After == nil {
			node.After = []int32{}
		}
		if n.Deployment >= 0 {
			node.Deployment = p.Deployments[n.Deployment].Address
		}
		if n.Cell >= 0 {
			node.Cell = p.Cells[n.Cell].Cell.Address()
		}
		if n.Exclusive >= 0 {
			node.Exclusive = p.Hosts[n.Exclusive]
		}
		d.Nodes[i] = node
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}
