package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers lists, for each part of the tree, the parts of ours that it may import
// beside itself. The longest matching prefix counts. Dependencies point down only.
func layers() map[string][]string {
	domain := []string{"spec", "metric"}
	return map[string][]string{
		"metric":       {},
		"spec":         {"metric"},
		"catalog":      domain,
		"kit":          append([]string{"catalog"}, domain...),
		"providers":    append([]string{"catalog", "kit"}, domain...),
		"state":        domain,
		"verify":       domain,
		"lang":         append([]string{"catalog", "internal/tty"}, domain...),
		"translate":    append([]string{"lang", "catalog"}, domain...),
		"engine":       append([]string{"verify", "catalog"}, domain...),
		"result":       append([]string{"engine", "verify", "catalog"}, domain...),
		"report":       append([]string{"result", "internal/tty"}, domain...),
		"internal/tty": {},
		"internal/cli": append([]string{"report", "result", "translate", "lang", "engine", "verify", "state", "catalog", "kit", "internal/tty"}, domain...),
		"cmd/aicv":     {"internal/cli", "providers", "spec"},
		"scripts":      append([]string{"lang", "engine", "state", "verify", "catalog"}, domain...),
	}
}

// TestImportsPointDown holds the one-way dependencies of docs/architecture.md.
func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "aicv/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], "aicv/")
		for _, imported := range fields[1:] {
			to, ours := strings.CutPrefix(imported, "aicv/")
			if !ours {
				continue
			}
			checked++
			if !allowed(from, to) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
	if checked < 20 {
		t.Fatalf("checked only %d imports: the listing is not what this test expects", checked)
	}
}

func allowed(from, to string) bool {
	layer := layerOf(from)
	if layer == "" {
		return false
	}
	target := layerOf(to)
	if layer == "providers" && target == "providers" {
		return sameProvider(from, to)
	}
	return target == layer || slices.Contains(layers()[layer], target)
}

// sameProvider lets a provider import its own subpackages, and none another's.
func sameProvider(from, to string) bool {
	return strings.SplitN(from, "/", 3)[1] == strings.SplitN(to, "/", 3)[1]
}

func layerOf(path string) string {
	best := ""
	for prefix := range layers() {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return best
}

// TestTheCheckCanFail guards the guard.
func TestTheCheckCanFail(t *testing.T) {
	for _, edge := range [][2]string{{"spec", "lang"}, {"providers/sim", "providers/loadgen"}, {"state", "engine"}, {"internal/cli", "providers/sim"}} {
		if allowed(edge[0], edge[1]) {
			t.Errorf("%s -> %s should be refused", edge[0], edge[1])
		}
	}
}
