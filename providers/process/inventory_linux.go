package process

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aicv/spec"
)

// smiTimeout bounds one question to the driver's tool.
const smiTimeout = 20 * time.Second

// smi is what the driver's tool says.
type smi struct {
	gpus   []spec.GPU
	driver string
}

// Inventory looks at this host. A host without the driver's tool has no GPUs; where
// the tool fails, the driver's entry says so.
func (t *target) Inventory(ctx context.Context) (spec.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return spec.Inventory{}, interrupted(err)
	}
	host, err := os.Hostname()
	if err != nil {
		return spec.Inventory{}, broken("can not read the host's name", err)
	}
	found, err := t.smi(ctx)
	if ctx.Err() != nil {
		return spec.Inventory{}, interrupted(ctx.Err())
	}
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		found.driver = "unreadable: " + err.Error()
	}
	return spec.Inventory{Host: host, OS: osName(), CPUs: runtime.NumCPU(), GPUs: found.gpus, Driver: found.driver}, nil
}

// osName is the distribution and the kernel.
func osName() string {
	name := "Linux"
	if file, err := os.Open("/etc/os-release"); err == nil {
		defer func() { _ = file.Close() }() // only read
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
				name = strings.Trim(value, `"`)
			}
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		name += ", kernel " + unix.ByteSliceToString(u.Release[:])
	}
	return name
}

// askSMI asks the driver's tool; exec.ErrNotFound where it is not on PATH.
func askSMI(ctx context.Context) (smi, error) {
	ctx, cancel := context.WithTimeout(ctx, smiTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=index,uuid,name,memory.total,driver_version", "--format=csv,noheader,nounits")
	command.WaitDelay = time.Second
	output, err := command.Output()
	if err != nil {
		return smi{}, smiFailure(err, output)
	}
	return parseSMI(string(output))
}

// smiFailure adds what the tool printed: it explains itself on its standard output.
func smiFailure(err error, output []byte) error {
	said := string(output)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		said += string(exit.Stderr)
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); first != "" {
		return fmt.Errorf("nvidia-smi: %w: %s", err, first)
	}
	return fmt.Errorf("nvidia-smi: %w", err)
}

// parseSMI reads the tool's CSV. A figure that a device does not have is 0.
func parseSMI(text string) (smi, error) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace, reader.FieldsPerRecord = true, 5
	rows, err := reader.ReadAll()
	if err != nil {
		return smi{}, fmt.Errorf("nvidia-smi: %w", err)
	}
	var found smi
	for _, row := range rows {
		index, err := strconv.Atoi(row[0])
		if err != nil || row[1] == "" {
			return smi{}, fmt.Errorf("nvidia-smi: line %q names no GPU", strings.Join(row, ", "))
		}
		memory, err := strconv.Atoi(row[3])
		if err != nil {
			memory = 0
		}
		found.gpus = append(found.gpus, spec.GPU{Index: index, UUID: row[1], Name: row[2], MemoryMiB: memory})
		found.driver = row[4]
	}
	slices.SortFunc(found.gpus, func(a, b spec.GPU) int { return a.Index - b.Index })
	return found, nil
}

// visibleDevices is the variable by which a process is given GPUs.
const visibleDevices = "CUDA_VISIBLE_DEVICES"

// reserveGPUs takes n GPUs for the whole host, in order of their index, out of those
// that this process may see itself.
func (t *target) reserveGPUs(ctx context.Context, n int) ([]string, []*os.File, error) {
	found, err := t.smi(ctx)
	if err != nil {
		return nil, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("the server needs %d GPUs, and they can not be listed", n), Cause: err,
			Fix: "install the NVIDIA driver with nvidia-smi, or run the server elsewhere"}
	}
	visible := found.gpus
	if list, restricted := os.LookupEnv(visibleDevices); restricted {
		visible = restrict(found.gpus, list)
	}
	var uuids, busy []string
	var files []*os.File
	for _, gpu := range visible {
		if len(uuids) == n {
			break
		}
		file, err := tryLock(filepath.Join(t.locks, "gpu-"+safeName(gpu.UUID)+".lock"))
		if err != nil {
			busy = append(busy, fmt.Sprintf("%d: %v", gpu.Index, err))
			continue
		}
		uuids, files = append(uuids, gpu.UUID), append(files, file)
	}
	if len(uuids) == n {
		return uuids, files, nil
	}
	(&reservation{files: files}).release()
	summary := fmt.Sprintf("the server needs %d GPUs, and %d of %d are free", n, len(uuids), len(visible))
	if len(busy) > 0 {
		summary += " (GPU " + strings.Join(busy, "; GPU ") + ")"
	}
	return nil, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Fix: "wait for the other servers, or ask for fewer GPUs"}
}

// restrict keeps the GPUs that a list of indexes or UUIDs names, as CUDA reads it: up
// to the first entry that names none.
func restrict(gpus []spec.GPU, list string) []spec.GPU {
	var kept []spec.GPU
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		at := slices.IndexFunc(gpus, func(g spec.GPU) bool {
			return strconv.Itoa(g.Index) == entry || len(entry) > len("GPU-") && strings.HasPrefix(g.UUID, entry)
		})
		if at < 0 {
			break
		}
		kept = append(kept, gpus[at])
	}
	return kept
}

// safeName keeps what a file name may hold.
func safeName(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
}
