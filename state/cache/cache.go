// Package cache keeps predictions between plans, in a file of its own that may be
// deleted at any time: what can not be read is forgotten and predicted again.
package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"aicv/spec"
	_ "modernc.org/sqlite" // the database/sql driver
)

const (
	// version is of the file's layout; a file of any other version is replaced.
	version = 4
	// applicationID marks the file as an aicv prediction cache ("aicp" in ASCII).
	applicationID = 0x61696370
	// chunkSize is the number of predictions that are packed together.
	chunkSize = 512
	// maxChunks bounds the file; the oldest chunks go first.
	maxChunks = 4096
)

const (
	selectChunks = "SELECT keys, data FROM chunk WHERE fingerprint = ? ORDER BY id"
	insertChunk  = "INSERT INTO chunk (fingerprint, keys, data) VALUES (?, ?, ?)"
	trimChunks   = "DELETE FROM chunk WHERE id <= (SELECT max(id) FROM chunk) - ?"
)

// Cache is a prediction cache. The zero value, and one in a folder that can not be
// written, remembers nothing. Methods may be called from several goroutines, and
// several processes may share the file.
type Cache struct {
	mutex sync.Mutex
	path  string
	build string
	db    *sql.DB // nil: no memory
}

// Open opens the cache, or makes it. A cache that is damaged or of another version is
// deleted and made anew; where no file can be written, or another program's
// database lies, the cache is without memory. The only error is a context that has
// ended. What another build of aicv kept is not known to this one: predictions carry
// findings, and whoever words them may word them otherwise.
func Open(ctx context.Context, path, build string) (*Cache, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open the prediction cache: %w", err)
	}
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return &Cache{}, nil
	}
	db, err := open(ctx, path)
	if replaceable(err) && discard(path) == nil {
		db, err = open(ctx, path)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("open the prediction cache: %w", ctx.Err())
	}
	if err != nil {
		return &Cache{}, nil
	}
	return &Cache{path: path, build: build, db: db}, nil
}

// ours is a fingerprint together with the build that asked.
func ours(build, fingerprint string) string { return fingerprint + "\n" + build }

// otherVersion is the error of a cache that another version wrote.
type otherVersion int

func (e otherVersion) Error() string { return fmt.Sprintf("version %d", int(e)) }

func open(ctx context.Context, path string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the prediction cache: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: absolute}).EscapedPath()+
		"?mode=rwc&_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return nil, fmt.Errorf("open the prediction cache: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// prepare makes the tables of a new file and refuses one that is not ours.
func prepare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("prepare the prediction cache: %w", err)
	}
	defer tx.Rollback() // nothing to roll back after a commit
	var is, at, tables int
	row := tx.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), "+
		"(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)")
	if err := row.Scan(&is, &at, &tables); err != nil {
		return fmt.Errorf("prepare the prediction cache: %w", err)
	}
	if is == applicationID && at == version {
		return nil
	}
	if is == applicationID {
		return otherVersion(at)
	}
	if is != 0 || at != 0 || tables != 0 {
		return fmt.Errorf("another program's database (application id %#x)", uint32(is))
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`
		CREATE TABLE chunk (
			id          INTEGER PRIMARY KEY AUTOINCREMENT,
			fingerprint TEXT    NOT NULL,
			keys        TEXT    NOT NULL, -- one a line
			data        BLOB    NOT NULL
		) STRICT;
		CREATE INDEX chunk_by_fingerprint ON chunk(fingerprint);
		CREATE TABLE recommended (
			id          INTEGER PRIMARY KEY AUTOINCREMENT,
			fingerprint TEXT    NOT NULL,
			request     TEXT    NOT NULL,
			data        BLOB    NOT NULL, -- JSON
			UNIQUE (fingerprint, request) ON CONFLICT REPLACE
		) STRICT;
		PRAGMA application_id=%d; PRAGMA user_version=%d`, applicationID, version))
	if err != nil {
		return fmt.Errorf("prepare the prediction cache: %w", err)
	}
	return tx.Commit()
}

// discard removes the file with SQLite's own beside it.
func discard(path string) error {
	var errs []error
	for _, suffix := range []string{"-journal", "-wal", "-shm", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Get returns what is known of the keys under a fingerprint (everything but the
// points that predictions depend on). What does not decode is passed over; a file
// that turns out to be damaged is deleted and made anew.
func (c *Cache) Get(ctx context.Context, fingerprint string, keys []spec.ID) (map[spec.ID]spec.Prediction, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found := make(map[spec.ID]spec.Prediction, len(keys))
	if c.db == nil || len(keys) == 0 {
		return found, nil
	}
	wanted := make(map[spec.ID]struct{}, len(keys))
	for _, k := range keys {
		wanted[k] = struct{}{}
	}
	err := c.read(ctx, ours(c.build, fingerprint), wanted, found)
	if replaceable(err) {
		err = c.remake(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read the prediction cache: %w", err)
	}
	return found, nil
}

func (c *Cache) read(ctx context.Context, fingerprint string, wanted map[spec.ID]struct{}, found map[spec.ID]spec.Prediction) error {
	rows, err := c.db.QueryContext(ctx, selectChunks, fingerprint)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err tells
	for rows.Next() {
		var list, data sql.RawBytes
		if err := rows.Scan(&list, &data); err != nil {
			return err
		}
		addChunk(found, wanted, list, data)
	}
	return rows.Err()
}

// remake replaces a damaged file; where that fails the cache forgets everything.
func (c *Cache) remake(ctx context.Context) error {
	err := errors.Join(c.db.Close(), discard(c.path))
	c.db = nil
	if err != nil {
		return err
	}
	db, err := open(ctx, c.path)
	if err == nil {
		c.db = db
	}
	return err
}

// addChunk adds a chunk's predictions for the wanted keys; a later chunk wins.
func addChunk(found map[spec.ID]spec.Prediction, wanted map[spec.ID]struct{}, list, data []byte) {
	ids := splitKeys(string(list))
	if !slices.ContainsFunc(ids, func(id spec.ID) bool { _, ok := wanted[id]; return ok }) {
		return
	}
	predictions, err := decode(data, len(ids))
	if err != nil {
		return
	}
	for i, id := range ids {
		if _, ok := wanted[id]; ok {
			found[id] = predictions[i]
		}
	}
}

// Put remembers predictions under a fingerprint.
func (c *Cache) Put(ctx context.Context, fingerprint string, entries map[spec.ID]spec.Prediction) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.db == nil || len(entries) == 0 {
		return nil
	}
	err := c.write(ctx, ours(c.build, fingerprint), entries)
	if replaceable(err) {
		err = c.remake(ctx)
	}
	if err != nil {
		return fmt.Errorf("write the prediction cache: %w", err)
	}
	return nil
}

func (c *Cache) write(ctx context.Context, fingerprint string, entries map[spec.ID]spec.Prediction) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to roll back after a commit
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(entries)), chunkSize) {
		if err := putChunk(ctx, tx, fingerprint, ids, entries); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, trimChunks, maxChunks); err != nil {
		return err
	}
	return tx.Commit()
}

func putChunk(ctx context.Context, tx *sql.Tx, fingerprint string, ids []spec.ID, entries map[spec.ID]spec.Prediction) error {
	w := newEncoder()
	for _, id := range ids {
		p := entries[id]
		w.prediction(&p)
	}
	_, err := tx.ExecContext(ctx, insertChunk, fingerprint, joinKeys(ids), w.finish())
	return err
}

// joinKeys writes keys in one line each; they are hashes, or as plain.
func joinKeys(ids []spec.ID) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(string(id))
		b.WriteByte('\n')
	}
	return b.String()
}

// splitKeys is the reverse of joinKeys.
func splitKeys(list string) []spec.ID {
	ids := make([]spec.ID, 0, strings.Count(list, "\n"))
	for line := range strings.Lines(list) {
		ids = append(ids, spec.ID(strings.TrimSuffix(line, "\n")))
	}
	return ids
}

// Close ends the use of the cache.
func (c *Cache) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.db == nil {
		return nil
	}
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("close the prediction cache: %w", err)
	}
	return nil
}
