package state

import (
	"context"
	"database/sql"
	"errors"
)

// The files beside a state: SQLite's log and rollback journal, and a new state that
// is still under construction.
const (
	logSuffix     = "-wal"
	journalSuffix = "-journal"
	newSuffix     = ".new"
)

// create makes a state where there is none: whole, under another name, before it gets
// its place. So a crash leaves nothing at the place, and whatever lies there empty or
// without a schema was never a state of ours to go on with. The caller has the lock.
func create(ctx context.Context, path string, maxPages int, scripts []string) error {
	place := path + newSuffix
	remove := func() error { return errors.Join(removeIfThere(place), removeIfThere(place+journalSuffix)) }
	if err := remove(); err != nil { // of a creation that was cut off
		return err
	}
	db, err := connect(place, accessCreate, maxPages)
	if err != nil {
		return err
	}
	// A log would outlive a close that can not empty it (disk full), a rollback
	// journal does not: the state switches to its log once it is in place.
	if err := errors.Join(fill(ctx, db, scripts), db.Close()); err != nil {
		return errors.Join(err, remove())
	}
	return publish(place, path)
}

func fill(ctx context.Context, db *sql.DB, scripts []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // goes back to the pool
	return inTransaction(ctx, conn, func() error { return runScripts(ctx, conn, 0, scripts) })
}
