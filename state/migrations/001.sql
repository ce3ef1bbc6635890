-- Facts are appended and never changed. Three columns are written twice, because
-- they close what was opened: apply.status/finished, step.status/message/finished
-- and server_start.stopped. measurement.address is the last one asked for; its
-- generation counts how often its runs were set aside, retired_to is the highest
-- index of those.
-- Times are nanoseconds since 1970 in UTC, 0 where there is none.

CREATE TABLE meta (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  identity TEXT    NOT NULL CHECK (length(identity) = 32),
  revision INTEGER NOT NULL CHECK (revision >= 0),
  created  INTEGER NOT NULL
) STRICT;

CREATE TABLE apply (
  num      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT    NOT NULL UNIQUE CHECK (id <> ''),
  plan     TEXT    NOT NULL UNIQUE CHECK (plan <> ''),
  started  INTEGER NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0,
  status   TEXT    NOT NULL CHECK (status IN ('running', 'interrupted', 'finished'))
) STRICT;

CREATE TABLE apply_plan (
  apply INTEGER PRIMARY KEY REFERENCES apply(num),
  data  BLOB    NOT NULL                               -- gzip
) STRICT;

-- One row each time that an apply was begun or continued.
CREATE TABLE apply_session (
  num      INTEGER PRIMARY KEY AUTOINCREMENT,
  apply    INTEGER NOT NULL REFERENCES apply(num),
  started  INTEGER NOT NULL,
  version  TEXT    NOT NULL,
  host     TEXT    NOT NULL,
  revision TEXT    NOT NULL,
  command  TEXT    NOT NULL
) STRICT;
CREATE INDEX apply_session_by_apply ON apply_session(apply);

CREATE TABLE step (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  apply    INTEGER NOT NULL REFERENCES apply(num),
  node     INTEGER NOT NULL,
  attempt  INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  key      TEXT    NOT NULL,
  started  INTEGER NOT NULL,
  status   TEXT    CHECK (status IN ('done', 'failed', 'abandoned')), -- NULL: open
  message  TEXT    NOT NULL DEFAULT '',
  finished INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX step_by_apply ON step(apply);
CREATE INDEX step_open ON step(id) WHERE status IS NULL;

CREATE TABLE server_start (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  step       INTEGER NOT NULL REFERENCES step(id),
  deployment TEXT    NOT NULL,
  number     INTEGER NOT NULL CHECK (number >= 1),
  data       TEXT    NOT NULL CHECK (json_valid(data)), -- all the rest of it
  stopped    INTEGER NOT NULL DEFAULT 0,
  UNIQUE (deployment, number)
) STRICT;

CREATE TABLE measurement (
  num        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT    NOT NULL UNIQUE CHECK (id <> ''),
  address    TEXT    NOT NULL,
  content    TEXT    CHECK (json_valid(content)),
  generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
  retired_to INTEGER NOT NULL DEFAULT 0 CHECK (retired_to >= 0)
) STRICT;
CREATE INDEX measurement_by_address ON measurement(address);

-- The end of one generation: runs up to the index were set aside.
CREATE TABLE retirement (
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  generation  INTEGER NOT NULL,
  retired_to  INTEGER NOT NULL,
  why         TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  PRIMARY KEY (measurement, generation)
) STRICT, WITHOUT ROWID;

-- What many runs have in common: the metrics' names, which of them are derived,
-- the window's kind, the tool.
CREATE TABLE shape (
  id      INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE CHECK (json_valid(content))
) STRICT;

-- A run counts while its index is above its measurement's retired_to. No index ever
-- stands for two runs.
CREATE TABLE run (
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  idx         INTEGER NOT NULL CHECK (idx >= 1),
  step        INTEGER NOT NULL REFERENCES step(id),
  start       INTEGER REFERENCES server_start(id),
  shape       INTEGER NOT NULL REFERENCES shape(id),
  started     INTEGER NOT NULL,
  elapsed     INTEGER NOT NULL,
  requests    INTEGER NOT NULL CHECK (requests >= 0),
  failed      INTEGER NOT NULL CHECK (failed >= 0),
  merged      INTEGER NOT NULL CHECK (merged >= 0),
  source      TEXT    NOT NULL,
  vals        BLOB    NOT NULL,                          -- float64, little endian, in the shape's order
  findings    TEXT    CHECK (json_valid(findings)),
  checksum    INTEGER NOT NULL,                          -- CRC-32C over the row's figures and its shape
  PRIMARY KEY (measurement, idx)
) STRICT, WITHOUT ROWID;

-- Raw requests, apart, so that planning never reads them.
CREATE TABLE run_rows (
  id          INTEGER PRIMARY KEY,
  measurement INTEGER NOT NULL,
  idx         INTEGER NOT NULL,
  requests    INTEGER NOT NULL,
  data        BLOB    NOT NULL,                          -- JSON, gzip; token times as differences
  UNIQUE (measurement, idx),
  FOREIGN KEY (measurement, idx) REFERENCES run(measurement, idx) ON DELETE CASCADE
) STRICT;

-- A failure stands while it is the newest of its generation and no run came after.
CREATE TABLE failure (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  generation  INTEGER NOT NULL,
  runs        INTEGER NOT NULL,                          -- that were there before it
  step        INTEGER NOT NULL REFERENCES step(id),
  kind        TEXT    NOT NULL,
  message     TEXT    NOT NULL
) STRICT;
CREATE INDEX failure_by_measurement ON failure(measurement, generation);

CREATE TABLE look (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  generation  INTEGER NOT NULL,
  step        INTEGER NOT NULL REFERENCES step(id),
  runs        INTEGER NOT NULL,
  of          INTEGER NOT NULL,
  level       REAL    NOT NULL,
  decided     INTEGER NOT NULL CHECK (decided IN (0, 1)),
  claims      TEXT    NOT NULL CHECK (json_valid(claims))
) STRICT;
CREATE INDEX look_by_measurement ON look(measurement);

-- One row each time that claims were judged; same_as names an earlier judging with
-- equal judgements, which are then not written again.
CREATE TABLE judging (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  apply   INTEGER REFERENCES apply(num),                 -- NULL: without an apply
  at      INTEGER NOT NULL,
  hash    TEXT    NOT NULL,
  same_as INTEGER REFERENCES judging(id)
) STRICT;
CREATE INDEX judging_by_apply ON judging(apply);

CREATE TABLE judgement (
  id          INTEGER PRIMARY KEY,
  judging     INTEGER NOT NULL REFERENCES judging(id),
  experiment  TEXT    NOT NULL,
  claim       TEXT    NOT NULL,
  cell        TEXT    NOT NULL,                          -- empty: over all cells
  verdict     TEXT    NOT NULL CHECK (verdict IN ('pass', 'fail', 'inconclusive', 'not_comparable', 'no_data')),
  data        TEXT    NOT NULL CHECK (json_valid(data))  -- the whole judgement
) STRICT;
CREATE INDEX judgement_by_judging ON judgement(judging);

-- The rules of the claims that a measurement was judged under.
CREATE TABLE rule_set (
  id      INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE CHECK (json_valid(content))
) STRICT;

-- What a measurement was judged by; a row is added when that changes.
CREATE TABLE judged (
  measurement INTEGER NOT NULL REFERENCES measurement(num) ON DELETE CASCADE,
  judging     INTEGER NOT NULL REFERENCES judging(id),
  rules       INTEGER NOT NULL REFERENCES rule_set(id),
  bases       TEXT    NOT NULL,                          -- distinct, separated by commas
  data        INTEGER NOT NULL CHECK (data IN (0, 1)),   -- whether there were runs
  PRIMARY KEY (measurement, judging)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_batch (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  apply  INTEGER REFERENCES apply(num),
  events INTEGER NOT NULL,
  data   BLOB    NOT NULL                                -- JSON lines, gzip
) STRICT;
CREATE INDEX event_batch_by_apply ON event_batch(apply);
