// Command benchscale makes suites of N cells, runs a built aicv binary on them and
// prints CPU seconds, wall seconds, peak memory and the growth from the smallest to
// the largest N. Run it through scripts/bench-scale.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what one run of the binary took.
type usage struct {
	cpu, wall time.Duration
	peakMiB   float64
}

// row is one line of the table: a command at each size.
type row struct {
	name  string
	sizes []usage
}

func main() {
	binary := flag.String("aicv", "", "path of the aicv binary")
	sizes := flag.String("cells", "1000,10000", "numbers of cells, rising; multiples of 1000")
	runs := flag.Int("runs", 3, "runs of each command; the median counts")
	flag.Parse()
	if err := bench(*binary, *sizes, *runs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bench(binary, sizes string, runs int) error {
	counts, err := parseSizes(sizes)
	if err != nil {
		return err
	}
	if err := benchStart(binary, runs*5); err != nil {
		return err
	}
	for _, s := range shapes() {
		rows, err := benchShape(binary, s, counts, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		printTable(s, counts, rows)
	}
	return nil
}

func parseSizes(text string) ([]int, error) {
	var counts []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n%1000 != 0 || n <= 0 {
			return nil, fmt.Errorf("-cells wants multiples of 1000, not %q", part)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

func benchStart(binary string, runs int) error {
	took, err := median(runs, func() (usage, error) { return run(binary, 0, "version") })
	if err != nil {
		return err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	fmt.Printf("start (`aicv version`): %.1f ms wall, %.1f MiB peak\n", float64(took.wall.Microseconds())/1000, took.peakMiB)
	fmt.Printf("binary, stripped: %.1f MB\n", float64(info.Size())/1e6)
	return nil
}

// benchShape measures every command at every size, on suites of its own.
func benchShape(binary string, s shape, counts []int, runs int) ([]row, error) {
	rows := []row{{name: "validate"}, {name: "plan, first"}, {name: "plan -out"}, {name: "apply"}, {name: "plan, no change"}, {name: "report --format json"}}
	for _, n := range counts {
		dir, err := os.MkdirTemp("", "aicv-bench-")
		if err != nil {
			return nil, err
		}
		took, err := benchSuite(binary, dir, s, n, runs)
		_ = os.RemoveAll(dir)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i].sizes = append(rows[i].sizes, took[i])
		}
	}
	return rows, nil
}

func benchSuite(binary, dir string, s shape, n, runs int) ([]usage, error) {
	if err := s.write(dir, n); err != nil {
		return nil, err
	}
	fresh := func(args ...string) func() (usage, error) {
		return func() (usage, error) {
			if err := os.RemoveAll(filepath.Join(dir, ".aicv")); err != nil {
				return usage{}, err
			}
			return run(binary, 0, args...)
		}
	}
	kept := func(args ...string) func() (usage, error) {
		return func() (usage, error) { return run(binary, 0, args...) }
	}
	steps := []struct {
		runs int
		do   func() (usage, error)
	}{
		{runs, fresh("validate", dir)},
		{runs, fresh("plan", dir)},
		{runs, fresh("plan", dir, "--out", filepath.Join(dir, "plan.aicv"))},
		{1, fresh("apply", dir)},
		{runs, kept("plan", "--detailed-exitcode", dir)},
		{runs, kept("report", dir, "--format", "json", "--output", filepath.Join(dir, "report.json"))},
	}
	var took []usage
	for _, step := range steps {
		u, err := median(step.runs, step.do)
		if err != nil {
			return nil, err
		}
		took = append(took, u)
	}
	return took, nil
}

func median(runs int, do func() (usage, error)) (usage, error) {
	all := make([]usage, 0, runs)
	for range runs {
		u, err := do()
		if err != nil {
			return usage{}, err
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b usage) int { return int(a.cpu - b.cpu) })
	return all[len(all)/2], nil
}

// run runs the binary; the exit code must be want.
func run(binary string, want int, args ...string) (usage, error) {
	command := exec.Command(binary, args...)
	var stderr strings.Builder
	command.Stderr = &stderr
	started := time.Now()
	err := command.Run()
	wall := time.Since(started)
	if code := command.ProcessState.ExitCode(); code != want {
		return usage{}, fmt.Errorf("aicv %s: exit code %d, want %d: %w\n%s", strings.Join(args, " "), code, want, err, stderr.String())
	}
	resources, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{}, fmt.Errorf("no resource usage on this system")
	}
	cpu := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return usage{cpu, wall, float64(resources.Maxrss) / 1024}, nil
}

func printTable(s shape, counts []int, rows []row) {
	fmt.Printf("\n%s\n\n| command |", s.name)
	for _, n := range counts {
		fmt.Printf(" %d cells: CPU s | wall s | peak MiB |", n)
	}
	fmt.Printf(" growth of CPU |\n|---|%s---|\n", strings.Repeat("---|---|---|", len(counts)))
	for _, r := range rows {
		fmt.Printf("| %s |", r.name)
		for _, u := range r.sizes {
			fmt.Printf(" %.3f | %.3f | %.0f |", u.cpu.Seconds(), u.wall.Seconds(), u.peakMiB)
		}
		fmt.Printf(" %.1fx |\n", r.sizes[len(r.sizes)-1].cpu.Seconds()/r.sizes[0].cpu.Seconds())
	}
}
