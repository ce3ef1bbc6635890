package formats

import (
	"fmt"
	"slices"
	"strings"

	"aicv/translate"
)

// Tables writes the generated parts of a documentation page: what stands between a line
// `<!-- table FORMAT -->` and the next `<!-- end -->` becomes the table of that format. The
// error names a format that there is not, or a table that does not end.
func Tables(page string) (string, error) {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(page, "<!-- table ")
		b.WriteString(head)
		if !found {
			return b.String(), nil
		}
		name, rest, closed := strings.Cut(rest, " -->")
		_, after, ended := strings.Cut(rest, "<!-- end -->")
		i := slices.IndexFunc(All(), func(f Format) bool { return f.Name == name })
		if !closed || !ended || i < 0 {
			return "", fmt.Errorf("table %q is of no format, or does not end", name)
		}
		fmt.Fprintf(&b, "<!-- table %s -->\n\n%s\n<!-- end -->", name, markdown(All()[i].Rules()))
		page = after
	}
}

func markdown(rules []translate.Rule) string {
	var b strings.Builder
	b.WriteString("| field | suite | at best | values | why |\n|---|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(r.Field), code(r.Item), r.Fidelity, text(r.Values), text(r.Why))
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + text(s) + "`"
}

func text(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
