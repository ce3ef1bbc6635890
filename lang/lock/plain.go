package lock

import "strings"

// readPlain reads a lock file as Format writes it, with nothing that needs the language:
// thousands of predictions are read at every plan. False for anything else; the parser
// then reads it, or says what is wrong.
func readPlain(source string) ([]Entry, bool) {
	rest, found := strings.CutPrefix(source, header)
	if !found {
		return nil, false
	}
	entries := make([]Entry, 0, strings.Count(rest, "\n"))
	name, last := "", "" // of the open block, and of the one before
	for line := range strings.Lines(rest) {
		line, ended := strings.CutSuffix(line, "\n")
		switch {
		case !ended:
			return nil, false
		case line == "" && name == "":
		case line == "}" && name != "":
			name = ""
		case name == "":
			label, isLock := strings.CutPrefix(line, "lock ")
			label, opened := strings.CutSuffix(label, " {")
			if !isLock || !opened || len(label) <= 2 || !plain(label) {
				return nil, false
			}
			if name = label[1 : len(label)-1]; name <= last {
				return nil, false
			}
			last = name
		default:
			e, good := readEntry(name, line)
			if !good || len(entries) > 0 && compareKeys(entries[len(entries)-1], e) >= 0 {
				return nil, false
			}
			entries = append(entries, e)
		}
	}
	return entries, name == ""
}

// readEntry reads one attribute: two spaces, a name, padding, an equals sign, a string.
func readEntry(name, line string) (Entry, bool) {
	what, value, found := strings.Cut(line, " = ")
	what, indented := strings.CutPrefix(what, "  ")
	what = strings.TrimRight(what, " ")
	if !found || !indented || !identifier(what) || len(value) <= 2 || !plain(value) {
		return Entry{}, false
	}
	return Entry{Name: name, What: what, Value: value[1 : len(value)-1]}, true
}

func identifier(text string) bool {
	for i, c := range []byte(text) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return text != ""
}

// plain reports whether a text is a string in quotes without escapes and templates.
func plain(text string) bool {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return false
	}
	for _, c := range []byte(text[1 : len(text)-1]) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '$' || c == '%' {
			return false
		}
	}
	return true
}
