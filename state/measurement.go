package state

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"aicv/spec"
)

// measurement is a measurement's row.
type measurement struct {
	num, generation int64
	retiredTo       int // highest index of a run that was set aside
}

// measurement finds a measurement's row, or adds one that is described later.
func (t *transaction) measurement(id spec.ID) (measurement, error) {
	var m measurement
	if id == "" {
		return m, misuse("a fact needs a measurement")
	}
	found, err := t.first(selectMeasurement, []any{id}, &m.num, &m.generation, &m.retiredTo)
	if err != nil || found {
		return m, err
	}
	m.num, err = t.insert(insertMeasurement, id, "", nil)
	return m, err
}

// Describe keeps the address and the content under which measurements are asked for.
// What is described so already costs nothing and leaves the revision as it is.
func (s *Store) Describe(ctx context.Context, measurements []spec.MeasurementInfo) error {
	w := s.writer
	var changed []description
	err := w.change(ctx, "describe measurements", false, func(t *transaction) error {
		var err error
		changed, err = t.undescribed(measurements)
		return err
	})
	if err != nil || len(changed) == 0 {
		return err
	}
	return w.change(ctx, "describe measurements", true, func(t *transaction) error {
		for _, d := range changed {
			if err := t.describe(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// description is a measurement's address and content to be written; num is 0 where
// it has no row yet.
type description struct {
	num         int64
	id          spec.ID
	address     string
	content     string
	hasAddress  string
	hasContent  string
	contentNull bool
}

func (t *transaction) undescribed(measurements []spec.MeasurementInfo) ([]description, error) {
	last := make(map[spec.ID]int, len(measurements))
	ids := make([]spec.ID, len(measurements))
	wanted := make([]description, len(measurements))
	for i := range measurements {
		m := &measurements[i]
		ids[i], last[m.ID] = m.ID, i
		wanted[i] = description{id: m.ID, address: m.Address, contentNull: m.Content.IsNull()}
		if !m.Content.IsNull() {
			wanted[i].content = string(m.Content.AppendCanonical(nil))
		}
	}
	set, err := keys(ids)
	if err != nil {
		return nil, err
	}
	err = t.each(describedAs, []any{set}, func(rows *sql.Rows) error {
		var i int
		var d description
		if err := rows.Scan(&i, &d.num, &d.hasAddress, &d.hasContent); err != nil {
			return err
		}
		wanted[i].num, wanted[i].hasAddress, wanted[i].hasContent = d.num, d.hasAddress, d.hasContent
		return nil
	})
	var changed []description
	for i, d := range wanted {
		if d.contentNull {
			d.content = d.hasContent
		}
		if last[d.id] == i && (d.num == 0 || d.address != d.hasAddress || d.content != d.hasContent) {
			changed = append(changed, d)
		}
	}
	return changed, err
}

func (t *transaction) describe(d description) error {
	content := sql.NullString{String: d.content, Valid: d.content != ""}
	if d.num == 0 {
		_, err := t.exec(insertMeasurement, d.id, d.address, content)
		return err
	}
	_, err := t.exec(updateMeasurement, d.address, content, d.num)
	return err
}

// Measurements lists every measurement that has runs, by address, without their
// contents (Show has them).
func (r *Reader) Measurements(ctx context.Context) ([]spec.MeasurementInfo, error) {
	infos, err := collect(ctx, r, "list measurements", listMeasurements, nil, func(scan scanner) (spec.MeasurementInfo, error) {
		var m spec.MeasurementInfo
		err := scan(&m.ID, &m.Address, &m.Runs, &m.Retired, &m.LastRetired)
		return m, err
	})
	slices.SortFunc(infos, func(a, b spec.MeasurementInfo) int { // SQLite takes longer to sort
		return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(string(a.ID), string(b.ID)))
	})
	return infos, err
}

// Retire sets the runs and the failure of each measurement aside: they stay in
// history and count no more. A measurement that has neither is left alone.
func (s *Store) Retire(ctx context.Context, measurements []spec.ID, why string) error {
	now := time.Now()
	return s.writer.change(ctx, "retire runs", true, func(t *transaction) error {
		for _, id := range unique(measurements) {
			if err := t.retire(id, why, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *transaction) retire(id spec.ID, why string, now time.Time) error {
	var m measurement
	found, err := t.first(selectMeasurement, []any{id}, &m.num, &m.generation, &m.retiredTo)
	if err != nil || !found {
		return err
	}
	var last, failures int
	if _, err := t.first(lastRun, []any{m.num}, &last); err != nil {
		return err
	}
	if _, err := t.first(countFailures, []any{m.num, m.generation}, &failures); err != nil {
		return err
	}
	if last <= m.retiredTo && failures == 0 {
		return nil
	}
	if _, err := t.exec(insertRetirement, m.num, m.generation, last, why, nanos(now)); err != nil {
		return err
	}
	_, err = t.exec(retireMeasurement, last, m.num)
	return err
}

// Failures returns the standing failure of each measurement that has one: the
// newest one, as long as no run came after it.
func (r *Reader) Failures(ctx context.Context, measurements []spec.ID) (map[spec.ID]spec.Failure, error) {
	found := map[spec.ID]spec.Failure{}
	set, err := keys(unique(measurements))
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, "read failures", selectFailures, []any{set}, func(rows *sql.Rows) error {
		var id spec.ID
		var f spec.Failure
		if err := rows.Scan(&id, &f.Kind, &f.Message); err != nil {
			return err
		}
		found[id] = f
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Looks returns the looks at each measurement's runs, oldest first, those before the
// last retirement left out.
func (r *Reader) Looks(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Look, error) {
	found := map[spec.ID][]spec.Look{}
	set, err := keys(unique(measurements))
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, "read looks", selectLooks, []any{set}, func(rows *sql.Rows) error {
		var l spec.Look
		var claims string
		if err := rows.Scan(&l.Measurement, &l.Runs, &l.Of, &l.Level, &l.Decided, &claims); err != nil {
			return err
		}
		if err := decode("look", claims, &l.Claims); err != nil {
			return err
		}
		found[l.Measurement] = append(found[l.Measurement], l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
