package recorded

import (
	"context"
	"fmt"

	"aicv/metric"
	"aicv/spec"
)

// ReadFiles reads the file as the declaration says.
func (l *loader) ReadFiles(ctx context.Context) error {
	_, err := l.load(ctx)
	return err
}

// Check reads the file as the declaration says.
func (l *loader) Check(ctx context.Context) []spec.Check {
	data, err := l.load(ctx)
	if err != nil {
		return []spec.Check{spec.FailedCheck("file", err)}
	}
	checks := []spec.Check{{Name: "file", Status: spec.CheckOK,
		Found: fmt.Sprintf("%s: %s, %s", l.d.file, metric.Count(len(data.table.rows), "row"), metric.Count(len(data.groups), "point"))}}
	for _, note := range data.notes {
		if note.Severity != spec.FindingNote {
			checks = append(checks, spec.Check{Name: "file", Status: spec.CheckWarn, Found: note.Message, Fix: "see whether the file is what it should be"})
		}
	}
	return checks
}
