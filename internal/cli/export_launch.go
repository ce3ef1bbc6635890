package cli

import (
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
	"aicv/translate"
	"aicv/translate/launch"
)

// exportLaunch writes the commands that would start the cells' servers, as the runtimes
// themselves render them.
func (a *app) exportLaunch(p place, cells []spec.Cell) ([]byte, *translate.Report, error) {
	registry, err := a.registry(p)
	if err != nil {
		return nil, nil, err
	}
	report := &translate.Report{Format: launch.Format}
	var b strings.Builder
	for _, group := range deployments(cells) {
		c := &group[0]
		runtime, err := registry.Runtime(c.Runtime)
		if err != nil {
			return nil, nil, err
		}
		server, items, err := runtime.Render(spec.RenderRequest{Model: *c.Model, Hardware: c.Hardware, Config: c.Config})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Address(), err)
		}
		writeLaunch(&b, group, server)
		for _, m := range items {
			report.Add(translate.Row{Entry: c.Address(), Field: m.Flag, Item: m.Item, Value: asked(c.Config.Get(m.Item)), Fidelity: m.Fidelity, Why: m.Why})
		}
	}
	return []byte(b.String()), report, nil
}

// asked is an item's value; one that the suite leaves open, such as prefix_cache, has none.
func asked(v spec.Value) string {
	if v.IsNull() {
		return "(not set)"
	}
	return v.String()
}

// deployments groups cells that one server answers: they differ in their load alone.
func deployments(cells []spec.Cell) [][]spec.Cell {
	var groups [][]spec.Cell
	for _, c := range cells {
		i := slices.IndexFunc(groups, func(g []spec.Cell) bool { return sameServer(&g[0], &c) })
		if i < 0 {
			groups = append(groups, []spec.Cell{c})
			continue
		}
		groups[i] = append(groups[i], c)
	}
	return groups
}

func sameServer(a, b *spec.Cell) bool {
	return a.Model == b.Model && a.Hardware == b.Hardware && a.Runtime == b.Runtime &&
		slices.EqualFunc(a.Config, b.Config, func(x, y spec.Setting) bool { return x.Name == y.Name && x.Value.Equal(y.Value) })
}

// writeLaunch writes one command, with the cells that it serves above it.
func writeLaunch(b *strings.Builder, cells []spec.Cell, s spec.ServerSpec) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	for i := range cells {
		fmt.Fprintf(b, "# %s\n", cells[i].Address())
	}
	if n := cells[0].Config.Size(spec.ItemReplicas); n > 1 {
		fmt.Fprintf(b, "# %d such servers share the load\n", n)
	}
	if s.Image != "" {
		fmt.Fprintf(b, "# in the image %s\n", s.Image)
	}
	for _, e := range s.Env {
		value := shellWord(e.Value.Text())
		if e.Value.Kind() == spec.Secret {
			value = `"$` + e.Value.Text() + `"`
		}
		fmt.Fprintf(b, "%s=%s \\\n", e.Name, value)
	}
	fill := strings.NewReplacer(spec.HostPlaceholder, "127.0.0.1", spec.PortPlaceholder, "8000")
	words := make([]string, len(s.Command))
	for i, w := range s.Command {
		words[i] = shellWord(fill.Replace(w))
	}
	fmt.Fprintln(b, strings.Join(words, " "))
}

// shellWord quotes what a shell would read as more than a word.
func shellWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
