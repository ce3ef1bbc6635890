package state

import (
	"context"
	"database/sql"

	"aicv/spec"
)

func (t *transaction) addAborted(step int64, a *spec.Aborted, rows []byte) error {
	if a == nil {
		return nil
	}
	m, err := t.measurement(a.Measurement)
	if err != nil {
		return err
	}
	_, err = t.exec(insertAborted, step, m.num, a.Index, nanos(a.Started), len(a.Rows), a.Failed, a.Warmup, a.Why, a.Source, rows)
	return err
}

// Aborted returns the attempts that were cut short of each measurement that has any,
// oldest first, without raw rows and without those at runs that were set aside.
func (r *Reader) Aborted(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Aborted, error) {
	found := map[spec.ID][]spec.Aborted{}
	set, err := keys(unique(measurements))
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, "read aborted runs", selectAborted, []any{set}, func(rows *sql.Rows) error {
		var a spec.Aborted
		var started int64
		if err := rows.Scan(&a.Measurement, &a.Index, &started, &a.Requests, &a.Failed, &a.Warmup, &a.Why, &a.Source); err != nil {
			return err
		}
		a.Started = timeOf(started)
		found[a.Measurement] = append(found[a.Measurement], a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// AbortedRows returns the raw requests of the attempts at a run that were cut short, the
// oldest attempt first; none where there is none.
func (r *Reader) AbortedRows(ctx context.Context, measurement spec.ID, index int) ([][]spec.RequestRow, error) {
	return collect(ctx, r, "read request rows", selectAbortedRows, []any{index, string(measurement)}, func(scan scanner) ([]spec.RequestRow, error) {
		var packed []byte
		if err := scan(&packed); err != nil {
			return nil, err
		}
		return unpackRows(packed)
	})
}
