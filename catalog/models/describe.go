package models

import (
	"errors"
	"io/fs"

	"aicv/spec"
)

// Description is what is known of a suite's model.
type Description struct {
	Architecture *Architecture `json:"architecture"`
	// Origin says where from: "config.json of the checkpoint" with its path, or the table
	// with the row's source and what the look-up assumed.
	Origin string `json:"origin"`
}

// Describe finds the architecture of a suite's model: from its checkpoint's config.json
// where there is one, else from the table. It is false for a model that neither knows. An
// error means that there is a config.json which can not be used.
func Describe(m spec.Model) (Description, bool, error) {
	if m.Path != "" {
		c, err := Read(m.Path)
		switch {
		case err == nil:
			return Description{c.Architecture, c.File}, true, nil
		case !errors.Is(err, fs.ErrNotExist):
			return Description{}, false, err
		}
	}
	found, ok := Lookup(m.ID)
	if !ok {
		return Description{}, false, nil
	}
	origin := "table of models, row " + found.ID
	if note := found.Note(); note != "" {
		origin += " (" + note + ")"
	}
	return Description{found.Architecture, origin}, true, nil
}
