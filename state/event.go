package state

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"aicv/spec"
)

// Log appends events of an apply (empty: of none) as one batch. Events are no facts:
// the revision stays.
func (s *Store) Log(ctx context.Context, apply string, events []spec.Event) error {
	if len(events) == 0 {
		return nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for i := range events {
		if err := encoder.Encode(&events[i]); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	packed, err := compress(text.Bytes())
	if err != nil {
		return err
	}
	return s.writer.change(ctx, "log events", false, func(t *transaction) error {
		num, err := t.applyNum(apply)
		if err != nil {
			return err
		}
		_, err = t.exec(insertEvents, num, len(events), packed)
		return err
	})
}

// Events returns the stored events of an apply, in the order in which they were logged.
func (r *Reader) Events(ctx context.Context, apply string) ([]spec.Event, error) {
	var events []spec.Event
	err := r.each(ctx, "read events", selectEvents, []any{apply}, func(rows *sql.Rows) error {
		var packed []byte
		if err := rows.Scan(&packed); err != nil {
			return err
		}
		text, err := decompress(packed)
		if err != nil {
			return err
		}
		for decoder := json.NewDecoder(bytes.NewReader(text)); decoder.More(); {
			var e spec.Event
			if err := decoder.Decode(&e); err != nil {
				return damaged("event", err)
			}
			events = append(events, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}
