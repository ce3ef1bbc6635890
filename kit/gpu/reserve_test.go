package gpu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aicv/kit/lock"
	"aicv/spec"
)

// reserveVariable makes this test binary an aicv that reserves GPUs in the folder it
// names, starts a server that inherits them, and waits to be killed.
const reserveVariable = "AICV_TEST_RESERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(reserveVariable); dir != "" {
		os.Exit(reserveWithServer(dir))
	}
	os.Exit(m.Run())
}

func reserveWithServer(dir string) int {
	r, err := Pool{Dir: dir, Run: idleHost(4).run}.Reserve(noContext(), Want{Count: 2, From: gpusOf(4), For: lock.Holder{Suite: "killed", Key: "deployment"}})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	server := exec.Command("sleep", "60")
	server.ExtraFiles = r.Files()
	if err := server.Start(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	r.HeldBy(server.Process.Pid)
	fmt.Println(server.Process.Pid)
	time.Sleep(time.Minute)
	return 0
}

// idleHost is a host with n GPUs that nothing computes on, fully linked.
func idleHost(n int) fakeTools {
	return fakeTools{"nvidia-smi --query-gpu": says(linesOf(n)), "nvidia-smi --query-compute-apps": says(""), "nvidia-smi topo -m": says(fullyLinked(n))}
}

func fullyLinked(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\tGPU%d", i)
	}
	for i := range n {
		fmt.Fprintf(&b, "\nGPU%d", i)
		for j := range n {
			cell := "NV18"
			if i == j {
				cell = " X "
			}
			b.WriteString("\t" + cell)
		}
	}
	return b.String() + "\n"
}

func mustReserve(t *testing.T, p Pool, w Want) *Reservation {
	t.Helper()
	r, err := p.Reserve(noContext(), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

func want(n int, from []spec.GPU, suite string) Want {
	return Want{Count: n, From: from, For: lock.Holder{Suite: suite}}
}

func mustRefuse(t *testing.T, p Pool, w Want, parts ...string) {
	t.Helper()
	r, err := p.Reserve(noContext(), w)
	if err == nil {
		r.Release()
		t.Fatalf("reserved %v", r.UUIDs())
	}
	if spec.KindOf(err) != spec.ErrInfrastructure {
		t.Errorf("kind %s", spec.KindOf(err))
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func TestTwoSuitesNeverShare(t *testing.T) {
	p := Pool{Dir: filepath.Join(t.TempDir(), "locks"), Run: idleHost(3).run}
	first := mustReserve(t, p, want(2, gpusOf(3), "one"))
	if got := strings.Join(first.UUIDs(), " "); got != "GPU-0 GPU-1" || len(first.Files()) != 2 {
		t.Errorf("reserved %s, %d files", got, len(first.Files()))
	}
	mustRefuse(t, p, want(2, gpusOf(3), "two"), "needs 2 GPUs, and 1 of 3 are free", "GPU 0: held by suite one (process "+strconv.Itoa(os.Getpid()), "GPU 1: held by")
	began := time.Now()
	mustRefuse(t, Pool{Dir: p.Dir, Run: p.Run, Wait: time.Minute}, want(2, gpusOf(3), "two"), "1 of 3 are free")
	if time.Since(began) > 20*time.Second {
		t.Error("waited for another suite's server as if it were about to end")
	}
	second := mustReserve(t, p, want(1, gpusOf(3), "two"))
	if got := second.UUIDs()[0]; got != "GPU-2" {
		t.Errorf("the other suite got %s", got)
	}
	holders, err := p.Holders(noContext(), gpusOf(4))
	if err != nil || len(holders) != 3 || holders["GPU-2"].Suite != "two" {
		t.Errorf("holders %+v, error %v", holders, err)
	}
	first.Release()
	second.Release()
	mustReserve(t, p, want(3, gpusOf(3), "three"))
}

// TestAKilledReserverLeavesGPUsWithItsServer is the life of a deployment whose aicv is
// killed: the server holds the GPUs until it ends itself, and the message names it.
func TestAKilledReserverLeavesGPUsWithItsServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	reserver := exec.Command(os.Args[0])
	reserver.Env = append(os.Environ(), reserveVariable+"="+dir)
	out, err := reserver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reserver.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	server, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil {
		t.Fatalf("the reserver said %q, error %v", line, err)
	}
	defer func() { _ = syscall.Kill(server, syscall.SIGKILL) }() // gone already where the test went well
	if err := reserver.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = reserver.Wait() // killed

	p := Pool{Dir: dir, Run: idleHost(4).run}
	mustRefuse(t, p, want(3, gpusOf(4), "next"), "2 of 4 are free", fmt.Sprintf("GPU 0: held by suite killed (process %d", server))
	others := mustReserve(t, p, want(2, gpusOf(4), "next"))
	if got := strings.Join(others.UUIDs(), " "); got != "GPU-2 GPU-3" {
		t.Errorf("the next suite got %s", got)
	}
	others.Release()
	if err := syscall.Kill(server, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		r, err := p.Reserve(noContext(), want(4, gpusOf(4), "next"))
		if err == nil {
			r.Release()
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the server ended: %v", err)
		}
	}
}

func TestBusyGPUsAreRefusedWithTheirProcess(t *testing.T) {
	table := lineOf("uuid", "GPU-0") + lineOf("index", "1", "uuid", "GPU-1", "memory.used", "40000") + lineOf("index", "2", "uuid", "GPU-2", "memory.used", "60000") +
		lineOf("index", "3", "uuid", "GPU-3", "mig.mode.current", "Enabled") + lineOf("index", "4", "uuid", "GPU-4", "temperature.gpu", "[GPU requires reset]")
	p := Pool{Dir: t.TempDir(), Run: fakeTools{"nvidia-smi --query-gpu": says(table), "nvidia-smi --query-compute-apps": says("GPU-1, 4242, 39990, /usr/bin/python3\n")}.run}
	mustRefuse(t, p, want(2, gpusOf(6), "s"), "needs 2 GPUs, and 1 of 6 are free", "GPU 1: used by process 4242 (/usr/bin/python3, 39990 MiB)",
		"GPU 2: 60000 MiB in use by a process that can not be seen", "GPU 3: split into MIG instances", "GPU 4: broken: GPU requires reset", "GPU 5: the driver does not list it")
	if got := mustReserve(t, p, want(1, gpusOf(6), "s")).UUIDs()[0]; got != "GPU-0" {
		t.Errorf("reserved %s", got)
	}
}

// TestProcessesThatEndAreWaitedFor gives a server that was just stopped the time to give
// its memory back.
func TestProcessesThatEndAreWaitedFor(t *testing.T) {
	var looks int
	ending := func(ctx context.Context, name string, args ...string) ([]byte, error) {
		apps := ""
		if strings.HasPrefix(args[0], "--query-compute-apps") {
			if looks++; looks < 2 {
				apps = "GPU-0, 7, 100, python\n"
			}
			return []byte(apps), nil
		}
		return idleHost(1).run(ctx, name, args...)
	}
	dir := t.TempDir()
	mustRefuse(t, Pool{Dir: dir, Run: ending}, want(1, gpusOf(1), "s"), "used by process 7")
	looks = 0
	mustReserve(t, Pool{Dir: dir, Run: ending, Wait: 20 * time.Second}, want(1, gpusOf(1), "s")).Release()
	if looks != 2 {
		t.Errorf("%d looks", looks)
	}
	looks = -1000 // never idle
	ctx, cancel := context.WithTimeout(noContext(), 50*time.Millisecond)
	defer cancel()
	if r, err := (Pool{Dir: dir, Run: ending, Wait: time.Minute}).Reserve(ctx, want(1, gpusOf(1), "s")); spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatCanNotBeReserved(t *testing.T) {
	p := Pool{Dir: t.TempDir(), Run: idleHost(1).run}
	if _, err := p.Reserve(noContext(), want(0, gpusOf(1), "s")); spec.KindOf(err) != spec.ErrUsage {
		t.Errorf("no GPUs: %v", err)
	}
	mustRefuse(t, p, want(1, []spec.GPU{{Name: "AMD Instinct MI300X", UUID: "0x79cc"}}, "s"), "AMD Instinct MI300X can not be reserved")
	mustRefuse(t, p, want(1, []spec.GPU{{Name: "x", UUID: "GPU-../../x"}}, "s"), "can not be reserved")
	mustRefuse(t, Pool{Dir: t.TempDir(), Run: fakeTools{}.run}, want(1, gpusOf(1), "s"), "can not see whether the GPUs are in use", "nvidia-smi")
	mustRefuse(t, Pool{Dir: filepath.Join(t.TempDir(), "a", "b"), Run: idleHost(1).run}, want(1, gpusOf(1), "s"), "folder of reservations")
	link := filepath.Join(t.TempDir(), "locks")
	if err := os.Symlink(p.Dir, link); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, Pool{Dir: link, Run: idleHost(1).run}, want(1, gpusOf(1), "s"), "it is not a folder")
	planted := filepath.Join(p.Dir, "gpu-GPU-0.lock")
	if err := os.Symlink("/etc/passwd", planted); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, p, want(1, gpusOf(1), "s"), "can not reserve GPU 0")
}

func TestHoldersOfAHostThatNeverReserved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	holders, err := Pool{Dir: dir}.Holders(noContext(), gpusOf(2))
	if _, statErr := os.Lstat(dir); err != nil || len(holders) != 0 || !errors.Is(statErr, os.ErrNotExist) {
		t.Errorf("%+v, error %v, folder %v", holders, err, statErr)
	}
}

// TestManySuitesAtOnce lets as many reserve at the same time as there is room for, though
// each looks at all GPUs: every one gets its own, and none is refused because another was
// only choosing.
func TestManySuitesAtOnce(t *testing.T) {
	thinking := func(ctx context.Context, name string, args ...string) ([]byte, error) {
		if args[0] == "topo" {
			time.Sleep(5 * time.Millisecond)
		}
		return idleHost(8).run(ctx, name, args...)
	}
	p := Pool{Dir: t.TempDir(), Run: thinking}
	var mutex sync.Mutex
	var all []string
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			r, err := p.Reserve(noContext(), want(2, gpusOf(8), fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			all = append(all, r.UUIDs()...)
			t.Cleanup(r.Release)
		})
	}
	group.Wait()
	slices.Sort(all)
	if len(slices.Compact(all)) != 8 {
		t.Errorf("reserved %v", all)
	}
}

func TestChoose(t *testing.T) {
	pairs, err := parseLinks("\tGPU0\tGPU1\tGPU2\tGPU3\nGPU0\tX\tSYS\tNV4\tSYS\nGPU1\tSYS\tX\tSYS\tNV4\nGPU2\tNV4\tSYS\tX\tSYS\nGPU3\tSYS\tNV4\tSYS\tX\n")
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := parseLinks("\tGPU0\tGPU1\tGPU2\tGPU3\tGPU4\tGPU5\n" + "GPU0\tX\tNODE\tNODE\tSYS\tSYS\tSYS\nGPU1\tNODE\tX\tNODE\tSYS\tSYS\tSYS\nGPU2\tNODE\tNODE\tX\tSYS\tSYS\tSYS\n" +
		"GPU3\tSYS\tSYS\tSYS\tX\tNODE\tNODE\nGPU4\tSYS\tSYS\tSYS\tNODE\tX\tNODE\nGPU5\tSYS\tSYS\tSYS\tNODE\tNODE\tX\n")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseLinks(fullyLinked(8))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		links Links
		free  []int // indexes
		n     int
		want  string
	}{
		{all, []int{0, 1, 2, 3, 4, 5, 6, 7}, 4, "[0 1 2 3]"},
		{all, []int{1, 4, 6}, 2, "[1 4]"},
		{pairs, []int{0, 1, 2, 3}, 2, "[0 2]"},
		{pairs, []int{0, 1, 3}, 2, "[1 3]"},
		{pairs, []int{0, 1, 2, 3}, 3, "[0 1 2]"},
		{pairs, []int{0, 1, 2, 3}, 1, "[0]"},
		{sockets, []int{0, 1, 2, 3, 4, 5}, 3, "[0 1 2]"},
		{sockets, []int{2, 3, 4, 5}, 2, "[3 4]"},
		{sockets, []int{1, 2, 3, 4, 5}, 2, "[1 2]"}, // the smaller group, so that three stay together
		{sockets, []int{0, 1, 2, 3, 4}, 4, "[0 1 2 3]"},
		{nil, []int{3, 5, 7}, 2, "[3 5]"},
	} {
		var free []spec.GPU
		for _, i := range c.free {
			free = append(free, spec.GPU{Index: i})
		}
		var got []int
		for _, at := range choose(free, c.links, c.n) {
			got = append(got, free[at].Index)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d of %v: %v, want %s", c.n, c.free, got, c.want)
		}
	}
}

// TestChooseProperties holds for any matrix: as many as asked, in order, none twice, and
// all over NVLink where some group of that size is.
func TestChooseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 10).Draw(t, "GPUs")
		links := make(Links, size)
		for i := range links {
			links[i] = make([]string, size)
		}
		for i := range size {
			for j := range i {
				l := rapid.SampledFrom([]string{"NV4", "PIX", "PHB", "NODE", "SYS", ""}).Draw(t, "link")
				links[i][j], links[j][i] = l, l
			}
		}
		free := gpusOf(size)
		n := rapid.IntRange(1, size).Draw(t, "wanted")
		got := choose(free, links, n)
		if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n {
			t.Fatalf("chose %v", got)
		}
		for level := nearest; level > 0; level-- {
			groups := connected(free, links, level)
			if slices.ContainsFunc(groups, func(g []int) bool { return len(g) >= n }) {
				if !slices.ContainsFunc(groups, func(g []int) bool {
					return slices.Contains(g, got[0]) && !slices.ContainsFunc(got, func(i int) bool { return !slices.Contains(g, i) })
				}) {
					t.Fatalf("%v is not inside one group of level %d: %v", got, level, groups)
				}
				return
			}
		}
	})
}
