package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"aicv/spec"
)

// Reader reads a state. Where the state does not exist, every method finds nothing.
// Errors are *spec.Error that wrap a Fault.
type Reader struct {
	path string
	db   *sql.DB // nil: there is no state
	drop func() error
}

// scanner reads one row's columns.
type scanner = func(destinations ...any) error

// collect reads all rows of a query.
func collect[T any](ctx context.Context, r *Reader, doing, query string, args []any, read func(scanner) (T, error)) ([]T, error) {
	var found []T
	err := r.each(ctx, doing, query, args, func(rows *sql.Rows) error {
		one, err := read(rows.Scan)
		found = append(found, one)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// each calls f for each row of a query; for none where there is no state.
func (r *Reader) each(ctx context.Context, doing, query string, args []any, f func(*sql.Rows) error) error {
	if r.db == nil {
		return nil
	}
	rows, err := r.db.QueryContext(ctx, query, args...)
	return explain(r.path, doing, eachRow(rows, err, f))
}

// first reads the first row of a query; false where there is none.
func (r *Reader) first(ctx context.Context, doing, query string, args []any, destinations ...any) (bool, error) {
	if r.db == nil {
		return false, nil
	}
	err := r.db.QueryRowContext(ctx, query, args...).Scan(destinations...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, explain(r.path, doing, err)
}

// Identity is the suite's random identity: 32 hexadecimal digits, the same as long
// as the file lives; empty where there is no state.
func (r *Reader) Identity(ctx context.Context) (string, error) {
	var identity string
	_, err := r.first(ctx, "read the identity", selectIdentity, nil, &identity)
	return identity, err
}

// Revision rises by one with every committed change of facts; 0 at first.
func (r *Reader) Revision(ctx context.Context) (int64, error) {
	var revision int64
	_, err := r.first(ctx, "read the revision", selectRevision, nil, &revision)
	return revision, err
}

// unique drops repeated keys and keeps the order.
func unique(ids []spec.ID) []spec.ID {
	seen := make(map[spec.ID]struct{}, len(ids))
	kept := make([]spec.ID, 0, len(ids))
	for _, id := range ids {
		if _, again := seen[id]; !again {
			seen[id] = struct{}{}
			kept = append(kept, id)
		}
	}
	return kept
}

// keys packs a set of keys into one parameter.
func keys(ids []spec.ID) (string, error) {
	packed, err := json.Marshal(ids)
	return string(packed), err
}

// damaged is a fact that does not decode.
func damaged(what string, err error) error {
	return &failure{FaultDamaged, fmt.Errorf("%s: %w", what, err)}
}

// decode reads stored JSON.
func decode(what, content string, into any) error {
	if err := json.Unmarshal([]byte(content), into); err != nil {
		return damaged(what, err)
	}
	return nil
}
