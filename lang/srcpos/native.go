package srcpos

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// piece is the smallest unit of a literal: an escape or a grapheme cluster.
type piece struct {
	text string
	from span
}

// line is one literal token of a heredoc, or any literal token of a quoted string.
type line []piece

func (l line) text() string {
	var b []byte
	for _, p := range l {
		b = append(b, p.text...)
	}
	return string(b)
}

// reader collects the literal tokens of one string.
type reader struct {
	*Map
	lines                  []line
	opened, closed, indent bool
}

func (m *Map) decodeNative(source []byte) error {
	tokens, _ := hclsyntax.LexExpression(source, m.file, hcl.Pos{Line: 1, Column: 1})
	r := &reader{Map: m}
	for _, token := range tokens {
		if err := r.take(token, span{token.Range.Start.Byte, token.Range.End.Byte}); err != nil {
			return err
		}
	}
	if !r.opened || !r.closed {
		return fmt.Errorf("%s: not a complete string", m.sourceRange(m.origin))
	}
	if r.indent {
		unindent(r.lines)
	}
	for _, l := range r.lines {
		for _, p := range l {
			m.add(p.text, p.from)
		}
	}
	return nil
}

func (r *reader) take(token hclsyntax.Token, from span) error {
	switch token.Type {
	case hclsyntax.TokenOParen, hclsyntax.TokenCParen, hclsyntax.TokenNewline, hclsyntax.TokenEOF, hclsyntax.TokenComment:
		return nil
	case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		if r.opened {
			return fmt.Errorf("%s: more than one string", r.sourceRange(from))
		}
		r.opened, r.indent = true, bytes.HasPrefix(token.Bytes, []byte("<<-"))
		r.origin = span{from.end, from.end}
		return nil
	case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		r.closed = true
		return nil
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		l, err := r.pieces(token.Bytes, from.start, token.Type == hclsyntax.TokenQuotedLit)
		r.lines = append(r.lines, l)
		return err
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return &InterpolationError{r.sourceRange(from)}
	}
	return fmt.Errorf("%s: %q is not part of a string", r.sourceRange(from), token.Bytes)
}

// pieces decodes one literal token that starts at offset. Backslash escapes exist in
// quoted strings only.
func (m *Map) pieces(source []byte, offset int, quoted bool) (line, error) {
	var l line
	for len(source) > 0 {
		decoded, n := "", 0
		switch {
		case quoted && source[0] == '\\':
			decoded, n = unescape(source)
			if n == 0 {
				return nil, fmt.Errorf("%s: invalid escape", m.sourceRange(span{offset, offset + 1}))
			}
		case bytes.HasPrefix(source, []byte("$${")) || bytes.HasPrefix(source, []byte("%%{")):
			decoded, n = string(source[1:3]), 3
		case bytes.HasPrefix(source, []byte("$$")) || bytes.HasPrefix(source, []byte("%%")):
			decoded, n = string(source[:2]), 2 // HCL takes both, so that a third does not begin an escape
		default:
			n = plainLength(source, quoted)
			decoded = string(source[:n])
		}
		l = append(l, piece{decoded, span{offset, offset + n}})
		source, offset = source[n:], offset+n
	}
	return l, nil
}

// plainLength measures a grapheme cluster that ends before any escape.
func plainLength(source []byte, quoted bool) int {
	n := clusterLength(source)
	for i := 1; i < n; i++ {
		if c := source[i]; c == '$' || c == '%' || quoted && c == '\\' {
			return i
		}
	}
	return n
}

// unescape decodes one backslash escape; a length of 0 says that it is none.
func unescape(source []byte) (string, int) {
	if len(source) < 2 {
		return "", 0
	}
	switch source[1] {
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case '"', '\\':
		return string(source[1]), 2
	case 'u':
		return hexRune(source, 6)
	case 'U':
		return hexRune(source, 10)
	}
	return "", 0
}

func hexRune(source []byte, length int) (string, int) {
	if len(source) < length {
		return "", 0
	}
	n, err := strconv.ParseUint(string(source[2:length]), 16, 32)
	if err != nil || n > math.MaxInt32 || !utf8.ValidRune(rune(n)) {
		return "", 0
	}
	return string(rune(n)), length
}

// unindent removes the indentation that all lines of a <<- heredoc share, by HCL's
// rule: white space is counted in characters, lines of white space alone do not count
// and are left as they are.
func unindent(lines []line) {
	common := math.MaxInt
	var firsts []int // tokens that start a line with text
	starts := true
	for i, l := range lines {
		text := l.text()
		ends := strings.HasSuffix(text, "\n")
		if blank := ends && strings.TrimSpace(text) == ""; starts && !blank {
			common = min(common, indentation(text))
			firsts = append(firsts, i)
		}
		starts = ends
	}
	for _, i := range firsts {
		lines[i] = lines[i][min(common, len(lines[i])):]
	}
}

// indentation counts the white space characters that a line starts with.
func indentation(text string) int {
	space := text[:len(text)-len(strings.TrimLeftFunc(text, unicode.IsSpace))]
	count := 0
	for b := []byte(space); len(b) > 0; count++ {
		b = b[clusterLength(b):]
	}
	return count
}
