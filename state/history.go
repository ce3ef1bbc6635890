package state

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"aicv/spec"
)

// History returns what the state holds of every measurement. Plans ask for nearly all of it, so each table is walked through once and joined
// here: that takes a third of the time of looking every measurement up.
func (r *Reader) History(ctx context.Context) (map[spec.ID]*spec.History, error) {
	rules, err := r.ruleSets(ctx)
	if err != nil {
		return nil, err
	}
	h := &historian{rules: rules, places: map[int64]int{}, unpacker: unpacker{table: castagnoli(), shapes: map[int64]*shape{}}}
	for _, table := range []struct {
		query string
		add   func(*sql.Rows) error
	}{
		{historyMeasurements, h.addMeasurement}, {listShapes, h.unpacker.addShape}, {historyRuns, h.addRun},
		{historyFailures, h.addFailure}, {historyJudged, h.addJudged},
	} {
		if err := r.each(ctx, "read the history", table.query, nil, table.add); err != nil {
			return nil, err
		}
	}
	return h.finish(), nil
}

// historian joins the tables' rows.
type historian struct {
	rules    map[int64][]spec.PastRule
	unpacker unpacker
	places   map[int64]int // in past, by the measurement's number
	past     []past
	runs     []spec.Run
}

// past is one measurement's history in the making.
type past struct {
	spec.History
	generation int64
	from, to   int           // its part of historian.runs
	failure    *spec.Failure // the newest of its generation, and the runs that were there before it
	failedAt   int
}

func (h *historian) addMeasurement(rows *sql.Rows) error {
	var num int64
	var p past
	err := rows.Scan(&num, &p.ID, &p.Address, &p.generation, &p.LastRetired)
	h.places[num] = len(h.past)
	h.past = append(h.past, p)
	return err
}

// of finds a measurement; nil for one that came up while the tables were read.
func (h *historian) of(num int64) *past {
	if at, known := h.places[num]; known {
		return &h.past[at]
	}
	return nil
}

// addRun takes the runs in order of their measurements and of their index.
func (h *historian) addRun(rows *sql.Rows) error {
	num, err := h.unpacker.scan(rows)
	if err != nil {
		return err
	}
	p := h.of(num)
	if p == nil || int(h.unpacker.row.index) <= p.LastRetired {
		return nil
	}
	if p.from == p.to {
		p.from = len(h.runs)
	}
	run := spec.Run{Measurement: p.ID}
	if err := h.unpacker.unpack(&run); err != nil {
		return damaged(fmt.Sprintf("run %d of measurement %s", h.unpacker.row.index, p.ID), err)
	}
	if h.runs == nil {
		h.runs = make([]spec.Run, 0, len(h.past))
	}
	h.runs = append(h.runs, run)
	p.to = len(h.runs)
	return nil
}

func (h *historian) addFailure(rows *sql.Rows) error {
	var num, generation int64
	var runs int
	var f spec.Failure
	if err := rows.Scan(&num, &generation, &runs, &f.Kind, &f.Message); err != nil {
		return err
	}
	if p := h.of(num); p != nil && generation == p.generation {
		p.failure, p.failedAt = &f, runs
	}
	return nil
}

func (h *historian) addJudged(rows *sql.Rows) error {
	var num, rules int64
	var bases string
	var data bool
	if err := rows.Scan(&num, &bases, &rules, &data); err != nil {
		return err
	}
	p := h.of(num)
	if p == nil {
		return nil
	}
	p.Bases = nil
	for b := range strings.SplitSeq(bases, ",") {
		if b != "" {
			p.Bases = append(p.Bases, spec.ID(b))
		}
	}
	if data {
		p.Rules = addRules(p.Rules, h.rules[rules])
	}
	return nil
}

func (h *historian) finish() map[spec.ID]*spec.History {
	found := make(map[spec.ID]*spec.History, len(h.past))
	for i := range h.past {
		p := &h.past[i]
		if p.from < p.to {
			p.Runs = h.runs[p.from:p.to:p.to]
		}
		if p.failure != nil && p.failedAt == len(p.Runs) { // no run came after it
			p.Failure = p.failure
		}
		found[p.ID] = &p.History
	}
	return found
}
