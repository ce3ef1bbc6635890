package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options are what Open can be told.
type Options struct {
	Command  string // argv of this process for the lock's holder; no secrets in it
	MaxPages int    // upper bound of the file's size in pages of 4 KiB, to rehearse a full disk; 0: none
}

// access is how a connection uses the file.
type access string

const (
	accessCreate    access = "mode=rwc&_txlock=immediate&_pragma=synchronous(FULL)"
	accessWrite     access = "mode=rw&_txlock=immediate&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	accessInspect   access = "mode=rw&_pragma=query_only(1)"
	accessRead      access = "mode=ro&_pragma=query_only(1)"
	accessCopy      access = "mode=ro"                                   // for VACUUM INTO, which query_only forbids
	accessImmutable access = "mode=ro&immutable=1&_pragma=query_only(1)" // a folder that can not hold WAL's side files
)

// readers is the size of the pool of reading connections.
const readers = 4

// connect opens connections to the file. Pragmas stand in the address, so that each
// connection of a pool gets them.
func connect(path string, how access, maxPages int) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := "file:" + (&url.URL{Path: absolute}).EscapedPath() + "?" + string(how) + "&_pragma=busy_timeout(5000)&_dqs=0"
	if maxPages > 0 {
		address += "&_pragma=max_page_count(" + strconv.Itoa(maxPages) + ")"
	}
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return nil, err
	}
	size := readers
	if how == accessWrite || how == accessCreate {
		size = 1
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// Open takes the state's lock and opens it for writing; a state that does not exist
// is created, an older one is backed up and migrated. Where another process holds
// the lock the error is a *LockedError; every other error is a *spec.Error that
// wraps a Fault.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, explain(path, "make the folder", err)
	}
	held, err := lock(path, options.Command)
	if err != nil {
		return nil, err
	}
	store, err := openLocked(context.WithoutCancel(ctx), path, options, migrations())
	if err != nil {
		return nil, errors.Join(explain(path, "open", err), unlock(held))
	}
	store.lock = held
	return store, nil
}

func openLocked(ctx context.Context, path string, options Options, scripts []string) (*Store, error) {
	there, err := fit(path)
	if err == nil && !there {
		err = create(ctx, path, options.MaxPages, scripts)
	}
	if err != nil {
		return nil, err
	}
	db, err := connect(path, accessWrite, options.MaxPages)
	if err != nil {
		return nil, err
	}
	w, err := openWriter(ctx, db, path, scripts)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	pool, err := connect(path, accessRead, 0)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	store := &Store{Reader: &Reader{path: path, db: pool}, writer: w}
	if err := store.settle(ctx); err != nil {
		return nil, errors.Join(err, pool.Close(), w.close())
	}
	return store, nil
}

// openWriter brings the schema up to date before it changes the file's journal.
func openWriter(ctx context.Context, db *sql.DB, path string, scripts []string) (*writer, error) {
	if err := migrate(ctx, db, path, scripts); err != nil {
		return nil, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{path: path, file: file, db: db, conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

// useWAL switches the file to write-ahead logging; the file remembers it.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return fmt.Errorf("switch to write-ahead logging: %w", err)
	}
	if mode != "wal" {
		return &failure{FaultUnfit, fmt.Errorf("write-ahead logging is not possible: journal mode stays %q", mode)}
	}
	return nil
}

// settle gives a new state its identity, and marks applies as interrupted that ran
// when their process died: the lock is ours, so nobody runs them.
func (s *Store) settle(ctx context.Context) error {
	return s.writer.change(ctx, "settle the state", false, func(t *transaction) error {
		identity := make([]byte, 16)
		if _, err := rand.Read(identity); err != nil {
			return err
		}
		if _, err := t.exec(insertMeta, hex.EncodeToString(identity), time.Now().UnixNano()); err != nil {
			return err
		}
		_, err := t.exec(interruptOthers)
		return err
	})
}

// fit tells whether there is a state, and refuses, before SQLite touches it, what can
// not be a whole one. A state gets its place with its schema in it (create), so an
// empty file there has lost its content, and so has a log without its state.
func fit(path string) (there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(path+logSuffix):
		return false, &failure{FaultDamaged, fmt.Errorf("%s is there and belongs to a state that is not", path+logSuffix)}
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &failure{FaultUnreadable, err}
	case !info.Mode().IsRegular():
		return false, &failure{FaultNotState, fmt.Errorf("it is not a regular file (%s)", info.Mode().Type())}
	case info.Size() <= 1: // SQLite takes a file of one byte for an empty one
		return false, &failure{FaultDamaged, errors.New("nothing is in the file, and a state is never empty")}
	}
	return true, nil
}

// OpenReader opens the state for reading; another process may hold its lock. A
// state that does not exist is read as an empty one, and not created. Errors are
// *spec.Error that wrap a Fault.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	reader, err := openReader(ctx, path, migrations())
	if err != nil {
		return nil, explain(path, "open", err)
	}
	return reader, nil
}

func openReader(ctx context.Context, path string, scripts []string) (*Reader, error) {
	there, err := fit(path)
	if err != nil {
		return nil, err
	}
	if !there {
		return &Reader{path: path}, nil
	}
	db, schema, err := inspect(ctx, path, len(scripts))
	if err != nil {
		return nil, err
	}
	if schema < len(scripts) {
		return readUpgraded(ctx, db, path, scripts)
	}
	return &Reader{path: path, db: db}, nil
}

// inspect opens an existing file and tells its schema. Where the folder can not be
// written, SQLite can not share the log: without one the file is read as it stands.
func inspect(ctx context.Context, path string, latest int) (*sql.DB, int, error) {
	var err error
	for _, how := range []access{accessInspect, accessRead, accessImmutable} {
		if how == accessImmutable && exists(path+logSuffix) {
			break
		}
		var db *sql.DB
		if db, err = connect(path, how, 0); err != nil {
			return nil, 0, err
		}
		var schema int
		if schema, err = identify(ctx, db, latest); err == nil {
			return db, schema, nil
		}
		err = errors.Join(err, db.Close())
		if f := faultOf(err); f != FaultUnreadable && f != FaultReadOnly {
			break
		}
	}
	return nil, 0, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readUpgraded reads an older state through a migrated copy: only Open changes it.
func readUpgraded(ctx context.Context, old *sql.DB, path string, scripts []string) (*Reader, error) {
	folder, err := os.MkdirTemp("", "aicv-state-")
	if err != nil {
		return nil, errors.Join(err, old.Close())
	}
	drop := func() error { return os.RemoveAll(folder) }
	place := filepath.Join(folder, "state.db")
	if err := errors.Join(old.Close(), copyTo(ctx, path, place)); err != nil {
		return nil, errors.Join(err, drop())
	}
	db, err := connect(place, accessWrite, 0)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	if err := migrate(ctx, db, place, scripts); err != nil {
		return nil, errors.Join(err, db.Close(), drop())
	}
	return &Reader{path: path, db: db, drop: drop}, nil
}

// copyTo writes a consistent copy of the state, through a connection of its own.
func copyTo(ctx context.Context, path, dest string) error {
	db, err := connect(path, accessCopy, 0)
	if err != nil {
		return err
	}
	return errors.Join(vacuumInto(ctx, db, dest), db.Close())
}

// Close frees the lock after everything else.
func (s *Store) Close() error {
	err := errors.Join(s.Reader.Close(), s.writer.close())
	return errors.Join(explain(s.Reader.path, "close", err), unlock(s.lock))
}

// Close ends the reading.
func (r *Reader) Close() error {
	if r.db == nil {
		return nil
	}
	err := r.db.Close()
	if r.drop != nil {
		err = errors.Join(err, r.drop())
	}
	return explain(r.path, "close", err)
}

// quote writes a text as an SQL literal, where no parameter is possible.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
