package cache

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"aicv/spec"
)

const (
	selectRows = "SELECT data FROM recommended WHERE fingerprint = ? AND request = ?"
	insertRows = "INSERT INTO recommended (fingerprint, request, data) VALUES (?, ?, ?)"
	trimRows   = "DELETE FROM recommended WHERE id <= (SELECT max(id) FROM recommended) - ?"
	// maxRequests bounds the requests that are kept; the oldest go first.
	maxRequests = 256
)

// Rows returns the rows that were recommended for a request, by its hash, under a
// fingerprint; false where none are kept, or what is kept can not be read.
func (c *Cache) Rows(ctx context.Context, fingerprint string, request spec.ID) ([]spec.Row, bool, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.db == nil {
		return nil, false, nil
	}
	var data []byte
	err := c.db.QueryRowContext(ctx, selectRows, ours(c.build, fingerprint), string(request)).Scan(&data)
	if replaceable(err) {
		err = c.remake(ctx)
		data = nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the prediction cache: %w", err)
	}
	var rows []spec.Row
	if json.Unmarshal(data, &rows) != nil {
		return nil, false, nil
	}
	return rows, true, nil
}

// PutRows remembers the rows that were recommended for a request.
func (c *Cache) PutRows(ctx context.Context, fingerprint string, request spec.ID, rows []spec.Row) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.db == nil {
		return nil
	}
	data, err := json.Marshal(rows)
	if err == nil {
		_, err = c.db.ExecContext(ctx, insertRows, ours(c.build, fingerprint), string(request), data)
	}
	if err == nil {
		_, err = c.db.ExecContext(ctx, trimRows, maxRequests)
	}
	if replaceable(err) {
		err = c.remake(ctx)
	}
	if err != nil {
		return fmt.Errorf("write the prediction cache: %w", err)
	}
	return nil
}
