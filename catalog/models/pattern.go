package models

import (
	"fmt"
	"regexp"
	"strings"
)

// Bounds on the patterns of one list, so that matching stays cheap: a hostile file can
// cost half a second.
const (
	maxGlobs       = 4096
	maxExpressions = 256
	maxPattern     = 1024     // bytes of one pattern that is no plain name
	maxWork        = 32 << 20 // comparisons of a name; an expression counts as workExpression
	workExpression = 100
)

// patterns matches the names of modules, as quantization configurations list them:
//
//	plain     a name or a run of whole parts of it, as Transformers and vLLM match
//	          modules_to_not_convert: "lm_head", "mlp.gate", "model.layers.3.self_attn"
//	glob      ModelOpt's shell patterns, where * also crosses dots, for a name or for one
//	          that it lies in: "model.layers.0.self_attn*"
//	re:...    compressed-tensors' regular expressions, from the start of the name
//
// What checkpoints put before the layers ("model.", "language_model.", "backbone.") is
// left out on both sides.
type patterns struct {
	plain    map[string]int // name to index in the list
	prefixes []ranked[string]
	regular  []ranked[*regexp.Regexp]
	work     int // comparisons made so far
}

// ranked is a pattern with its index in the list.
type ranked[T any] struct {
	of    T
	index int
}

// compile reads a list of patterns.
func compile(list []string) (*patterns, error) {
	p := &patterns{plain: make(map[string]int, len(list))}
	for i, text := range list {
		if err := p.add(i, text); err != nil {
			return nil, fmt.Errorf("[%d] is %s; %w", i, quote(text), err)
		}
	}
	return p, nil
}

func (p *patterns) add(i int, text string) error {
	expression, isExpression := strings.CutPrefix(text, "re:")
	switch {
	case isExpression:
		return p.expression(i, "^(?:"+expression+")")
	case !strings.ContainsAny(text, "*?"):
		if _, known := p.plain[bare(text)]; !known {
			p.plain[bare(text)] = i
		}
		return nil
	case len(p.prefixes) >= maxGlobs || len(text) > maxPattern:
		return fmt.Errorf("there are more patterns, or longer ones, than any checkpoint has")
	}
	text = bare(text)
	if head := strings.TrimSuffix(text, "*"); !strings.ContainsAny(head, "*?") {
		p.prefixes = append(p.prefixes, ranked[string]{head, i})
		return nil
	}
	glob := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(text))
	return p.expression(i, "^"+glob+`(?:\..*)?$`)
}

func (p *patterns) expression(i int, text string) error {
	if len(p.regular) >= maxExpressions || len(text) > maxPattern {
		return fmt.Errorf("there are more patterns, or longer ones, than any checkpoint has")
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("it is no regular expression that can be read: %w", err)
	}
	p.regular = append(p.regular, ranked[*regexp.Regexp]{compiled, i})
	return nil
}

// bare leaves out what a name has before its layers.
func bare(name string) string {
	for {
		head, rest, found := strings.Cut(name, ".")
		if !found {
			return name
		}
		switch head {
		case "model", "language_model", "backbone", "text_model", "transformer":
			name = rest
		default:
			return name
		}
	}
}

// find returns the index of a pattern that matches the bare name, -1 for none.
func (p *patterns) find(name string) int {
	if i, found := p.findPlain(name); found {
		return i
	}
	if p.exhausted() {
		return -1
	}
	p.work += len(p.prefixes) + workExpression*len(p.regular)
	for _, r := range p.prefixes {
		if strings.HasPrefix(name, r.of) {
			return r.index
		}
	}
	for _, r := range p.regular {
		if r.of.MatchString(name) {
			return r.index
		}
	}
	return -1
}

// exhausted reports that more names were asked for than patterns of this number may be
// compared with; what was found after is not right.
func (p *patterns) exhausted() bool { return p != nil && p.work > maxWork }

// findPlain looks every run of whole parts of a name up.
func (p *patterns) findPlain(name string) (int, bool) {
	if len(p.plain) == 0 {
		return 0, false
	}
	for start := 0; ; {
		for end := start; ; {
			dot := strings.IndexByte(name[end:], '.')
			if dot < 0 {
				if i, found := p.plain[name[start:]]; found {
					return i, true
				}
				break
			}
			if i, found := p.plain[name[start:end+dot]]; found {
				return i, true
			}
			end += dot + 1
		}
		dot := strings.IndexByte(name[start:], '.')
		if dot < 0 {
			return 0, false
		}
		start += dot + 1
	}
}

// findAny returns the first index that any of the names matches, -1 for none.
func (p *patterns) findAny(names []string) int {
	for _, n := range names {
		if i := p.find(n); i >= 0 {
			return i
		}
	}
	return -1
}
