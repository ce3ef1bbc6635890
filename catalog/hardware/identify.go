package hardware

import (
	"fmt"
	"regexp"
	"strings"

	"aicv/spec"
)

// Identity says which system describes a GPU.
type Identity struct {
	System  string `json:"system,omitempty"`  // empty: none does
	Why     string `json:"why,omitempty"`     // why none does
	Nearest string `json:"nearest,omitempty"` // the system most like it where none describes it
}

// Explain says in a sentence or two why no system describes a GPU, and which is nearest;
// empty where one does.
func (id Identity) Explain() string {
	if id.System != "" || id.Nearest == "" {
		return id.Why
	}
	return id.Why + " The nearest system is " + id.Nearest + "; predictions for it are not for this GPU."
}

// Identify finds the system of a GPU by the name and the memory that its driver reports.
// A memory size that is not known (0) is not checked. A GPU in MIG mode is no system's,
// since nothing can run on the whole of it.
func Identify(g spec.GPU) Identity {
	name := plainName(g.Name)
	switch {
	case name == "":
		return Identity{Why: "Its driver reports no name."}
	case strings.HasPrefix(strings.ToUpper(name), "MIG "):
		return Identity{Why: "It is a MIG instance: a slice of a GPU."}
	case virtual(name):
		return Identity{Why: "It is a virtual GPU: a share of a real one."}
	}
	p, known := product(name)
	switch {
	case !known:
		return Identity{Why: "No system is known for a GPU of this name."}
	case p.System == "":
		return Identity{Why: p.Why, Nearest: p.Nearest}
	case g.MIG:
		return Identity{Why: "It is split into MIG instances.", Nearest: p.System}
	}
	if s, ok := Lookup(p.System); ok && !likeMemory(s, g.MemoryMiB) {
		return Identity{Nearest: s.Name, Why: fmt.Sprintf("It reports %d MiB of memory, and %s has %d MiB.", g.MemoryMiB, s.Name, s.Usable()>>20)}
	}
	return Identity{System: p.System}
}

// plainName leaves out what drivers put before a product's name: the maker, and the
// brand that data centre GPUs once had.
func plainName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	for _, prefix := range []string{"NVIDIA ", "Tesla "} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			name = name[len(prefix):]
		}
	}
	return name
}

// virtual recognises the names of vGPU types: board, profile and licence letter, such as
// GRID A100D-10C, H100XM-80C or A100D-1-20C.
func virtual(name string) bool {
	return strings.HasPrefix(name, "GRID ") || regexp.MustCompile(`^[A-Z0-9]+(-[0-9]+){1,2}[ABCQ](ME)?$`).MatchString(name)
}

// product finds the row of a name: the same name, else the longest pattern that fits.
func product(name string) (Product, bool) {
	best, length := Product{}, -1
	for _, p := range Products() {
		if n := fits(p.Name, name); n > length {
			best, length = p, n
		}
	}
	return best, length >= 0
}

// fits compares a name with a row's, case left aside: -1 where they differ, else how many
// characters the row fixes. The whole name counts one more than a pattern of its length.
func fits(pattern, name string) int {
	head, tail, open := strings.Cut(strings.ToLower(pattern), "*")
	name = strings.ToLower(name)
	if !open && head == name {
		return len(head) + 1
	}
	if open && len(name) >= len(head)+len(tail) && strings.HasPrefix(name, head) && strings.HasSuffix(name, tail) {
		return len(head) + len(tail)
	}
	return -1
}

// likeMemory compares what a driver reports with a system's memory. ECC and the driver's
// own share move the figure by some percent; the next smaller variant differs by 20.
func likeMemory(s System, mib int) bool {
	want := s.Usable() >> 20
	difference := int64(mib) - want
	return mib == 0 || max(difference, -difference)*10 <= want
}

// Named lists the names by which drivers report a system's GPU, without the maker.
func (s System) Named() []string {
	var names []string
	for _, p := range Products() {
		if p.System == s.Name {
			names = append(names, p.Name)
		}
	}
	return names
}
