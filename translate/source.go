package translate

import (
	"fmt"
	"strings"

	"aicv/catalog/models"
	"aicv/spec"
)

// Source is what is translated: a file, or the files of a folder.
type Source struct {
	Name  string // of the file or folder, without its path
	Data  []byte // of a file
	Files []File // of a folder, sorted by name; nil for a file
}

// Find looks a model up by any of its names. A name that is not known stands for itself,
// and the architecture is nil; why says what was assumed, empty where nothing was.
func (m *Model) Find(name string) (a *models.Architecture, why string) {
	m.ID = name
	match, found := models.Lookup(name)
	switch {
	case !found && !strings.Contains(name, "/"):
		return nil, "aicv knows no model of that name, so the id is the name itself"
	case !found:
		return nil, ""
	case strings.Contains(name, "/"):
		return match.Architecture, "" // the hub's own name stays
	}
	m.ID = match.ID
	return match.Architecture, match.Note()
}

// Refuse is the error of a source that can not be translated, with everything that is wrong
// with it.
func Refuse(name, format string, problems []string) error {
	const most = 20
	if len(problems) > most {
		problems = append(problems[:most:most], fmt.Sprintf("and %d more", len(problems)-most))
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: name + " can not be translated as " + format, Detail: strings.Join(problems, "\n"),
		Fix: "correct these places, or name another format; docs/alignment.md lists what is read"}
}
