package cache

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// replaceable reports whether the file itself is what is wrong: damaged, or another
// version's. A file that is merely busy, or can not be written, stays.
func replaceable(err error) bool {
	var other otherVersion
	if errors.As(err, &other) {
		return true
	}
	var driver *sqlite.Error
	if !errors.As(err, &driver) {
		return false
	}
	switch driver.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR:
		return true
	}
	return driver.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
}
