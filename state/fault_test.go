package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"aicv/spec"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// unprivileged runs f without root's power over file permissions.
func unprivileged(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread() // the file-system user belongs to the thread
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Skipf("can not give up root's rights on files: %v", err)
	}
	defer func() {
		if _, err := unix.SetfsuidRetUid(0); err != nil {
			panic(err)
		}
	}()
	f()
}

func execute(tb testing.TB, path, statements string) {
	tb.Helper()
	db, err := sql.Open("sqlite", path)
	must(tb, err)
	_, err = db.Exec(statements)
	must(tb, errors.Join(err, db.Close()))
}

// closedState is a small state, closed.
func closedState(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "state.db")
	s := mustOpen(tb, path)
	ctx := context.Background()
	must(tb, s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p", PlanData: []byte("plan")}))
	for n := 1; n <= 3; n++ {
		run := sampleRun("m", n)
		run.Result.Rows = []spec.RequestRow{{Index: 1, Latency: 5}}
		runStep(tb, s, spec.Outcome{Run: run})
	}
	runStep(tb, s, failed("f", spec.ErrConfiguration))
	must(tb, s.Judge(ctx, "a", []spec.Judgement{judgement("m", "ttft within 10%", "0.1", "b")}))
	must(tb, s.Close())
	return path
}

func TestUnfitFiles(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(path string)
		writing Fault
		reading Fault // empty: it can be read
		kind    spec.ErrorKind
		says    string
	}{
		"folder":            {func(p string) { must(t, os.Remove(p)); must(t, os.Mkdir(p, 0o755)) }, FaultNotState, FaultNotState, spec.ErrUsage, "regular file"},
		"text":              {func(p string) { must(t, os.WriteFile(p, make([]byte, 4096), 0o644)) }, FaultNotState, FaultNotState, spec.ErrUsage, "not an aicv state"},
		"another program's": {func(p string) { must(t, os.Remove(p)); execute(t, p, "CREATE TABLE precious (x)") }, FaultNotState, FaultNotState, spec.ErrUsage, "another program"},
		"newer":             {func(p string) { execute(t, p, "PRAGMA user_version=99") }, FaultNewer, FaultNewer, spec.ErrUsage, "version 99, this aicv knows"},
		"without version":   {func(p string) { execute(t, p, "PRAGMA user_version=0") }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "damaged"},
		"truncated":         {func(p string) { must(t, os.Truncate(p, 6000)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "backup"},
		"empty":             {func(p string) { must(t, os.Truncate(p, 0)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "never empty"},
		"one byte":          {func(p string) { must(t, os.Truncate(p, 1)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "backup"},
		"half a header":     {func(p string) { must(t, os.Truncate(p, 50)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "backup"},
		"a header":          {func(p string) { must(t, os.Truncate(p, 100)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "backup"},
		"first page":        {func(p string) { must(t, os.Truncate(p, 4096)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "backup"},
		"empty database":    {func(p string) { must(t, os.Remove(p)); execute(t, p, "VACUUM") }, FaultNotState, FaultNotState, spec.ErrUsage, "without content"},
		"only its log":      {func(p string) { must(t, os.Rename(p, p+logSuffix)) }, FaultDamaged, FaultDamaged, spec.ErrInfrastructure, "state.db-wal"},
		"read-only file":    {func(p string) { must(t, os.Chmod(p, 0o444)) }, FaultReadOnly, "", spec.ErrUsage, "writable"},
		"read-only folder": {func(p string) {
			must(t, os.Remove(p+lockSuffix))
			must(t, os.Chmod(filepath.Dir(p), 0o555))
		}, FaultReadOnly, "", spec.ErrUsage, "writable"},
		"secret file": {func(p string) { must(t, os.Chmod(p, 0)) }, FaultUnreadable, FaultUnreadable, spec.ErrUsage, "permissions"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := closedState(t)
			must(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755)) // for the other user of this test
			must(t, os.Chmod(filepath.Dir(path), 0o777))
			must(t, os.Chmod(path, 0o666))
			must(t, os.Chmod(path+lockSuffix, 0o666))
			c.spoil(path)
			before, _ := os.ReadFile(path)
			unprivileged(t, func() {
				s, err := Open(ctx, path, Options{})
				if err == nil {
					must(t, s.Close())
				}
				wantFault(t, err, c.writing, c.kind, c.says, path)
				r, err := OpenReader(ctx, path)
				if c.reading != "" {
					wantFault(t, err, c.reading, c.kind, c.says, path)
					return
				}
				must(t, err)
				if runs := got[map[spec.ID][]spec.Run](t)(r.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 3 {
					t.Errorf("read: %v", runs)
				}
				must(t, r.Close())
			})
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
			_, held := LockedBy(path)
			if held {
				t.Error("the lock is still held")
			}
		})
	}
}

func TestFolderThatCanNotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	_, err := Open(context.Background(), filepath.Join(file, "state.db"), Options{})
	wantFault(t, err, FaultIO, spec.ErrInfrastructure, "make the folder")
}

// A full disk stops the change that met it, whole. What was committed stays, and
// with space again the state goes on.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	s := got[*Store](t)(Open(ctx, path, Options{MaxPages: 70}))
	must(t, s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p"}))
	committed := 0
	var full error
	for n := 1; n < 10_000 && full == nil; n++ {
		run := sampleRun("m", n)
		run.Result.Provenance.Source = fmt.Sprint(make([]int, 500))
		if _, full = tryStep(s, spec.Outcome{Run: run}); full == nil {
			committed = n
		}
	}
	wantFault(t, full, FaultFull, spec.ErrInfrastructure, "free space")
	check := func(s *Store) {
		t.Helper()
		if problems := got[[]string](t)(s.Check(ctx)); len(problems) > 0 {
			t.Errorf("%q", problems)
		}
		if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != committed || committed == 0 {
			t.Errorf("%d runs, %d committed", len(runs["m"]), committed)
		}
	}
	check(s)
	_, again := tryStep(s, spec.Outcome{Run: sampleRun("m", committed+1), Message: string(make([]byte, 40_000))})
	wantFault(t, again, FaultFull, spec.ErrInfrastructure)
	must(t, s.Close())
	s = mustOpen(t, path)
	check(s)
	committed++
	runStep(t, s, spec.Outcome{Run: sampleRun("m", committed)})
	check(s)
	must(t, s.Close())

	path = filepath.Join(t.TempDir(), "state.db")
	_, err := Open(ctx, path, Options{MaxPages: 3}) // not even the tables fit
	wantFault(t, err, FaultFull, spec.ErrInfrastructure)
	must(t, mustOpen(t, path).Close()) // with room again they do
}

// readAll reads everything; damage must come back as an error, or not matter.
func readAll(ctx context.Context, r *Reader) (map[spec.ID][]spec.Run, error) {
	ids := []spec.ID{"m", "f"}
	runs, err := r.Runs(ctx, ids)
	_, e1 := r.Failures(ctx, ids)
	_, e2 := r.Measurements(ctx)
	_, e3 := r.Rules(ctx, ids)
	_, e4 := r.History(ctx)
	_, e5 := r.Judgements(ctx, "")
	_, _, e6 := r.Apply(ctx, "p")
	_, e7 := r.OpenSteps(ctx)
	_, e8 := r.Steps(ctx, "a")
	_, e9 := r.RowsOf(ctx, "m", 1)
	_, e10 := r.Check(ctx)
	return runs, errors.Join(err, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10)
}

// spoil flips some bits, or cuts the end off.
func spoil(random *rand.Rand, whole []byte) []byte {
	broken := append([]byte(nil), whole...)
	if random.IntN(4) == 0 {
		return broken[:random.IntN(len(broken))]
	}
	for range 1 + random.IntN(12) {
		broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
	}
	return broken
}

// Whatever happens to the bytes of the file, no run comes back with other figures.
func TestDamagedFile(t *testing.T) {
	ctx := context.Background()
	path := closedState(t)
	whole := got[[]byte](t)(os.ReadFile(path))
	r := got[*Reader](t)(OpenReader(ctx, path))
	sound := got[map[spec.ID][]spec.Run](t)(readAll(ctx, r))
	must(t, r.Close())
	random := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for n := range 250 {
		place := filepath.Join(t.TempDir(), "state.db")
		must(t, os.WriteFile(place, spoil(random, whole), 0o644))
		var runs map[spec.ID][]spec.Run
		s, err := Open(ctx, place, Options{})
		if err == nil {
			runs, err = readAll(ctx, s.Reader)
			_, _ = tryStep(s, spec.Outcome{Run: sampleRun("new", 1)}) // may fail, must not panic
			_ = s.Close()
		}
		if err != nil {
			refused++
			var typed *spec.Error
			if !errors.As(err, &typed) {
				t.Fatalf("damage %d: untyped error %v", n, err)
			}
			continue
		}
		for _, run := range runs["m"] {
			if i := run.Index; i < 1 || i > 3 || cmp.Diff(sound["m"][i-1].Result.Values, run.Result.Values) != "" {
				t.Fatalf("damage %d gave another run: %+v", n, run)
			}
		}
	}
	if refused < 50 {
		t.Errorf("only %d of 250 damaged files were refused", refused)
	}
}

// A log with damage is recovered up to it, as SQLite does: what comes back is some
// earlier committed state.
func TestDamagedLog(t *testing.T) {
	ctx := context.Background()
	path := closedState(t)
	s := mustOpen(t, path)
	for n := 4; n <= 9; n++ {
		runStep(t, s, spec.Outcome{Run: sampleRun("m", n)})
	}
	main, log := got[[]byte](t)(os.ReadFile(path)), got[[]byte](t)(os.ReadFile(path+"-wal"))
	must(t, s.Close())
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 100 {
		place := filepath.Join(t.TempDir(), "state.db")
		must(t, os.WriteFile(place, main, 0o644))
		must(t, os.WriteFile(place+"-wal", spoil(random, log), 0o644))
		s, err := Open(ctx, place, Options{})
		if err != nil {
			wantFault(t, err, FaultDamaged, spec.ErrInfrastructure)
			continue
		}
		runs, err := readAll(ctx, s.Reader)
		must(t, err)
		if len(runs["m"]) < 3 || len(runs["m"]) > 9 {
			t.Errorf("log %d: %d runs", n, len(runs["m"]))
		}
		must(t, s.Close())
	}
}

// A state of a folder that can not be written, with a log that a crash left: SQLite
// can not read it there, and ignoring the log would lose facts.
func TestUnreadableLog(t *testing.T) {
	ctx := context.Background()
	path := closedState(t)
	s := mustOpen(t, path)
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 4)})
	place := filepath.Join(t.TempDir(), "state.db")
	for _, suffix := range []string{"", "-wal"} {
		must(t, os.WriteFile(place+suffix, got[[]byte](t)(os.ReadFile(path+suffix)), 0o444))
	}
	must(t, s.Close())
	must(t, os.Chmod(filepath.Dir(filepath.Dir(place)), 0o755))
	must(t, os.Chmod(filepath.Dir(place), 0o555))
	unprivileged(t, func() {
		r, err := OpenReader(ctx, place)
		if err == nil {
			runs := got[map[spec.ID][]spec.Run](t)(r.Runs(ctx, []spec.ID{"m"}))
			must(t, r.Close())
			if len(runs["m"]) != 4 {
				t.Errorf("the log was ignored: %d runs", len(runs["m"]))
			}
			return
		}
		wantFault(t, err, FaultUnreadable, spec.ErrUsage)
	})
}

// A state that somebody removes or replaces under an apply is an error of the next write.
func TestStateThatIsTakenAway(t *testing.T) {
	for name, take := range map[string]func(folder, path string) error{
		"removed":  func(_, path string) error { return os.Remove(path) },
		"folder":   func(folder, _ string) error { return os.RemoveAll(folder) },
		"replaced": func(folder, path string) error { return os.Rename(filepath.Join(folder, "copy"), path) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), ".aicv")
			path := filepath.Join(folder, "state.db")
			s := mustOpen(t, path)
			must(t, s.BeginApply(t.Context(), spec.ApplyRecord{ID: "a", Plan: "p"}))
			must(t, os.WriteFile(filepath.Join(folder, "copy"), []byte("x"), 0o600))
			must(t, take(folder, path))
			_, err := tryStep(s, spec.Outcome{Run: sampleRun("m", 1)})
			wantFault(t, err, FaultGone, spec.ErrInfrastructure, "removed or replaced", "apply again")
			_ = s.Close() // its files may be gone
		})
	}
}
