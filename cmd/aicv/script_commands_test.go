package main

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the sql command
)

// commands are the scripts' own commands beside testscript's.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	free := newFreePorts()
	return map[string]func(*testscript.TestScript, bool, []string){
		"ports":     free.script,
		"exits":     scriptExits,
		"sql":       scriptSQL,
		"noservers": scriptNoServers,
		"sub":       scriptSub,
		"listen":    scriptListen,
		"await":     scriptAwait,
	}
}

// scriptExits runs a command and wants one exit code: exits 3 aicv apply .
func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		code = exited.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

// scriptSQL prints the one value that a query gives, or runs a statement:
// sql .aicv/state.db 3 'SELECT count(*) FROM run'. A `-` as wanted value checks nothing.
func scriptSQL(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: sql FILE WANT QUERY")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	if args[1] == "-" {
		_, err = db.Exec(args[2])
		ts.Check(err)
		return
	}
	var got string
	ts.Check(db.QueryRow(args[2]).Scan(&got))
	if got != args[1] {
		ts.Fatalf("%s: %s, want %s", args[2], got, args[1])
	}
}

// scriptNoServers fails if a server of a suite under this script's folder still runs.
func scriptNoServers(ts *testscript.TestScript, _ bool, _ []string) {
	if left := serversUnder(ts.Getenv("WORK")); len(left) > 0 {
		ts.Fatalf("servers still run: %s", strings.Join(left, ", "))
	}
}

// scriptSub replaces text in a file: sub FILE OLD NEW. OLD must be there.
func scriptSub(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	if !strings.Contains(string(content), args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(string(content), args[1], args[2])), 0o644))
}

// freePorts gives each script, and each copy of the tests that runs beside this one, ports
// of its own: below those that systems give to outgoing connections and above those that
// suites take by themselves.
type freePorts struct{ next atomic.Int64 }

const firstFreePort, lastFreePort = 20_000, 32_000

func newFreePorts() *freePorts {
	f := &freePorts{}
	f.next.Store(rand.Int64N(lastFreePort - firstFreePort))
	return f
}

// take finds so many free ports that follow one another, and returns the first.
func (f *freePorts) take(n int) (int, error) {
	var last error
	for range 100 {
		first := firstFreePort + int(f.next.Add(int64(n))%(lastFreePort-firstFreePort))
		if last = bindable(first, n); last == nil {
			return first, nil
		}
	}
	return 0, last
}

func bindable(first, n int) error {
	for port := first; port < first+n; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// script sets variables to free loopback ports that follow one another: ports A B C.
func (f *freePorts) script(ts *testscript.TestScript, _ bool, args []string) {
	first, err := f.take(len(args))
	ts.Check(err)
	for i, name := range args {
		ts.Setenv(name, strconv.Itoa(first+i))
	}
}

// scriptListen takes loopback ports FROM..TO until the script ends.
func scriptListen(ts *testscript.TestScript, _ bool, args []string) {
	from, err := strconv.Atoi(args[0])
	ts.Check(err)
	to, err := strconv.Atoi(args[1])
	ts.Check(err)
	for port := from; port <= to; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		ts.Check(err)
		ts.Defer(func() { _ = listener.Close() })
	}
}

// scriptAwait waits until a URL answers 200.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(args[0])
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
	}
	ts.Fatalf("%s never answered", args[0])
}

// serversUnder lists processes that carry a server's label and work for a suite
// below the folder, as /proc shows them.
func serversUnder(dir string) []string {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []string
	for _, file := range environments {
		content, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(content), "AICV_KEY=") || !strings.Contains(string(content), "WORK="+dir) {
			continue
		}
		pid := filepath.Base(filepath.Dir(file))
		command, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		found = append(found, pid+" "+strings.ReplaceAll(string(command), "\x00", " "))
	}
	return found
}
