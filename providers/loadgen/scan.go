package loadgen

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// scanEvent reads a usual event without setting anything aside. It is false for all that
// it does not read just as encoding/json would: what is no valid JSON or of another type,
// an error, a name in capitals, with an escape or twice, a long number.
func scanEvent(data []byte) (seen, bool) {
	s := scanner{rest: data}
	s.space()
	ok := s.object(s.top)
	s.space()
	return s.seen, ok && len(s.rest) == 0
}

// deepest bounds the nesting that a scanner follows.
const deepest = 32

// scanner takes JSON values off the front of an event. Each of its methods is false
// where the value is not of the form that it reads.
type scanner struct {
	rest  []byte
	depth int
	seen  seen
}

// field takes a member's value. The bit tells a name that matters from others; 0: another.
type field func(name []byte) (bit uint8, ok bool)

func (s *scanner) top(name []byte) (uint8, bool) {
	switch string(name) {
	case "choices":
		return 1, s.null() || s.list(s.choice)
	case "usage":
		if s.null() {
			return 2, true
		}
		s.seen.usage = true
		return 2, s.object(s.count)
	case "error":
		return 4, s.null()
	}
	return 0, s.skip()
}

func (s *scanner) choice() bool { return s.null() || s.object(s.part) }

func (s *scanner) part(name []byte) (uint8, bool) {
	switch string(name) {
	case "text":
		return 1, s.words()
	case "delta":
		return 2, s.null() || s.object(s.delta)
	case "finish_reason":
		return 4, s.null() || s.reason()
	}
	return 0, s.skip()
}

func (s *scanner) delta(name []byte) (uint8, bool) {
	switch string(name) {
	case "content":
		return 1, s.words()
	case "reasoning_content":
		return 2, s.words()
	case "reasoning":
		return 4, s.words()
	}
	return 0, s.skip()
}

func (s *scanner) count(name []byte) (uint8, bool) {
	switch string(name) {
	case "prompt_tokens":
		return 1, s.null() || s.int(&s.seen.input)
	case "completion_tokens":
		return 2, s.null() || s.int(&s.seen.output)
	}
	return 0, s.skip()
}

// words takes text of the answer, or null.
func (s *scanner) words() bool {
	if s.null() {
		return true
	}
	text, _, ok := s.string()
	s.seen.text = s.seen.text || len(text) > 0
	return ok
}

func (s *scanner) reason() bool {
	text, plain, ok := s.string()
	switch string(text) {
	case "":
	case "length":
		s.seen.finish = "length"
	case "stop":
		s.seen.finish = "stop"
	default:
		s.seen.finish = string(text)
	}
	return ok && plain
}

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// took takes one byte if it is next, and the space after it.
func (s *scanner) took(b byte) bool {
	if len(s.rest) == 0 || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	s.space()
	return true
}

func (s *scanner) null() bool { return s.word("null") }

func (s *scanner) word(w string) bool {
	if len(s.rest) < len(w) || string(s.rest[:len(w)]) != w {
		return false
	}
	s.rest = s.rest[len(w):]
	return true
}

// object takes an object, and each member's value by way of take.
func (s *scanner) object(take field) bool {
	if s.depth++; s.depth > deepest || !s.took('{') {
		return false
	}
	var had uint8
	for first := true; !s.took('}'); first = false {
		if !first && !s.took(',') {
			return false
		}
		name, plain, ok := s.string()
		s.space()
		if !ok || !plain || !s.took(':') {
			return false
		}
		bit, ok := take(name)
		if !ok || had&bit != 0 {
			return false
		}
		had |= bit
		s.space()
	}
	s.depth--
	return true
}

// list takes a list, and each element by way of take.
func (s *scanner) list(take func() bool) bool {
	if s.depth++; s.depth > deepest || !s.took('[') {
		return false
	}
	for first := true; !s.took(']'); first = false {
		if !first && !s.took(',') {
			return false
		}
		if !take() {
			return false
		}
		s.space()
	}
	s.depth--
	return true
}

// string takes a string and gives what is between its quotes. It is plain where that is
// its value, and a name that no other spelling stands for.
func (s *scanner) string() (raw []byte, plain, ok bool) {
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, false, false
	}
	plain = true
	for i := 1; i < len(s.rest); i++ {
		switch b := s.rest[i]; {
		case b == '"':
			raw, s.rest = s.rest[1:i], s.rest[i+1:]
			return raw, plain, true
		case b == '\\':
			n := escape(s.rest[i:])
			if n == 0 {
				return nil, false, false
			}
			plain, i = false, i+n-1
		case b < ' ':
			return nil, false, false
		case b >= utf8.RuneSelf || 'A' <= b && b <= 'Z':
			plain = false
		}
	}
	return nil, false, false
}

// escape is the length of the escape at the front of a text; 0: it is none.
func escape(text []byte) int {
	switch {
	case len(text) < 2:
		return 0
	case text[1] != 'u':
		if bytes.IndexByte([]byte(`"\/bfnrt`), text[1]) < 0 {
			return 0
		}
		return 2
	case len(text) < 6:
		return 0
	}
	for _, b := range text[2:6] {
		if !('0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F') {
			return 0
		}
	}
	return 6
}

// int takes a whole number of few digits.
func (s *scanner) int(n *int) bool {
	i := s.digits(0)
	if i == 0 || i > 9 || s.rest[0] == '0' && i > 1 {
		return false
	}
	value := 0
	for _, b := range s.rest[:i] {
		value = 10*value + int(b-'0')
	}
	if s.rest = s.rest[i:]; len(s.rest) > 0 && (s.rest[0] == '.' || s.rest[0]|0x20 == 'e') {
		return false
	}
	*n = value
	return true
}

// digits is where the digits end that begin at i.
func (s *scanner) digits(i int) int {
	for i < len(s.rest) && '0' <= s.rest[i] && s.rest[i] <= '9' {
		i++
	}
	return i
}

// number takes a number, whatever it is.
func (s *scanner) number() bool {
	at := func(i int, one string) bool { return i < len(s.rest) && strings.IndexByte(one, s.rest[i]) >= 0 }
	from := 0
	if at(0, "-") {
		from = 1
	}
	end := s.digits(from)
	if end == from || s.rest[from] == '0' && end > from+1 {
		return false
	}
	if at(end, ".") {
		fraction := end + 1
		if end = s.digits(fraction); end == fraction {
			return false
		}
	}
	if at(end, "eE") {
		power := end + 1
		if at(power, "+-") {
			power++
		}
		if end = s.digits(power); end == power {
			return false
		}
	}
	s.rest = s.rest[end:]
	return true
}

// skip takes a value that does not matter.
func (s *scanner) skip() bool {
	if len(s.rest) == 0 {
		return false
	}
	switch s.rest[0] {
	case '"':
		_, _, ok := s.string()
		return ok
	case '{':
		return s.object(s.other)
	case '[':
		return s.list(s.skip)
	case 'n':
		return s.null()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	}
	return s.number()
}

func (s *scanner) other([]byte) (uint8, bool) { return 0, s.skip() }
