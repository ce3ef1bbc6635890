package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// applicationID marks the file as an aicv state ("aicv" in ASCII).
const applicationID = 0x61696376

//go:embed migrations/*.sql
var scripts embed.FS

// migrations are the schema's versions: the n-th script leads from version n-1 to n.
func migrations() []string {
	names, err := fs.Glob(scripts, "migrations/*.sql")
	if err != nil {
		return nil
	}
	texts := make([]string, 0, len(names))
	for _, name := range names { // sorted by Glob
		text, err := scripts.ReadFile(name)
		if err != nil {
			return nil
		}
		texts = append(texts, string(text))
	}
	return texts
}

// querier is a connection, or a pool of them.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// identify tells the version of the file's schema, from 1 on. It refuses other
// programs' databases, and versions above latest.
func identify(ctx context.Context, db querier, latest int) (int, error) {
	var application, version, tables int
	row := db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), "+
		"(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)")
	if err := row.Scan(&application, &version, &tables); err != nil {
		return 0, fmt.Errorf("read the header: %w", err)
	}
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, &failure{FaultNotState, errors.New("it is a database without content")}
	case application != applicationID:
		return 0, &failure{FaultNotState, fmt.Errorf("it is another program's database (application id %#x)", uint32(application))}
	case version < 1 || tables == 0:
		return 0, &failure{FaultDamaged, fmt.Errorf("its schema has version %d and %d tables", version, tables)}
	case version > latest:
		return 0, &failure{FaultNewer, fmt.Errorf("its schema has version %d, this aicv knows %d", version, latest)}
	}
	return version, nil
}

// migrate brings the schema to its newest version in one transaction. An older state
// is backed up first, beside itself.
func migrate(ctx context.Context, db *sql.DB, path string, scripts []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // goes back to the pool
	version, err := identify(ctx, conn, len(scripts))
	if err != nil {
		return err
	}
	if err := useWAL(ctx, conn); err != nil {
		return err
	}
	if version == len(scripts) {
		return nil
	}
	if err := vacuumInto(ctx, conn, backupPlace(path, version)); err != nil {
		return fmt.Errorf("back up before the migration: %w", err)
	}
	return inTransaction(ctx, conn, func() error { return runScripts(ctx, conn, version, scripts) })
}

func runScripts(ctx context.Context, conn *sql.Conn, version int, scripts []string) error {
	if _, err := conn.ExecContext(ctx, "PRAGMA defer_foreign_keys=ON"); err != nil {
		return err
	}
	for i, script := range scripts[version:] {
		if _, err := conn.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+i+1, err)
		}
	}
	seal := fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(scripts))
	if _, err := conn.ExecContext(ctx, seal); err != nil {
		return fmt.Errorf("set the version: %w", err)
	}
	var broken int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil {
		return fmt.Errorf("check references: %w", err)
	}
	if broken > 0 {
		return &failure{FaultDamaged, fmt.Errorf("the migration would leave %d references to nothing", broken)}
	}
	return nil
}

// inTransaction commits what f did, or nothing.
func inTransaction(ctx context.Context, conn *sql.Conn, f func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// SQLite may have rolled back by itself already (disk full); that is no second error.
		_, _ = conn.ExecContext(ctx, "ROLLBACK") // see above
	}
	return err
}

// backupPlace finds a free name for the copy that a migration makes.
func backupPlace(path string, version int) string {
	place := fmt.Sprintf("%s.v%d.bak", path, version)
	for n := 2; exists(place); n++ {
		place = fmt.Sprintf("%s.v%d-%d.bak", path, version, n)
	}
	return place
}

// vacuumInto writes a consistent, compact copy: under another name first, and on
// disk before it gets its own, so that a copy is whole or absent.
func vacuumInto(ctx context.Context, db querier, dest string) error {
	partial := dest + ".partial"
	if err := removeIfThere(partial); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO "+quote(partial)); err != nil {
		return errors.Join(err, removeIfThere(partial))
	}
	return publish(partial, dest)
}

// publish gives a file that is complete its name, on disk before it gets it. What
// can not be published is removed.
func publish(partial, dest string) error {
	err := syncFile(partial)
	if err == nil {
		err = os.Rename(partial, dest)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(partial))
	}
	return syncFile(filepath.Dir(dest))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
