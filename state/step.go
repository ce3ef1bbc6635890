package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aicv/spec"
)

// Begin commits a step's intent and returns its id. The step's own ID is ignored.
func (s *Store) Begin(ctx context.Context, step spec.Step) (int64, error) {
	var id int64
	err := s.writer.change(ctx, "begin the step", true, func(t *transaction) error {
		num, err := t.applyNum(step.Apply)
		if err != nil {
			return err
		}
		if num == nil {
			return misuse("a step needs an apply")
		}
		id, err = t.insert(insertStep, *num, step.Node, step.Attempt, step.Kind, step.Subject, step.Key, nanos(step.Started))
		return err
	})
	return id, err
}

// End commits what came of a step, with its facts, or none of it. It returns the id
// of the server start that the outcome brought, 0 where it brought none. A start
// that is there already under the same deployment and number, of the same server
// (adopted after a crash), keeps its id. A step ends once.
func (s *Store) End(ctx context.Context, step int64, outcome spec.Outcome) (int64, error) {
	packed, cut, err := packAll(&outcome)
	if err != nil {
		return 0, explain(s.Reader.path, "record the outcome", err)
	}
	var start int64
	err = s.writer.change(ctx, "record the outcome", true, func(t *transaction) error {
		if err := t.endStep(step, outcome); err != nil {
			return err
		}
		var err error
		if start, err = t.addStart(step, outcome.Start); err != nil {
			return err
		}
		return errors.Join(
			t.addRun(step, outcome.Run, packed),
			t.addAborted(step, outcome.Aborted, cut),
			t.addFailures(step, outcome.Failures),
			t.addLook(step, outcome.Look),
		)
	})
	if err != nil {
		return 0, err
	}
	return start, nil
}

// packAll compresses the rows of an outcome's run and of what was cut short of one.
func packAll(o *spec.Outcome) (run, aborted []byte, err error) {
	if o.Run != nil {
		if run, err = packRows(o.Run.Result.Rows); err != nil {
			return nil, nil, err
		}
	}
	if o.Aborted != nil {
		aborted, err = packRows(o.Aborted.Rows)
	}
	return run, aborted, err
}

func (t *transaction) endStep(step int64, o spec.Outcome) error {
	switch o.Status {
	case spec.StepDone, spec.StepFailed, spec.StepAbandoned:
	default:
		return misuse("a step can not end as %q", o.Status)
	}
	if o.Run != nil && o.Status != spec.StepDone {
		return misuse("a step that ended as %q can not bring a run", o.Status)
	}
	if o.Aborted != nil && (o.Status == spec.StepDone || len(o.Aborted.Rows) == 0) {
		return misuse("a step that ended as %q can not bring a run that was cut short after %d requests", o.Status, len(o.Aborted.Rows))
	}
	ended, err := t.changed(endStep, o.Status, o.Message, nanos(o.Finished), step)
	if err != nil || ended {
		return err
	}
	var status sql.NullString
	found, err := t.first(selectStep, []any{step}, &status)
	if err == nil && found {
		err = misuse("step %d ended before, as %q", step, status.String)
	} else if err == nil {
		err = misuse("there is no step %d", step)
	}
	return err
}

func (t *transaction) addStart(step int64, start *spec.ServerStart) (int64, error) {
	if start == nil {
		return 0, nil
	}
	s := *start
	if s.Number == 0 {
		if _, err := t.first(selectLastStart, []any{s.Deployment}, &s.Number); err != nil {
			return 0, err
		}
		s.Number++
	} else if id, err := t.adoptedStart(s); err != nil || id != 0 {
		return id, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return 0, fmt.Errorf("server start: %w", err)
	}
	return t.insert(insertStart, step, s.Deployment, s.Number, string(data), nanos(s.Stopped))
}

// adoptedStart finds the same start, still up: a process that crashed after it had
// recorded the start finds its server again.
func (t *transaction) adoptedStart(s spec.ServerStart) (int64, error) {
	var id, stopped int64
	var data string
	found, err := t.first(selectStart, []any{s.Deployment, s.Number}, &id, &data, &stopped)
	if err != nil || !found {
		return 0, err
	}
	var earlier spec.ServerStart
	if err := decode("server start", data, &earlier); err != nil {
		return 0, err
	}
	if stopped == 0 && earlier.Server.ID == s.Server.ID && earlier.Server.Key == s.Server.Key {
		return id, nil
	}
	return 0, &failure{FaultDuplicate, fmt.Errorf("start %d of deployment %s is recorded already, for another server", s.Number, s.Deployment)}
}

func (t *transaction) addFailures(step int64, failures []spec.CellFailure) error {
	for _, f := range failures {
		m, err := t.measurement(f.Measurement)
		if err != nil {
			return err
		}
		var runs int
		if _, err := t.first(countRuns, []any{m.num, m.retiredTo}, &runs); err != nil {
			return err
		}
		if _, err := t.exec(insertFailure, m.num, m.generation, runs, step, f.Failure.Kind, f.Failure.Message); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) addLook(step int64, look *spec.Look) error {
	if look == nil {
		return nil
	}
	m, err := t.measurement(look.Measurement)
	if err != nil {
		return err
	}
	claims, err := json.Marshal(look.Claims)
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	_, err = t.exec(insertLook, m.num, m.generation, step, look.Runs, look.Of, look.Level, look.Decided, string(claims))
	return err
}

// Stopped notes that a server start is over. Noting it twice changes nothing.
func (s *Store) Stopped(ctx context.Context, start int64) error {
	return s.writer.change(ctx, "note the stop", true, func(t *transaction) error {
		changed, err := t.changed(stopStart, time.Now().UnixNano(), start)
		if err != nil || changed {
			return err
		}
		var one int
		found, err := t.first(selectStartID, []any{start}, &one)
		if err == nil && !found {
			err = misuse("there is no server start %d", start)
		}
		return err
	})
}

// OpenSteps lists the steps whose outcome was never committed, oldest first.
func (r *Reader) OpenSteps(ctx context.Context) ([]spec.Step, error) {
	return collect(ctx, r, "read open steps", selectOpenSteps, nil, func(scan scanner) (spec.Step, error) {
		record, err := scanStep(scan)
		return record.Step, err
	})
}

// Steps lists all steps of an apply with their status, in the order in which they
// were begun.
func (r *Reader) Steps(ctx context.Context, apply string) ([]spec.StepRecord, error) {
	return collect(ctx, r, "read steps", selectSteps, []any{apply}, scanStep)
}

func scanStep(scan scanner) (spec.StepRecord, error) {
	var s spec.StepRecord
	var started int64
	err := scan(&s.ID, &s.Apply, &s.Node, &s.Attempt, &s.Kind, &s.Subject, &s.Key, &started, &s.Status, &s.Message)
	s.Started = timeOf(started)
	return s, err
}

// Starts returns the bring-ups of each deployment, oldest first.
func (r *Reader) Starts(ctx context.Context, deployments []spec.ID) (map[spec.ID][]spec.ServerStart, error) {
	found := map[spec.ID][]spec.ServerStart{}
	set, err := keys(unique(deployments))
	if err != nil {
		return nil, err
	}
	err = r.starts(ctx, selectStarts, []any{set}, func(start spec.ServerStart) {
		found[start.Deployment] = append(found[start.Deployment], start)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Running lists the bring-ups that are not known to be over, of every deployment and
// on every target, oldest first.
func (r *Reader) Running(ctx context.Context) ([]spec.ServerStart, error) {
	var running []spec.ServerStart
	err := r.starts(ctx, selectRunning, nil, func(start spec.ServerStart) { running = append(running, start) })
	return running, err
}

func (r *Reader) starts(ctx context.Context, query string, args []any, use func(spec.ServerStart)) error {
	return r.each(ctx, "read server starts", query, args, func(rows *sql.Rows) error {
		var id, stopped int64
		var deployment spec.ID
		var data string
		if err := rows.Scan(&id, &deployment, &data, &stopped); err != nil {
			return err
		}
		var start spec.ServerStart
		if err := decode("server start", data, &start); err != nil {
			return err
		}
		start.ID, start.Deployment, start.Stopped = id, deployment, timeOf(stopped)
		use(start)
		return nil
	})
}
