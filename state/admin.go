package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"aicv/spec"
)

// Detail is all that the state knows of one measurement.
type Detail struct {
	Info        spec.MeasurementInfo `json:"info"`
	Runs        []spec.Run           `json:"runs"`        // those set aside included, in order of their index
	Failures    []spec.Failure       `json:"failures"`    // oldest first, those that no longer stand included
	Looks       []spec.Look          `json:"looks"`       // oldest first, since the last retirement
	Retirements []Retirement         `json:"retirements"` // oldest first
}

// Retirement is one setting aside of a measurement's runs.
type Retirement struct {
	RunsTo int       `json:"runs_to"` // runs up to this index do not count any more
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
}

// Show tells all about the measurements that a name stands for: an id, the beginning
// of one that is unique, or the address under which they were last asked for. A
// name that finds nothing gives none; an ambiguous beginning is an error.
func (r *Reader) Show(ctx context.Context, name string) ([]Detail, error) {
	found, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	details := make([]Detail, len(found))
	for i, m := range found {
		if details[i], err = r.detail(ctx, m); err != nil {
			return nil, err
		}
	}
	return details, nil
}

// row is a measurement as the state keeps it.
type row struct {
	measurement
	info spec.MeasurementInfo
}

func (r *Reader) find(ctx context.Context, name string) ([]row, error) {
	for _, query := range []string{findByID, findByAddress, findByPrefix} {
		found, err := collect(ctx, r, "find the measurement", query, []any{name}, scanRow)
		switch {
		case err != nil:
			return nil, err
		case len(found) > 1 && query == findByPrefix:
			return nil, explain(r.path, "find the measurement", misuse("several measurements begin with %q: give more of the id", name))
		case len(found) > 0:
			return found, nil
		}
	}
	return nil, nil
}

func scanRow(scan scanner) (row, error) {
	var m row
	var content sql.NullString
	if err := scan(&m.num, &m.info.ID, &m.info.Address, &content, &m.retiredTo); err != nil || !content.Valid {
		return m, err
	}
	return m, decode("measurement", content.String, &m.info.Content)
}

func (r *Reader) detail(ctx context.Context, m row) (Detail, error) {
	d := Detail{Info: m.info}
	var err error
	if d.Runs, err = r.readRuns(ctx, selectAllRuns, m.num, []spec.ID{m.info.ID}); err != nil {
		return d, err
	}
	d.Info.LastRetired = m.retiredTo
	for i := range d.Runs {
		if d.Runs[i].Index > m.retiredTo {
			d.Info.Runs++
		} else {
			d.Info.Retired++
		}
	}
	looks, err := r.Looks(ctx, []spec.ID{m.info.ID})
	if err != nil {
		return d, err
	}
	d.Looks = looks[m.info.ID]
	d.Failures, err = collect(ctx, r, "read failures", selectAllFailures, []any{m.num}, func(scan scanner) (spec.Failure, error) {
		var f spec.Failure
		return f, scan(&f.Kind, &f.Message)
	})
	if err != nil {
		return d, err
	}
	d.Retirements, err = collect(ctx, r, "read retirements", selectRetirements, []any{m.num}, func(scan scanner) (Retirement, error) {
		var t Retirement
		var at int64
		err := scan(&t.RunsTo, &t.Why, &at)
		t.At = timeOf(at)
		return t, err
	})
	return d, err
}

// Backup writes a consistent copy of the state to a file that must not exist. It
// works while another process writes: the copy is the state at one moment.
func (r *Reader) Backup(ctx context.Context, dest string) error {
	switch {
	case r.db == nil:
		return explain(r.path, "back up", misuse("there is no state to back up yet"))
	case exists(dest):
		return explain(r.path, "back up", misuse("%s exists already: name a new file", dest))
	case !exists(filepath.Dir(dest)):
		return explain(r.path, "back up", misuse("there is no folder %s", filepath.Dir(dest)))
	}
	return explain(r.path, "back up to "+dest, copyTo(ctx, r.path, dest))
}

// Check looks for damage: SQLite's own checks, then everything that must hold among
// the facts. It returns the problems found, worst first; none is a healthy state.
func (r *Reader) Check(ctx context.Context) ([]string, error) {
	problems, err := r.checkFile(ctx)
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	for _, check := range []func(context.Context) ([]string, error){r.checkLinks, r.checkBrackets, r.checkRuns, r.checkRequestRows} {
		more, err := check(ctx)
		if err != nil {
			return problems, err
		}
		problems = append(problems, more...)
	}
	return problems, nil
}

func (r *Reader) checkFile(ctx context.Context) ([]string, error) {
	messages, err := collect(ctx, r, "check", checkIntegrity, nil, func(scan scanner) (string, error) {
		var message string
		return message, scan(&message)
	})
	if errors.Is(err, FaultDamaged) {
		return []string{err.Error()}, nil
	}
	if err != nil || (len(messages) == 1 && messages[0] == "ok") {
		return nil, err
	}
	return messages, nil
}

func (r *Reader) checkLinks(ctx context.Context) ([]string, error) {
	return collect(ctx, r, "check references", checkReferences, nil, func(scan scanner) (string, error) {
		var table, parent string
		err := scan(&table, &parent)
		return fmt.Sprintf("a row of %s refers to a row of %s that is not there", table, parent), err
	})
}

func (r *Reader) checkBrackets(ctx context.Context) ([]string, error) {
	open, err := collect(ctx, r, "check steps", checkSteps, nil, func(scan scanner) (string, error) {
		var step int64
		var apply string
		err := scan(&step, &apply)
		return fmt.Sprintf("apply %s is finished, but its step %d has no outcome", apply, step), err
	})
	if err != nil {
		return nil, err
	}
	loose, err := collect(ctx, r, "check runs", checkRunSteps, nil, func(scan scanner) (string, error) {
		var measurement string
		var index int
		err := scan(&measurement, &index)
		return fmt.Sprintf("run %d of measurement %s comes from a step that was not done", index, measurement), err
	})
	return append(open, loose...), err
}

// checkRuns reads every run, which verifies its checksum.
func (r *Reader) checkRuns(ctx context.Context) ([]string, error) {
	all, err := collect(ctx, r, "check runs", checkAll, nil, func(scan scanner) (row, error) {
		var m row
		return m, scan(&m.num, &m.info.ID)
	})
	var problems []string
	for _, m := range all {
		_, err := r.readRuns(ctx, selectAllRuns, m.num, []spec.ID{m.info.ID})
		if errors.Is(err, FaultDamaged) {
			problems = append(problems, err.Error())
		} else if err != nil {
			return problems, err
		}
	}
	return problems, err
}

func (r *Reader) checkRequestRows(ctx context.Context) ([]string, error) {
	problems, err := r.checkPacked(ctx, checkRows, "run")
	if err != nil {
		return problems, err
	}
	aborted, err := r.checkPacked(ctx, checkAborted, "aborted run")
	return append(problems, aborted...), err
}

// checkPacked unpacks the rows that a query gives.
func (r *Reader) checkPacked(ctx context.Context, query, what string) ([]string, error) {
	var problems []string
	err := r.each(ctx, "check request rows", query, nil, func(rows *sql.Rows) error {
		var measurement string
		var index, requests int
		var packed sql.RawBytes
		if err := rows.Scan(&measurement, &index, &requests, &packed); err != nil {
			return err
		}
		list, err := unpackRows(packed)
		if err == nil && len(list) != requests {
			err = fmt.Errorf("%d rows instead of %d", len(list), requests)
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("request rows of %s %d of measurement %s: %v", what, index, measurement, err))
		}
		return nil
	})
	return problems, err
}
