package launch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The bounds of a script.
const (
	maxWords = 4096
	maxWord  = 64 << 10
)

// script reads the words of a shell script without running any of it. It knows quotes,
// comments, line ends that are escaped, and variables that the script itself sets to
// plain texts; what would have to be run stays unknown.
type script struct {
	vars map[string]string
}

// commands splits a script into its simple commands, each as its words.
func (s *script) commands(text string) (all [][]string, err error) {
	var words []string
	count := 0
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " ")
	for len(text) > 0 {
		switch c := text[0]; {
		case c == ' ' || c == '\t':
			text = text[1:]
		case c == '#':
			text = text[lineEnd(text):]
		case strings.IndexByte("\n;|&()", c) >= 0:
			all, words, text = s.end(all, words), nil, text[1:]
		case c == '<' || c == '>':
			if _, text, err = s.word(strings.TrimLeft(text, "<>& \t")); err != nil {
				return nil, err
			}
		default:
			word, rest, err := s.word(text)
			if err != nil {
				return nil, err
			}
			if redirects(word, rest) {
				text = rest
				continue
			}
			if count++; count > maxWords {
				return nil, fmt.Errorf("more than %d words", maxWords)
			}
			words, text = append(words, word), rest
		}
	}
	return s.end(all, words), nil
}

// redirects reports whether a word is the number of a stream that goes elsewhere: 2>&1.
func redirects(word, rest string) bool {
	return strings.HasPrefix(rest, ">") && strings.Trim(word, "0123456789") == ""
}

func lineEnd(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

// end closes a command; one that only sets variables is remembered, not kept.
func (s *script) end(all [][]string, words []string) [][]string {
	if len(words) > 0 && words[0] == "export" {
		words = words[1:]
	}
	for _, w := range words {
		name, value, ok := assignment(w)
		if !ok {
			return append(all, words)
		}
		s.vars[name] = value
	}
	return all
}

// assignment splits NAME=VALUE.
func assignment(word string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(word, "=")
	return name, value, ok && regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name)
}

// word reads one word, quotes taken off.
func (s *script) word(text string) (word, rest string, err error) {
	var b strings.Builder
	for len(text) > 0 && strings.IndexByte(" \t\n;|&()<>", text[0]) < 0 {
		piece, next, err := s.piece(text)
		if err != nil {
			return "", "", err
		}
		b.WriteString(piece)
		if b.Len() > maxWord {
			return "", "", fmt.Errorf("a word of more than %d bytes", maxWord)
		}
		text = next
	}
	return b.String(), text, nil
}

// piece reads what stands until the next change of quoting.
func (s *script) piece(text string) (piece, rest string, err error) {
	switch text[0] {
	case '\'':
		end := strings.IndexByte(text[1:], '\'')
		if end < 0 {
			return "", "", errors.New("a quote that does not end")
		}
		return text[1 : 1+end], text[2+end:], nil
	case '"':
		return s.quoted(text[1:])
	case '\\':
		if len(text) == 1 {
			return "", "", nil
		}
		return text[1:2], text[2:], nil
	case '$':
		return s.variable(text)
	case '`':
		end := strings.IndexByte(text[1:], '`')
		if end < 0 {
			return "", "", errors.New("a quote that does not end")
		}
		return unset + "(a command)", text[2+end:], nil
	}
	return text[:1], text[1:], nil
}

func (s *script) quoted(text string) (piece, rest string, err error) {
	var b strings.Builder
	for len(text) > 0 {
		switch c := text[0]; {
		case c == '"':
			return b.String(), text[1:], nil
		case c == '\\' && len(text) > 1 && strings.IndexByte("\"\\$`", text[1]) >= 0:
			b.WriteByte(text[1])
			text = text[2:]
		case c == '$' || c == '`':
			piece, next, err := s.piece(text)
			if err != nil {
				return "", "", err
			}
			b.WriteString(piece)
			text = next
		default:
			b.WriteByte(c)
			text = text[1:]
		}
		if b.Len() > maxWord {
			break
		}
	}
	return "", "", errors.New("a quote that does not end")
}

// variable reads $NAME, ${NAME} and ${NAME:-default}.
func (s *script) variable(text string) (value, rest string, err error) {
	if strings.HasPrefix(text, "$(") {
		end := closing(text[1:])
		if end < 0 {
			return "", "", errors.New("a parenthesis that does not end")
		}
		return unset + "(a command)", text[1+end:], nil
	}
	if m := regexp.MustCompile(`^\$([A-Za-z_][A-Za-z0-9_]*)`).FindStringSubmatch(text); m != nil {
		return s.valueOf(m[1], "", text[len(m[0]):])
	}
	if m := regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-"?([^"{}$` + "`" + `]*)"?)?\}`).FindStringSubmatch(text); m != nil {
		return s.valueOf(m[1], m[2], text[len(m[0]):])
	}
	return text[:1], text[1:], nil
}

// closing is the length of a text that a parenthesis opens and closes; -1 where it does
// not end. Nothing in it is run or understood.
func closing(text string) int {
	depth := 0
	for i, c := range []byte(text) {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// valueOf is a variable's text: as the script sets it, else its default, else a mark
// that whoever uses it has to refuse.
func (s *script) valueOf(name, fallback, rest string) (value, after string, err error) {
	if v, set := s.vars[name]; set {
		return v, rest, nil
	}
	if fallback != "" {
		return fallback, rest, nil
	}
	return unset + name, rest, nil
}

// unset marks a variable that the script does not set.
const unset = "\x00"
