-- Attempts at runs that were cut short, with the requests that had ended by then. They
-- are shown, and never judged.
CREATE TABLE aborted (
  step        INTEGER PRIMARY KEY REFERENCES step(id),
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  idx         INTEGER NOT NULL CHECK (idx >= 1),
  started     INTEGER NOT NULL,
  requests    INTEGER NOT NULL CHECK (requests >= 0),
  failed      INTEGER NOT NULL CHECK (failed >= 0),
  warmup      INTEGER NOT NULL CHECK (warmup >= 0),
  why         TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  data        BLOB    NOT NULL                           -- as in run_rows
) STRICT;
CREATE INDEX aborted_by_measurement ON aborted(measurement, idx);
