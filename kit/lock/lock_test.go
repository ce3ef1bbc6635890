package lock

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aicv/spec"
)

// holdVariable makes this test binary a process that takes the lock it names, starts a
// server that inherits it, and waits to be killed.
const holdVariable = "AICV_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVariable); path != "" {
		os.Exit(holdWithServer(path))
	}
	os.Exit(m.Run())
}

func holdWithServer(path string) int {
	file, err := Try(path, Holder{PID: os.Getpid(), Suite: "killed", Since: time.Now()})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	server := exec.Command("sleep", "60")
	server.ExtraFiles = []*os.File{file}
	if err := server.Start(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(server.Process.Pid)
	time.Sleep(time.Minute)
	return 0
}

func mustHold(t *testing.T, path string, h Holder) *os.File {
	t.Helper()
	file, err := Try(path, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func heldBy(t *testing.T, path string) *HeldError {
	t.Helper()
	file, err := Try(path, Holder{PID: 1})
	if err == nil {
		_ = file.Close()
		return nil
	}
	held := (*HeldError)(nil)
	if !errors.As(err, &held) {
		t.Fatal(err)
	}
	return held
}

func TestALockIsHeldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gpu-a.lock")
	since := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	first := mustHold(t, path, Holder{PID: 77, Suite: "chat", Key: "k", Since: since})
	held := heldBy(t, path)
	if held == nil || held.Error() != "held by suite chat (process 77, since 2026-11-25T09:00:00Z)" {
		t.Fatalf("second attempt: %v", held)
	}
	if h, is := Peek(path); !is || h.Suite != "chat" {
		t.Errorf("peek: %+v, held %v", h, is)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if h, is := Peek(path); is {
		t.Errorf("peek at a free lock: %+v", h)
	}
	if held := heldBy(t, path); held != nil {
		t.Errorf("a closed lock is %v", held)
	}
}

// TestAServerKeepsWhatItInherited kills the process that took the lock: its server holds
// it on, and frees it with its own end.
func TestAServerKeepsWhatItInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gpu-a.lock")
	taker := exec.Command(os.Args[0])
	taker.Env = append(os.Environ(), holdVariable+"="+path)
	out, err := taker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := taker.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	server, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil {
		t.Fatalf("the taker said %q, error %v", line, err)
	}
	defer func() { _ = syscall.Kill(server, syscall.SIGKILL) }() // gone already where the test went well
	if err := taker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = taker.Wait() // killed
	held := heldBy(t, path)
	if held == nil || held.Holder.Suite != "killed" || held.Holder.PID != taker.Process.Pid {
		t.Fatalf("after the taker was killed the lock is %v", held)
	}
	if err := syscall.Kill(server, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); heldBy(t, path) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the server ended, and its lock is held")
		}
	}
}

func TestOnlyOneHoldsAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.lock")
	var inside, wins atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 200 {
				file, err := Try(path, Holder{PID: i + 1})
				if err != nil {
					continue
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				wins.Add(1)
				inside.Add(-1)
				if n%16 == 0 {
					_ = os.Remove(path) // as a cleaner of temporary files does, while others are about to lock it
				}
				_ = file.Close()
			}
		})
	}
	group.Wait()
	if wins.Load() < 8 {
		t.Errorf("%d attempts of 1600 took the lock", wins.Load())
	}
}

// TestAFileThatWasReplacedIsNoLock locks what was opened before somebody removed it, which
// would be a lock that nobody else sees.
func TestAFileThatWasReplacedIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.lock")
	old, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }() // nothing was written
	for _, replace := range []func() error{
		func() error { return os.Remove(path) },
		func() error { return os.WriteFile(path, nil, 0o600) },
	} {
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		if err := take(old, path); !errors.Is(err, errRemoved) {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatIsNoLockIsRefused(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"symbolic link": func(path string) error { return os.Symlink(victim, path) },
		"hard link":     func(path string) error { return os.Link(victim, path) },
		"pipe":          func(path string) error { return unix.Mkfifo(path, 0o666) },
		"folder":        func(path string) error { return os.Mkdir(path, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gpu-a.lock")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			file, err := Try(path, Holder{PID: 1, Suite: "s"})
			if err == nil {
				_ = file.Close()
				t.Error("it was taken for a lock")
			} else if strings.Contains(err.Error(), "again and again") {
				t.Errorf("it was opened: %v", err)
			}
			if _, held := Peek(path); held {
				t.Error("it counts as held")
			}
		})
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "keep" {
		t.Errorf("the file behind the links holds %q, error %v", content, err)
	}
}

func TestPrepare(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "locks")
	for range 2 { // made, then there
		if err := Prepare(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Lstat(dir); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	file, link, open := filepath.Join(parent, "file"), filepath.Join(parent, "link"), filepath.Join(parent, "open")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(dir, link), os.Mkdir(open, 0o777), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{file, link, open, filepath.Join(parent, "no", "such")} {
		if err := Prepare(bad); spec.KindOf(err) != spec.ErrInfrastructure || err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestFolderDependsOnTheHostAlone(t *testing.T) {
	before := Folder()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if got := Folder(); got != before || !filepath.IsAbs(got) {
		t.Errorf("%s, was %s", got, before)
	}
}

func TestHolderText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "another server",
		"not json":                           "another server",
		`{"pid":-1,"suite":"x"}`:             "another server",
		`{"pid":9}`:                          "another server (process 9)",
		`{"pid":9,"suite":"a\u001b[31mb\n"}`: "suite a[31mb (process 9)",
		`{"pid":9,"since":"0001-01-01T00:00:00Z"}`: "another server (process 9)",
	} {
		if got := parseHolder([]byte(text)).String(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func FuzzParseHolder(f *testing.F) {
	f.Add([]byte(`{"pid":77,"suite":"chat","key":"k","since":"2026-11-25T09:00:00Z"}`))
	f.Add([]byte(`{"pid":1e99}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, content []byte) {
		text := parseHolder(content).String()
		if strings.ContainsAny(text, "\n\r\x1b\x00") || len(text) > 4*maxName+100 {
			t.Errorf("%q is described as %q", content, text)
		}
	})
}
