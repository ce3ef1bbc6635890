package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// crashSuite is the small apply whose every durable step is broken once: two
// deployments, a cell each, a look at each run.
const crashSuite = `
model "llama" { id = "meta-llama/Llama-3.1-8B-Instruct" }
runtime "sim" "engine" {}
workload "chat" {
  input_tokens  = 16
  output_tokens = 4
  requests      = 8
  warmup        = 2
}
experiment "e" {
  matrix {
    concurrency    = [2]
    max_batch_size = [2, 4]
  }
  repeats {
    min = 2
    max = 2
  }
  assert "a" { expect = ["error_rate == 0", "ttft < 20s"] }
}
`

// TestCrashSweep numbers every durable step of an apply. At each of them it kills
// the process, and apart from that has the step fail, before and after it was done;
// then it resumes and compares with the clean run: same cells, same runs, same
// verdict, no server left, no run lost or doubled. Every step is broken in one way, in
// turn; with AICV_SWEEP=all, as CI sets it, in every way.
func TestCrashSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("the sweep takes about a minute")
	}
	clean := newCrashCase(t)
	clean.apply("count", 0)
	steps := clean.steps()
	want := clean.summary()
	t.Logf("%d durable steps; the clean run leaves:\n%s", steps, want)
	if steps < 15 {
		t.Fatalf("only %d durable steps were numbered", steps)
	}
	modes := []string{"kill_before", "kill_after", "error_before", "error_after"}
	for i, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			for n := 1; n <= steps; n++ {
				if os.Getenv("AICV_SWEEP") != "all" && n%len(modes) != i {
					continue
				}
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					t.Parallel()
					sweepOne(t, mode, n, want)
				})
			}
		})
	}
}

// TestCrashOfReplicas kills applies of deployments of two servers at some of their
// durable steps: neither server may be left.
func TestCrashOfReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	replicas := strings.Replace(crashSuite, "  repeats {", "  configuration { replicas = 2 }\n  repeats {", 1)
	suite := func(t *testing.T) *crashCase {
		c := newCrashCase(t)
		if err := os.WriteFile(filepath.Join(c.dir, "suite.hcl"), []byte(replicas), 0o600); err != nil {
			t.Fatal(err)
		}
		return c
	}
	clean := suite(t)
	clean.apply("count", 0)
	want := clean.summary()
	for n := 1; n <= clean.steps(); n += 5 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			c := suite(t)
			c.run(fmt.Sprintf("kill_after:%d", n))
			c.apply("", 0)
			if got := c.summary(); got != want {
				t.Errorf("after a kill at step %d and a resume:\n%s\nthe clean run gave:\n%s", n, got, want)
			}
			if left := serversUnder(c.dir); len(left) > 0 {
				t.Errorf("servers left: %s", strings.Join(left, ", "))
			}
		})
	}
}

func sweepOne(t *testing.T, mode string, n int, want string) {
	c := newCrashCase(t)
	c.run(fmt.Sprintf("%s:%d", mode, n))
	if strings.HasPrefix(mode, "kill") && c.killed == 0 {
		t.Errorf("step %d was not reached: nothing was killed", n)
	}
	c.apply("", 0)
	if got := c.summary(); got != want {
		t.Errorf("after a %s at step %d and a resume:\n%s\nthe clean run gave:\n%s\nsteps:\n%s", mode, n, got, want, c.trace())
	}
	if left := serversUnder(c.dir); len(left) > 0 {
		t.Errorf("servers left: %s", strings.Join(left, ", "))
	}
}

type crashCase struct {
	t      *testing.T
	dir    string
	killed int
}

func newCrashCase(t *testing.T) *crashCase {
	t.Helper()
	c := &crashCase{t: t, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(c.dir, "suite.hcl"), []byte(crashSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// run applies the suite with a failpoint and returns the exit code, -1 if killed.
func (c *crashCase) run(failpoint string) int {
	command := exec.Command("aicv", "apply", c.dir)
	command.Env = append(os.Environ(), failpointVariable+"="+failpoint, traceVariable+"="+filepath.Join(c.dir, "trace"), "WORK="+c.dir)
	out, err := command.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		c.t.Fatal(err)
	}
	code := command.ProcessState.ExitCode()
	if code == -1 {
		c.killed++
	}
	if err := os.WriteFile(filepath.Join(c.dir, "output"), out, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return code
}

// apply runs to the end and wants an exit code.
func (c *crashCase) apply(failpoint string, want int) {
	c.t.Helper()
	if code := c.run(failpoint); code != want {
		out, _ := os.ReadFile(filepath.Join(c.dir, "output"))
		c.t.Errorf("apply: exit code %d, want %d\n%s", code, want, out)
	}
}

func (c *crashCase) steps() int { return strings.Count(c.trace(), "\n") }

func (c *crashCase) trace() string {
	content, err := os.ReadFile(filepath.Join(c.dir, "trace"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

// summary is what must be the same however an apply came to its end: the runs that
// count, the failures, the open steps, and the verdicts.
func (c *crashCase) summary() string {
	db, err := sql.Open("sqlite", filepath.Join(c.dir, ".aicv", "state.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, query := range summaryQueries() {
		fmt.Fprintf(&b, "%s: %s\n", query[0], c.column(db, query[1]))
	}
	return b.String()
}

func (c *crashCase) column(db *sql.DB, query string) string {
	rows, err := db.Query(query)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			c.t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(values, ", ")
}

// summaryQueries name what must come out the same.
func summaryQueries() [][2]string {
	return [][2]string{
		{"runs", `SELECT m.address || ' #' || r.idx FROM run r JOIN measurement m ON m.num = r.measurement
			WHERE r.idx > m.retired_to ORDER BY m.address, r.idx`},
		{"request rows", `SELECT count(*) FROM run_rows`},
		{"failures", `SELECT count(*) FROM failure`},
		{"open steps", `SELECT count(*) FROM step WHERE status IS NULL`},
		{"servers not stopped", `SELECT count(*) FROM server_start WHERE stopped = 0`},
		{"verdicts", `SELECT j.cell || ' ' || j.claim || ': ' || j.verdict FROM judgement j WHERE j.judging =
			(SELECT coalesce(same_as, id) FROM judging ORDER BY id DESC LIMIT 1) ORDER BY j.id`},
	}
}
