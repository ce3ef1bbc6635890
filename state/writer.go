package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// Store is the state opened for writing. Every writing method is one transaction,
// on disk when it returns; a write takes about a millisecond and is not abandoned
// halfway when its context is cancelled. Methods may be called from several
// goroutines. Errors are *spec.Error that wrap a Fault.
type Store struct {
	*Reader
	writer *writer
	lock   *os.File
}

// writer is the one connection that writes, with its prepared statements.
type writer struct {
	path     string
	file     fs.FileInfo // at path when it was opened
	db       *sql.DB
	mutex    sync.Mutex
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// transaction runs statements between BEGIN and COMMIT.
type transaction struct {
	ctx    context.Context // lives as long as the call that made it
	writer *writer
}

// change commits what f does, or nothing; counted raises the state's revision.
func (w *writer) change(ctx context.Context, doing string, counted bool, f func(*transaction) error) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	t := &transaction{context.WithoutCancel(ctx), w}
	err := inTransaction(t.ctx, w.conn, func() error {
		if err := f(t); err != nil || !counted {
			return err
		}
		_, err := t.exec(bumpRevision)
		return err
	})
	if err == nil {
		err = w.inPlace()
	}
	return explain(w.path, doing, err)
}

// inPlace is an error where the file is no longer the one at its path: whoever removes it
// takes nothing from an open file, and all that is written to it is gone once it is closed.
func (w *writer) inPlace() error {
	now, err := os.Stat(w.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(w.file, now) {
		return &failure{FaultGone, fmt.Errorf("another file, or none, is at %s", w.path)}
	}
	return err
}

func (w *writer) close() error {
	var errs []error
	for _, statement := range w.prepared {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

func (t *transaction) statement(query string) (*sql.Stmt, error) {
	if s, ok := t.writer.prepared[query]; ok {
		return s, nil
	}
	s, err := t.writer.conn.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	t.writer.prepared[query] = s
	return s, nil
}

func (t *transaction) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.ctx, args...)
}

// insert runs an INSERT and returns the row's id.
func (t *transaction) insert(query string, args ...any) (int64, error) {
	result, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// changed runs an UPDATE or DELETE and tells whether it found a row.
func (t *transaction) changed(query string, args ...any) (bool, error) {
	result, err := t.exec(query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// first reads the first row into the destinations; false where there is none.
func (t *transaction) first(query string, args []any, destinations ...any) (bool, error) {
	s, err := t.statement(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(t.ctx, args...).Scan(destinations...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls f for each row.
func (t *transaction) each(query string, args []any, f func(*sql.Rows) error) error {
	s, err := t.statement(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(t.ctx, args...)
	return eachRow(rows, err, f)
}

// intern finds the row that holds a content, or adds it.
func (t *transaction) intern(find, add, content string) (int64, error) {
	var id int64
	found, err := t.first(find, []any{content}, &id)
	if err != nil || found {
		return id, err
	}
	return t.insert(add, content)
}

func eachRow(rows *sql.Rows, err error, f func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err tells
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
