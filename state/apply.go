package state

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"time"

	"aicv/spec"
)

// nanos is how a time is stored: nanoseconds since 1970, 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// timeOf is the reverse of nanos, in UTC.
func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// BeginApply records the apply with its plan, or continues the one of the same plan,
// whose id the record must then carry. A finished apply can not be begun again.
func (s *Store) BeginApply(ctx context.Context, apply spec.ApplyRecord) error {
	plan, err := compress(apply.PlanData)
	if err != nil {
		return err
	}
	return s.writer.change(ctx, "begin the apply", true, func(t *transaction) error {
		num, err := t.openApply(apply, plan)
		if err != nil {
			return err
		}
		o := apply.Origin
		_, err = t.exec(insertSession, num, nanos(apply.Started), o.Version, o.Host, o.Revision, o.Command)
		return err
	})
}

func (t *transaction) openApply(apply spec.ApplyRecord, plan []byte) (int64, error) {
	var num int64
	var id string
	var status spec.ApplyStatus
	found, err := t.first(selectApplyPlan, []any{apply.Plan}, &num, &id, &status)
	switch {
	case err != nil:
		return 0, err
	case found && id != apply.ID:
		return 0, misuse("plan %s is being applied as %s already", apply.Plan, id)
	case found && status == spec.ApplyFinished:
		return 0, misuse("plan %s was applied to its end: make a new one", apply.Plan)
	case found:
		_, err := t.exec(continueApply, num)
		return num, err
	}
	num, err = t.insert(insertApply, apply.ID, apply.Plan, nanos(apply.Started))
	if err != nil || len(apply.PlanData) == 0 {
		return num, err
	}
	_, err = t.exec(insertPlan, num, plan)
	return num, err
}

// EndApply closes the apply with the given status.
func (s *Store) EndApply(ctx context.Context, apply string, status spec.ApplyStatus) error {
	return s.writer.change(ctx, "end the apply", true, func(t *transaction) error {
		if status != spec.ApplyFinished && status != spec.ApplyInterrupted {
			return misuse("an apply can not end as %q", status)
		}
		found, err := t.changed(endApply, status, time.Now().UnixNano(), apply)
		if err == nil && !found {
			err = misuse("there is no apply %q", apply)
		}
		return err
	})
}

// applyNum finds an apply's row; an empty id gives nil, for facts without an apply.
func (t *transaction) applyNum(id string) (*int64, error) {
	if id == "" {
		return nil, nil
	}
	var num int64
	found, err := t.first(selectApplyNum, []any{id}, &num)
	if err == nil && !found {
		err = misuse("there is no apply %q", id)
	}
	return &num, err
}

// Apply finds the apply of a plan, with the plan's saved form.
func (r *Reader) Apply(ctx context.Context, plan spec.ID) (spec.ApplyRecord, bool, error) {
	applies, err := r.applies(ctx, selectApply, string(plan))
	if err != nil || len(applies) == 0 {
		return spec.ApplyRecord{}, false, err
	}
	return applies[0], true, nil
}

// Applies lists all applies, oldest first, without their plans.
func (r *Reader) Applies(ctx context.Context) ([]spec.ApplyRecord, error) {
	return r.applies(ctx, listApplies)
}

func (r *Reader) applies(ctx context.Context, query string, args ...any) ([]spec.ApplyRecord, error) {
	return collect(ctx, r, "read applies", query, args, func(scan scanner) (spec.ApplyRecord, error) {
		var a spec.ApplyRecord
		var started, finished int64
		var plan []byte
		o := &a.Origin
		err := scan(&a.ID, &a.Plan, &started, &finished, &a.Status, &o.Version, &o.Host, &o.Revision, &o.Command, &plan)
		if err != nil {
			return a, err
		}
		a.Started, a.Finished = timeOf(started), timeOf(finished)
		a.PlanData, err = decompress(plan)
		return a, err
	})
}

// compress packs bytes with gzip, whose checksum tells later whether they are whole.
func compress(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return packed.Bytes(), nil
}

// decompress unpacks what compress packed; nothing gives nothing.
func decompress(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, &failure{FaultDamaged, fmt.Errorf("decompress: %w", err)}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, &failure{FaultDamaged, fmt.Errorf("decompress: %w", err)}
	}
	return data, nil
}
