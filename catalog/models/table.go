package models

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// tableFile holds one row per line, sorted by id. scripts/retabulate-models writes it.
//
//go:embed table.jsonl
var tableFile []byte

// aliasFile holds names that stand for a row: alias, id, where the name is in use.
//
//go:embed aliases.csv
var aliasFile string

// Row is a model of the table.
type Row struct {
	ID           string        `json:"id"`     // as on the model hub: "Qwen/Qwen3-32B-FP8"
	Source       string        `json:"source"` // where the figures come from
	Architecture *Architecture `json:"architecture"`
}

// Alias is another name of a row. The architecture is shared; the weights may differ, and
// so may what a checkpoint of that name is quantized to.
type Alias struct {
	Name   string `json:"name"`
	ID     string `json:"id"`
	Source string `json:"source"` // where the name is in use
}

// Match is a row that was looked up, with how its name was understood.
type Match struct {
	Row
	Name  string `json:"name"`            // that was looked up
	Alias *Alias `json:"alias,omitempty"` // nil: Name is the row's own id, apart from case
}

// Note says what a look-up assumed; empty for a row's own id.
func (m Match) Note() string {
	switch {
	case strings.HasSuffix(fold(m.ID), "/"+fold(m.Name)):
		return "the full id is " + m.ID
	case m.Alias != nil:
		return fmt.Sprintf("%s stands for %s (%s): the architecture is shared, the weights may differ", m.Name, m.ID, m.Alias.Source)
	case m.Name != m.ID:
		return fmt.Sprintf("the id is spelt %s", m.ID)
	}
	return ""
}

// registry is the table with its index.
type registry struct {
	rows    []Row
	aliases []Alias
	byName  map[string]int   // folded id to row
	byAlias map[string]Alias // folded name to alias; the zero Alias where several would fit
}

// add takes a further name. Names of the hub are also known without their organization,
// where that leaves one row.
func (r *registry) add(name string, alias Alias) {
	r.byAlias[fold(name)] = alias
	_, short, found := strings.Cut(name, "/")
	if !found {
		return
	}
	alias.Name, alias.Source = short, "the id without its organization"
	if other, taken := r.byAlias[fold(short)]; taken && other.ID != alias.ID {
		alias = Alias{}
	}
	r.byAlias[fold(short)] = alias
}

// load reads the table. It is built once and only read; a test holds it to be readable.
var load = sync.OnceValues(func() (*registry, error) {
	r := &registry{byName: make(map[string]int), byAlias: make(map[string]Alias)}
	lines := bufio.NewScanner(bytes.NewReader(tableFile))
	lines.Buffer(nil, len(tableFile)+1)
	for lines.Scan() {
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("read the table of models, row %d: %w", len(r.rows)+1, err)
		}
		r.byName[fold(row.ID)] = len(r.rows)
		r.rows = append(r.rows, row)
		r.add(row.ID, Alias{Name: row.ID, ID: row.ID})
	}
	for line := range strings.Lines(aliasFile) {
		fields := strings.SplitN(strings.TrimSpace(line), ",", 3)
		if len(fields) < 3 || fields[0] == "alias" {
			continue
		}
		alias := Alias{fields[0], fields[1], fields[2]}
		r.aliases = append(r.aliases, alias)
		r.add(alias.Name, alias)
	}
	return r, nil
})

// known is the table; empty if it could not be read.
func known() *registry {
	r, err := load()
	if err != nil {
		return &registry{}
	}
	return r
}

// fold makes names comparable: letters alike in case, and no spaces around.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Rows lists the table, sorted by id.
func Rows() []Row { return slices.Clone(known().rows) }

// Aliases lists the names that stand for a row, in the order of their file.
func Aliases() []Alias { return slices.Clone(known().aliases) }

// Lookup finds a model by its id or an alias, whatever the case of letters.
func Lookup(name string) (Match, bool) {
	r := known()
	if i, found := r.byName[fold(name)]; found {
		return Match{Row: r.rows[i], Name: strings.TrimSpace(name)}, true
	}
	alias := r.byAlias[fold(name)]
	row, found := r.byName[fold(alias.ID)]
	if !found {
		return Match{}, false
	}
	return Match{Row: r.rows[row], Name: strings.TrimSpace(name), Alias: &alias}, true
}
