package gpu

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"aicv/spec"
)

// fakeTools answers for tools that are not there. It knows answers by the first word of
// the arguments that fits; a tool without any answer is not installed.
type fakeTools map[string]answer

type answer struct {
	out string
	err error
}

func says(out string) answer { return answer{out: out} }

func (f fakeTools) run(_ context.Context, name string, args ...string) ([]byte, error) {
	installed := false
	for _, key := range sortedKeys(f) {
		tool, what, _ := strings.Cut(key, " ")
		installed = installed || tool == name
		if tool == name && strings.HasPrefix(strings.Join(args, " "), what) {
			a := f[key]
			return []byte(a.out), a.err
		}
	}
	if !installed {
		return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	return nil, fmt.Errorf("exit status 1: unexpected call %s %v", name, args)
}

func sortedKeys(f fakeTools) []string {
	var keys []string
	for key := range f {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// fakeDriver knows fields as a driver of some age does: those of its row, and refuses
// others with the tool's words and exit code.
func fakeDriver(row map[string]string, asked *[]string) Runner {
	return func(_ context.Context, name string, args ...string) ([]byte, error) {
		query, isQuery := strings.CutPrefix(args[0], "--query-gpu=")
		if name != "nvidia-smi" || !isQuery {
			return nil, errors.New("exit status 1")
		}
		*asked = append(*asked, query)
		var cells []string
		for f := range strings.SplitSeq(query, ",") {
			value, known := row[f]
			if !known {
				return []byte(fmt.Sprintf("Field %q is not a valid field to query.\n\n", f)), errors.New("exit status 2")
			}
			cells = append(cells, value)
		}
		return []byte(strings.Join(cells, ", ") + "\n"), nil
	}
}

// rowOf is what a healthy H100 answers, by field.
func rowOf(changes ...string) map[string]string {
	row := map[string]string{
		"index": "0", "uuid": "GPU-aaaa-1", "name": "NVIDIA H100 80GB HBM3", "memory.total": "81559", "memory.used": "4", "pci.bus_id": "00000000:18:00.0",
		"enforced.power.limit": "700.00", "power.draw": "69.51", "clocks.current.sm": "345", "clocks.current.memory": "2619",
		"clocks.max.sm": "1980", "clocks.max.memory": "2619", "ecc.mode.current": "Enabled", "temperature.gpu": "29", "utilization.gpu": "0",
		"mig.mode.current": "Disabled", "clocks_event_reasons.active": "0x0000000000000001", "compute_cap": "9.0", "driver_version": "570.86.15",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		row[changes[i]] = changes[i+1]
	}
	return row
}

// lineOf is a row as the tool prints it when it is asked for everything.
func lineOf(changes ...string) string {
	row := rowOf(changes...)
	var cells []string
	for _, f := range fields() {
		cells = append(cells, row[f.names[0]])
	}
	return strings.Join(cells, ", ") + "\n"
}

// linesOf is a table of n GPUs with UUIDs GPU-0, GPU-1 ...
func linesOf(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(lineOf("index", fmt.Sprint(i), "uuid", fmt.Sprintf("GPU-%d", i)))
	}
	return b.String()
}

func gpusOf(n int) []spec.GPU {
	out := make([]spec.GPU, n)
	for i := range out {
		out[i] = spec.GPU{Index: i, UUID: fmt.Sprintf("GPU-%d", i), Name: "NVIDIA H100 80GB HBM3", MemoryMiB: 81559}
	}
	return out
}

func noContext() context.Context { return context.Background() }

func readingOf(v float64) Reading { return Reading{v, true} }

func mustQuery(t *testing.T, run Runner) Table {
	t.Helper()
	table, err := Query(noContext(), run)
	if err != nil {
		t.Fatal(err)
	}
	return table
}
