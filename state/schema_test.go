package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aicv/spec"
	"github.com/google/go-cmp/cmp"
)

// queries reads every statement of queries.go, so that none can escape the test.
func queries(t *testing.T) map[string]string {
	t.Helper()
	file := got[*ast.File](t)(parser.ParseFile(token.NewFileSet(), "queries.go", nil, 0))
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			all[v.Names[0].Name] = got[string](t)(strconv.Unquote(v.Values[0].(*ast.BasicLit).Value))
		}
		return true
	})
	return all
}

// Every statement runs on an index, but for those whose job is to list everything.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	listing := []string{
		"interruptOthers", "listApplies", "selectRunning", // applies and starts are few
		"listMeasurements",                                                       // reads every run's key, in one pass
		"historyMeasurements", "historyRuns", "historyFailures", "historyJudged", // read everything, in one pass each
		"listShapes", "listRuleSets", // few as well
		"checkIntegrity", "checkReferences", "checkRunSteps", "checkRows", "checkAborted", "checkAll",
		"lastJudging", // walks backwards, and LIMIT ends the walk at the first row
	}
	// The set of keys drives a join; step_open holds nothing but the rows wanted.
	harmless := regexp.MustCompile(`^SCAN (k VIRTUAL TABLE|s USING INDEX step_open)`)
	s := newStore(t)
	all := queries(t)
	if len(all) < 60 {
		t.Fatalf("only %d statements found", len(all))
	}
	for name, query := range all {
		for _, line := range got[[]string](t)(explainQuery(s.writer.conn, query)) {
			if strings.HasPrefix(line, "SCAN ") && !harmless.MatchString(line) && !slices.Contains(listing, name) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
	for _, name := range listing {
		if all[name] == "" {
			t.Errorf("there is no statement %s", name)
		}
	}
}

// Nothing that was measured is ever deleted: runs are set aside.
func TestNoStatementDeletes(t *testing.T) {
	for name, query := range queries(t) {
		if strings.Contains(query, "DELETE") {
			t.Errorf("%s deletes: %s", name, query)
		}
	}
}

func explainQuery(conn *sql.Conn, query string) ([]string, error) {
	parameters := strings.Count(query, "?")
	if strings.Contains(query, "?2") {
		parameters = 2
	} else if strings.Contains(query, "?1") {
		parameters = 1
	}
	rows, err := conn.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, make([]any, parameters)...)
	var plan []string
	return plan, eachRow(rows, err, func(rows *sql.Rows) error {
		var id, parent, unused int
		var line string
		err := rows.Scan(&id, &parent, &unused, &line)
		plan = append(plan, line)
		return err
	})
}

// second is a made-up next version of the schema.
func second(script string) []string { return append(migrations(), script) }

func TestMigration(t *testing.T) {
	ctx := context.Background()
	path := closedState(t)
	scripts := second("ALTER TABLE run ADD COLUMN extra TEXT; UPDATE meta SET revision = revision + 100")

	old := got[*Reader](t)(openReader(ctx, path, migrations()))
	before := got[int64](t)(old.Revision(ctx))
	must(t, old.Close())
	copied := got[*Reader](t)(openReader(ctx, path, scripts)) // reading upgrades a copy
	if now := got[int64](t)(copied.Revision(ctx)); now != before+100 {
		t.Errorf("the upgraded copy is at revision %d", now)
	}
	dropped := copied.db
	must(t, copied.Close())
	if err := dropped.Ping(); err == nil {
		t.Error("the copy is still open")
	}
	old = got[*Reader](t)(openReader(ctx, path, migrations()))
	if now := got[int64](t)(old.Revision(ctx)); now != before {
		t.Errorf("reading changed the state: revision %d", now)
	}
	must(t, old.Close())

	for round := range 2 { // the second time there is nothing to do
		s := got[*Store](t)(openLocked(ctx, path, Options{}, scripts))
		if now := got[int64](t)(s.Revision(ctx)); now != before+100 {
			t.Errorf("round %d: revision %d", round, now)
		}
		if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 3 {
			t.Errorf("round %d: %v", round, runs)
		}
		must(t, errors.Join(s.Reader.Close(), s.writer.close()))
	}
	_, err := Open(ctx, path, Options{})
	wantFault(t, err, FaultNewer, spec.ErrUsage)
	_, err = OpenReader(ctx, path)
	wantFault(t, err, FaultNewer, spec.ErrUsage)

	backups := got[[]string](t)(filepath.Glob(path + ".v*"))
	if diff := cmp.Diff([]string{fmt.Sprintf("%s.v%d.bak", path, len(migrations()))}, backups); diff != "" {
		t.Fatalf("backups (-want +got):\n%s", diff)
	}
	s := mustOpen(t, backups[0]) // the version before works with it
	defer s.Close()
	if now := got[int64](t)(s.Revision(ctx)); now != before {
		t.Errorf("the backup is at revision %d, want %d", now, before)
	}
}

// A state of the first schema keeps its runs, which nothing was seen beside.
func TestMigrationOfTheFirstSchema(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, create(ctx, path, 0, migrations()[:1]))
	db := got[*sql.DB](t)(connect(path, accessWrite, 0))
	bare := figures{index: 1, elapsed: 5, requests: 2}
	sum := bare.sum(crc32.Checksum([]byte(`{"metrics":[]}`), castagnoli()), castagnoli())
	for _, q := range []string{
		"INSERT INTO apply (id, plan, started, status) VALUES ('a', 'p', 1, 'finished')",
		"INSERT INTO step (apply, node, attempt, kind, subject, key, started, status) VALUES (1, 0, 1, 'run', 's', 'k', 1, 'done')",
		"INSERT INTO measurement (id, address) VALUES ('m', 'x')",
		`INSERT INTO shape (content) VALUES ('{"metrics":[]}')`,
		fmt.Sprintf("INSERT INTO run (measurement, idx, step, shape, started, elapsed, requests, failed, merged, source, vals, checksum) VALUES (1, 1, 1, 1, 0, 5, 2, 0, 0, '', x'', %d)", sum),
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	must(t, db.Close())
	s := mustOpen(t, path)
	defer s.Close()
	runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"}))
	if len(runs["m"]) != 1 || runs["m"][0].Result.Requests != 2 || runs["m"][0].Result.Seen != nil {
		t.Errorf("runs %+v", runs)
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		script string
		fault  Fault
	}{
		"broken script":      {"ALTER TABLE run ADD COLUMN extra TEXT; SELECT nonsense FROM nowhere", FaultDamaged},
		"lost references":    {"DELETE FROM apply", FaultDamaged},
		"refused constraint": {"UPDATE meta SET revision = -1", FaultMisuse},
	} {
		t.Run(name, func(t *testing.T) {
			path := closedState(t)
			_, err := openLocked(ctx, path, Options{}, second(c.script))
			if faultOf(err) != c.fault {
				t.Errorf("%v is of fault %q", err, faultOf(err))
			}
			s := mustOpen(t, path)
			defer s.Close()
			if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 3 {
				t.Errorf("%v", runs)
			}
			if problems := got[[]string](t)(s.Check(ctx)); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
		})
	}
}

func TestMigrationScriptsAreInOrder(t *testing.T) {
	files := got[[]string](t)(filepath.Glob("migrations/*"))
	for i, file := range files {
		if want := filepath.Join("migrations", pad(i+1)+".sql"); file != want {
			t.Errorf("%s should be %s", file, want)
		}
	}
	if len(files) != len(migrations()) {
		t.Errorf("%d files, %d scripts", len(files), len(migrations()))
	}
}

func pad(n int) string { return strings.Repeat("0", 3-len(strconv.Itoa(n))) + strconv.Itoa(n) }

func TestBackup(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 1)})
	reader := got[*Reader](t)(OpenReader(ctx, s.path))
	defer reader.Close()
	folder := t.TempDir()
	dest := filepath.Join(folder, "it's a copy.db")
	must(t, reader.Backup(ctx, dest)) // while the store is held
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 2)})
	wantFault(t, s.Backup(ctx, dest), FaultMisuse, spec.ErrUsage, "exists already")
	wantFault(t, s.Backup(ctx, filepath.Join(folder, "none", "b")), FaultMisuse, spec.ErrUsage, "no folder")

	restored := mustOpen(t, dest)
	defer restored.Close()
	if got[string](t)(restored.Identity(ctx)) != got[string](t)(s.Identity(ctx)) {
		t.Error("the copy has another identity")
	}
	if runs := got[map[spec.ID][]spec.Run](t)(restored.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 1 {
		t.Errorf("%v", runs)
	}
	names := got[[]os.DirEntry](t)(os.ReadDir(folder))
	for _, n := range names {
		if strings.HasSuffix(n.Name(), ".partial") {
			t.Errorf("left %s", n.Name())
		}
	}
}

// Each invariant, broken by hand, is found.
func TestCheckFindsBrokenFacts(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct{ statements, says string }{
		"sound":            {"", ""},
		"figure":           {"UPDATE run SET requests = 41 WHERE idx = 2", "run 2 of measurement m: its checksum"},
		"value":            {"UPDATE run SET vals = zeroblob(16) WHERE idx = 1", "run 1 of measurement m: its checksum"},
		"missing value":    {"UPDATE run SET vals = zeroblob(8) WHERE idx = 1", "do not fit"},
		"shape":            {"UPDATE shape SET content = replace(content, 'ttft', 'tpot')", "checksum"},
		"rows":             {"UPDATE run_rows SET requests = 9 WHERE idx = 1", "1 rows instead of 9"},
		"damaged rows":     {"UPDATE run_rows SET data = zeroblob(30) WHERE idx = 3", "request rows of run 3"},
		"lost reference":   {"DELETE FROM run WHERE idx = 1", "refers to a row of run"},
		"open step":        {"UPDATE apply SET status = 'finished'; UPDATE step SET status = NULL WHERE id = 4", "step 4 has no outcome"},
		"run without step": {"UPDATE step SET status = 'abandoned' WHERE id = 1", "run 1 of measurement m comes from a step that was not done"},
	} {
		t.Run(name, func(t *testing.T) {
			path := closedState(t)
			execute(t, path, "PRAGMA foreign_keys=0; "+c.statements)
			r := got[*Reader](t)(OpenReader(ctx, path))
			defer r.Close()
			problems := got[[]string](t)(r.Check(ctx))
			if all := strings.Join(problems, "\n"); (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
				t.Errorf("found %q, want %q", problems, c.says)
			}
		})
	}
}

func TestDamagedRunIsNotReturned(t *testing.T) {
	path := closedState(t)
	execute(t, path, "UPDATE run SET failed = 0 WHERE idx = 2")
	r := got[*Reader](t)(OpenReader(context.Background(), path))
	defer r.Close()
	runs, err := r.Runs(context.Background(), []spec.ID{"m"})
	wantFault(t, err, FaultDamaged, spec.ErrInfrastructure, "run 2 of measurement m", "backup")
	if runs != nil {
		t.Errorf("%v", runs)
	}
}

// A secret's reference is stored, its content can not be: the values do not have it.
func TestSecretsStayReferences(t *testing.T) {
	t.Setenv("HF_TOKEN", "hf_verysecret")
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	must(t, s.Describe(ctx, []spec.MeasurementInfo{{ID: "m", Address: "x", Content: spec.SecretValue("HF_TOKEN")}}))
	must(t, s.Close())
	content := string(got[[]byte](t)(os.ReadFile(path)))
	if !strings.Contains(content, `{"$env":"HF_TOKEN"}`) || strings.Contains(content, "hf_verysecret") {
		t.Error("the reference is not what was stored")
	}
}

func FuzzRequestRows(f *testing.F) {
	whole, err := packRows([]spec.RequestRow{{Index: 1, TTFT: 2, Error: "x"}})
	must(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte{})
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		rows, err := unpackRows(packed)
		if err != nil && faultOf(err) != FaultDamaged {
			t.Errorf("%d rows, untyped error %v", len(rows), err)
		}
	})
}

// FuzzOpen opens arbitrary bytes as a state and reads everything.
func FuzzOpen(f *testing.F) {
	whole := got[[]byte](f)(os.ReadFile(closedState(f)))
	f.Add(whole[:4096])
	f.Add(whole[:100])
	f.Add([]byte("SQLite format 3\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		ctx := context.Background()
		path := filepath.Join(t.TempDir(), "state.db")
		must(t, os.WriteFile(path, content, 0o644))
		s, err := Open(ctx, path, Options{})
		var typed *spec.Error
		if err != nil {
			if !errors.As(err, &typed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if _, err := readAll(ctx, s.Reader); err != nil && !errors.As(err, &typed) {
			t.Errorf("untyped error %v", err)
		}
		must(t, s.Close())
	})
}
