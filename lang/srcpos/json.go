package srcpos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// decodeJSON decodes a JSON string, and then its content as a template, which is what
// HCL does with strings of its JSON syntax.
func (m *Map) decodeJSON(source []byte) error {
	if !json.Valid(source) {
		return fmt.Errorf("%s: not a JSON string", m.sourceRange(m.origin))
	}
	content := bytes.TrimSpace(source)
	begin := bytes.IndexByte(source, '"')
	if begin < 0 || content[0] != '"' {
		return fmt.Errorf("%s: not a JSON string", m.sourceRange(m.origin))
	}
	end := begin + len(content) - 1
	m.origin = span{begin + 1, begin + 1}
	var template Map
	for i := begin + 1; i < end; {
		decoded, n := jsonPiece(source[i:end])
		template.add(decoded, span{i, i + n})
		i += n
	}
	return m.decodeTemplate(&template)
}

// jsonPiece decodes one character or escape of a valid JSON string.
func jsonPiece(source []byte) (string, int) {
	if source[0] != '\\' {
		r, n := utf8.DecodeRune(source)
		return string(r), n
	}
	switch source[1] {
	case 'b':
		return "\b", 2
	case 'f':
		return "\f", 2
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case 'u':
		return jsonRune(source)
	}
	return string(source[1]), 2
}

// jsonRune decodes \uXXXX, and a surrogate pair as one character. A lone surrogate
// becomes U+FFFD, as encoding/json has it.
func jsonRune(source []byte) (string, int) {
	first := codeUnit(source)
	if !utf16.IsSurrogate(first) {
		return string(first), 6
	}
	if len(source) >= 12 && source[6] == '\\' && source[7] == 'u' {
		if r := utf16.DecodeRune(first, codeUnit(source[6:])); r != utf8.RuneError {
			return string(r), 12
		}
	}
	return string(utf8.RuneError), 6
}

// codeUnit reads \uXXXX; the JSON was valid, so the digits are there.
func codeUnit(source []byte) rune {
	n, err := strconv.ParseUint(string(source[2:6]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// decodeTemplate decodes $${ and %%{ in text that was already decoded from JSON.
func (m *Map) decodeTemplate(template *Map) error {
	tokens, _ := hclsyntax.LexTemplate(template.text, m.file, hcl.Pos{Line: 1, Column: 1})
	for _, token := range tokens {
		from := span{token.Range.Start.Byte, token.Range.End.Byte}
		switch token.Type {
		case hclsyntax.TokenEOF:
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit:
			l, err := m.pieces(token.Bytes, from.start, false)
			if err != nil {
				return err
			}
			for _, p := range l {
				m.add(p.text, template.source(p.from))
			}
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			return &InterpolationError{m.sourceRange(template.source(from))}
		default:
			return fmt.Errorf("%s: %q is not part of a string", m.sourceRange(template.source(from)), token.Bytes)
		}
	}
	return nil
}

// source joins the spans of decoded bytes.
func (m *Map) source(decoded span) span {
	return span{m.spans[decoded.start].start, m.spans[decoded.end-1].end}
}
