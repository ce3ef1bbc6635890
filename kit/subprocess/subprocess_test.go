package subprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary play the programs that are run.
func TestMain(m *testing.M) {
	if part := os.Getenv("SUBPROCESS_PART"); part != "" {
		play(part)
		return
	}
	os.Exit(m.Run())
}

func play(part string) {
	switch part {
	case "echo":
		content, _ := io.ReadAll(os.Stdin)
		fmt.Printf("%s\nand no end", content)
		fmt.Fprint(os.Stderr, "a word")
		os.Exit(7)
	case "flood":
		block := strings.Repeat("x", 1<<20)
		for range 6 {
			fmt.Print(block)
			fmt.Fprint(os.Stderr, block)
		}
		fmt.Print("\nnext\n")
		fmt.Fprint(os.Stderr, "last")
	case "deaf": // reads nothing, and starts a child that lives on
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "SUBPROCESS_PART=sleep")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		fmt.Println(child.Process.Pid)
		time.Sleep(time.Hour)
	case "leaves": // ends, and leaves a child with its output behind
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "SUBPROCESS_PART=sleep")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		fmt.Println(child.Process.Pid)
	case "sleep":
		time.Sleep(time.Hour)
	}
}

func command(part string, line func([]byte)) Command {
	return Command{Args: []string{os.Args[0]}, Env: append(os.Environ(), "SUBPROCESS_PART="+part), Line: line}
}

func TestLinesAndEnd(t *testing.T) {
	var got []string
	c := command("echo", func(b []byte) { got = append(got, string(b)) })
	c.Stdin = []byte("one\r\ntwo")
	e, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "|") != "one|two" || e.Partial != "and no end" || e.Stderr != "a word" || e.Code != 7 || e.OK() || e.String() != "exit status 7" {
		t.Errorf("lines %q, ended %+v", got, e)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var sizes []int
	e, err := Run(t.Context(), command("flood", func(b []byte) { sizes = append(sizes, len(b)) }))
	if err != nil || !e.OK() {
		t.Fatal(e, err)
	}
	if len(sizes) != 2 || sizes[0] != 4<<20 || sizes[1] != 4 || len(e.Stderr) != maxTail || !strings.HasSuffix(e.Stderr, "xlast") {
		t.Errorf("lines of %v bytes, %d bytes of standard error", sizes, len(e.Stderr))
	}
}

// gone waits until a process is no more.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d still runs", n)
}

// A program that does not end is ended with all that it started, and keeps what it
// said. It never reads its input, which is larger than a pipe holds.
func TestTheGroupEndsWithTheContext(t *testing.T) {
	reason := errors.New("it took too long")
	ctx, cancel := context.WithCancelCause(t.Context())
	var child string
	c := command("deaf", func(b []byte) {
		child = string(b)
		cancel(reason)
	})
	c.Stdin = make([]byte, 1<<20)
	e, err := Run(ctx, c)
	if err != nil || e.OK() || !errors.Is(e.Cause, reason) || e.String() != reason.Error() {
		t.Fatalf("%+v, %v", e, err)
	}
	gone(t, child)
}

func TestWhatIsLeftBehindEnds(t *testing.T) {
	var child string
	e, err := Run(t.Context(), command("leaves", func(b []byte) { child = string(b) }))
	if err != nil || !e.OK() {
		t.Fatal(e, err)
	}
	gone(t, child)
}

func TestWhatCanNotBeStarted(t *testing.T) {
	if _, err := Run(t.Context(), Command{Args: []string{"/no/such/program"}}); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := Run(ctx, command("echo", nil)); err != nil || e.OK() || !errors.Is(e.Cause, context.Canceled) {
		t.Errorf("%+v, %v", e, err)
	}
}
