package hardware

import (
	"strings"

	"aicv/spec"
)

// Guess lists the systems that a word which is no system's name may stand for: the name
// of a GPU as its driver prints it, another spelling, or the part before the form factor.
func Guess(word string) []string {
	if id := Identify(spec.GPU{Name: word}); id.System != "" {
		return []string{id.System}
	}
	plain := squeezed(word)
	if plain == "" {
		return nil
	}
	var begins []string
	contained := ""
	for _, name := range Names() {
		switch s := squeezed(name); {
		case s == plain:
			return []string{name}
		case strings.HasPrefix(s, plain):
			begins = append(begins, name)
		case strings.HasPrefix(plain, s) && len(name) > len(contained):
			contained = name
		}
	}
	if len(begins) == 0 && contained != "" {
		begins = []string{contained}
	}
	return begins
}

// squeezed keeps letters and digits, in lower case.
func squeezed(word string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(plainName(word)))
}
