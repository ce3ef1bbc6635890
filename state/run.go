package state

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// shape is what the runs of one benchmark have in common. It is stored once; a run
// keeps its figures in the order of the names.
type shape struct {
	Metrics    []metric.Name   `json:"metrics"`
	Derived    []metric.Name   `json:"derived,omitempty"`
	Window     spec.WindowKind `json:"window"`
	Provenance spec.Provenance `json:"provenance"` // without the source, which differs from run to run
	// Report is what the server reported of itself, without what differs from run to run;
	// nil: nobody asked.
	Report *spec.ServerReport `json:"report,omitempty"`
	sum    uint32             // checksum of its content
}

// figures is a run's row apart from its keys.
type figures struct {
	index    int64
	start    int64
	shape    int64
	started  int64
	elapsed  int64
	requests int64
	failed   int64
	merged   int64
	source   string
	values   []byte
	findings []byte // JSON; empty: none
	seen     []byte // JSON; empty: nothing
	checksum uint32
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// sum is the checksum over the run's figures and its shape: SQLite has none of its
// own, and a bit that flips in a figure must not reach a verdict.
func (f *figures) sum(shape uint32, table *crc32.Table) uint32 {
	var fixed [8 * 8]byte
	for i, n := range [...]int64{f.index, f.start, f.started, f.elapsed, f.requests, f.failed, f.merged, int64(shape)} {
		binary.LittleEndian.PutUint64(fixed[8*i:], uint64(n))
	}
	sum := crc32.Update(0, table, fixed[:])
	sum = crc32.Update(sum, table, f.values)
	sum = crc32.Update(sum, table, f.findings)
	return crc32.Update(sum, table, f.seen)
}

func packValues(values metric.Values) ([]byte, error) {
	packed := make([]byte, 0, 8*len(values))
	for _, v := range values {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
			return nil, misuse("metric %s of a run is %v", v.Metric, v.Value)
		}
		packed = binary.LittleEndian.AppendUint64(packed, math.Float64bits(v.Value))
	}
	return packed, nil
}

func shapeOf(result *spec.RunResult) (string, error) {
	s := shape{Metrics: make([]metric.Name, len(result.Values)), Derived: result.Derived, Window: result.Window, Provenance: result.Provenance}
	s.Provenance.Source = ""
	if result.Seen != nil && result.Seen.Server != nil {
		r := *result.Seen.Server
		r.Before, r.After, r.Flushed = nil, nil, false
		s.Report = &r
	}
	for i, v := range result.Values {
		s.Metrics[i] = v.Metric
	}
	content, err := json.Marshal(s)
	return string(content), err
}

// packRows compresses raw rows, before the transaction begins. Token times
// are kept as the time since the token before, which packs better.
func packRows(list []spec.RequestRow) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	rows := slices.Clone(list)
	for i := range rows {
		times := slices.Clone(rows[i].TokenTimes)
		for n := len(times) - 1; n > 0; n-- {
			times[n] -= times[n-1]
		}
		rows[i].TokenTimes = times
	}
	content, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("request rows: %w", err)
	}
	return compress(content)
}

func (t *transaction) addRun(step int64, run *spec.Run, rows []byte) error {
	if run == nil {
		return nil
	}
	m, err := t.measurement(run.Measurement)
	if err != nil {
		return err
	}
	if run.Index <= m.retiredTo {
		return &failure{FaultDuplicate, fmt.Errorf("run %d of measurement %s: runs up to %d were set aside, new ones count on from there", run.Index, run.Measurement, m.retiredTo)}
	}
	f, err := t.figuresOf(run)
	if err != nil {
		return err
	}
	start := sql.NullInt64{Int64: f.start, Valid: f.start != 0}
	findings := sql.NullString{String: string(f.findings), Valid: len(f.findings) > 0}
	seen := sql.NullString{String: string(f.seen), Valid: len(f.seen) > 0}
	_, err = t.exec(insertRun, m.num, f.index, step, start, f.shape, f.started, f.elapsed, f.requests, f.failed, f.merged, f.source, f.values, findings, seen, int64(f.checksum))
	if err != nil {
		return fmt.Errorf("run %d of measurement %s: %w", run.Index, run.Measurement, err)
	}
	if rows == nil {
		return nil
	}
	_, err = t.exec(insertRows, m.num, run.Index, len(run.Result.Rows), rows)
	return err
}

func (t *transaction) figuresOf(run *spec.Run) (figures, error) {
	r := &run.Result
	f := figures{index: int64(run.Index), start: run.Start, started: nanos(r.Started), elapsed: int64(r.Elapsed),
		requests: int64(r.Requests), failed: int64(r.Failed), merged: int64(r.Merged), source: r.Provenance.Source}
	content, err := shapeOf(r)
	if err != nil {
		return f, fmt.Errorf("run: %w", err)
	}
	if f.values, err = packValues(r.Values); err != nil {
		return f, err
	}
	if len(r.Findings) > 0 {
		if f.findings, err = json.Marshal(r.Findings); err != nil {
			return f, fmt.Errorf("findings: %w", err)
		}
	}
	if f.seen, err = packSeen(r.Seen); err != nil {
		return f, fmt.Errorf("observation: %w", err)
	}
	if f.shape, err = t.intern(selectShape, insertShape, content); err != nil {
		return f, err
	}
	table := castagnoli()
	f.checksum = f.sum(crc32.Checksum([]byte(content), table), table)
	return f, nil
}

// packSeen keeps of what was seen all that the run's shape does not have.
func packSeen(seen *spec.Observation) ([]byte, error) {
	if seen == nil {
		return nil, nil
	}
	own := *seen
	if r := seen.Server; r != nil {
		own.Server = &spec.ServerReport{Before: r.Before, After: r.After, Flushed: r.Flushed}
	}
	return json.Marshal(own)
}

// unpackSeen is the reverse of packSeen. Runs of one shape share the report's lists.
func unpackSeen(packed []byte, s *shape) (*spec.Observation, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	seen := new(spec.Observation)
	if err := json.Unmarshal(packed, seen); err != nil {
		return nil, fmt.Errorf("observation: %w", err)
	}
	if own := seen.Server; own != nil && s.Report != nil {
		r := *s.Report
		r.Before, r.After, r.Flushed = own.Before, own.After, own.Flushed
		seen.Server = &r
	}
	return seen, nil
}

// Runs returns the runs that count of each measurement, in order of their index,
// without raw rows. A run whose checksum does not hold is FaultDamaged.
func (r *Reader) Runs(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Run, error) {
	ids := unique(measurements)
	set, err := keys(ids)
	if err != nil {
		return nil, err
	}
	list, err := r.readRuns(ctx, selectRuns, set, ids)
	if err != nil {
		return nil, err
	}
	runs := make(map[spec.ID][]spec.Run, len(ids))
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Measurement == list[0].Measurement {
			n++
		}
		runs[list[0].Measurement] = list[:n:n]
		list = list[n:]
	}
	return runs, nil
}

// readRuns reads the runs that a query gives: of the measurements that its first
// column numbers, in order of the measurements and of their index.
func (r *Reader) readRuns(ctx context.Context, query string, key any, ids []spec.ID) ([]spec.Run, error) {
	if r.db == nil {
		return nil, nil
	}
	u := &unpacker{table: castagnoli(), shapes: map[int64]*shape{}}
	if err := r.each(ctx, "read runs", listShapes, nil, u.addShape); err != nil {
		return nil, err
	}
	runs := make([]spec.Run, 0, 3*len(ids))
	err := r.each(ctx, "read runs", query, []any{key}, func(rows *sql.Rows) error {
		place, err := u.scan(rows)
		if err != nil {
			return err
		}
		i := int(place)
		run := spec.Run{Measurement: ids[i]}
		if err := u.unpack(&run); err != nil {
			return damaged(fmt.Sprintf("run %d of measurement %s", u.row.index, ids[i]), err)
		}
		runs = append(runs, run)
		return nil
	})
	sortRuns(runs, ids)
	return runs, err
}

// sortRuns puts runs in order of their measurements and of their index. SQLite gives
// them so as it walks its indexes, but does not promise it without sorting itself.
func sortRuns(runs []spec.Run, ids []spec.ID) {
	places := make(map[spec.ID]int, len(ids))
	for i, id := range ids {
		places[id] = i
	}
	order := func(a, b spec.Run) int {
		if a.Measurement == b.Measurement {
			return a.Index - b.Index
		}
		return places[a.Measurement] - places[b.Measurement]
	}
	if !slices.IsSortedFunc(runs, order) {
		slices.SortFunc(runs, order)
	}
}

// unpacker turns rows into runs.
type unpacker struct {
	table    *crc32.Table
	shapes   map[int64]*shape
	row      figures
	raw      [3]sql.RawBytes // values, findings and observation, valid until the next row
	slab     []metric.Value  // values are cut from it, to allocate seldom
	checksum int64
}

func (u *unpacker) addShape(rows *sql.Rows) error {
	var id int64
	var content string
	if err := rows.Scan(&id, &content); err != nil {
		return err
	}
	s := &shape{sum: crc32.Checksum([]byte(content), u.table)}
	u.shapes[id] = s
	return decode("shape "+strconv.FormatInt(id, 10), content, s)
}

// scan reads one row; its first column says whose run it is.
func (u *unpacker) scan(rows *sql.Rows) (int64, error) {
	var owner int64
	f := &u.row
	err := rows.Scan(&owner, &f.index, &f.start, &f.shape, &f.started, &f.elapsed, &f.requests, &f.failed, &f.merged, &f.source, &u.raw[0], &u.raw[1], &u.raw[2], &u.checksum)
	f.values, f.findings, f.seen = u.raw[0], u.raw[1], u.raw[2]
	return owner, err
}

func (u *unpacker) unpack(run *spec.Run) error {
	f := &u.row
	s, ok := u.shapes[f.shape]
	if !ok || len(f.values) != 8*len(s.Metrics) {
		return errors.New("its figures do not fit its shape")
	}
	if int64(f.sum(s.sum, u.table)) != u.checksum {
		return errors.New("its checksum does not hold")
	}
	run.Index, run.Start = int(f.index), f.start
	run.Result = spec.RunResult{Derived: s.Derived, Window: s.Window, Started: timeOf(f.started), Elapsed: time.Duration(f.elapsed),
		Requests: int(f.requests), Failed: int(f.failed), Merged: int(f.merged), Provenance: s.Provenance}
	run.Result.Provenance.Source = f.source
	run.Result.Values = u.values(s.Metrics, f.values)
	if len(f.findings) > 0 {
		if err := json.Unmarshal(f.findings, &run.Result.Findings); err != nil {
			return fmt.Errorf("findings: %w", err)
		}
	}
	var err error
	run.Result.Seen, err = unpackSeen(f.seen, s)
	return err
}

func (u *unpacker) values(names []metric.Name, packed []byte) metric.Values {
	n := len(names)
	if n == 0 {
		return nil
	}
	if len(u.slab) < n {
		u.slab = make([]metric.Value, max(n, 4096))
	}
	values := metric.Values(u.slab[:n:n])
	u.slab = u.slab[n:]
	for i, name := range names {
		values[i] = metric.Value{Metric: name, Value: math.Float64frombits(binary.LittleEndian.Uint64(packed[8*i:]))}
	}
	return values
}

// RowsOf returns the raw requests of one run, one set aside included; none where the
// run brought none, or is not there.
func (r *Reader) RowsOf(ctx context.Context, measurement spec.ID, index int) ([]spec.RequestRow, error) {
	var packed []byte
	found, err := r.first(ctx, "read request rows", selectRows, []any{index, string(measurement)}, &packed)
	if err != nil || !found {
		return nil, err
	}
	rows, err := unpackRows(packed)
	return rows, explain(r.path, "read request rows", err)
}

// unpackRows is the reverse of packRows.
func unpackRows(packed []byte) ([]spec.RequestRow, error) {
	content, err := decompress(packed)
	if err != nil {
		return nil, err
	}
	var rows []spec.RequestRow
	if err := decode("request rows", string(content), &rows); err != nil {
		return nil, err
	}
	for i := range rows {
		times := rows[i].TokenTimes
		for n := 1; n < len(times); n++ {
			times[n] += times[n-1]
		}
	}
	return rows, nil
}
