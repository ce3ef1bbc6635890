package process

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"aicv/kit/gpu"
	"aicv/spec"
)

// SampleGPUs looks at the GPUs that a server was given, and tells its processes by their
// labels.
func (t *target) SampleGPUs(ctx context.Context, server spec.Server) ([]spec.GPUSample, error) {
	all, err := processes()
	if err != nil {
		return nil, broken("can not look for the server's processes", err)
	}
	own, uuids := map[int]bool{}, []string(nil)
	for _, p := range all {
		if l := readLabels(p.pid); l.key != server.Key || l.suite != server.Suite {
			continue
		}
		own[p.pid] = true
		if list := devicesOf(p.pid); len(uuids) == 0 && list != "" {
			uuids = strings.Split(list, ",")
		}
	}
	if len(uuids) == 0 {
		return nil, nil
	}
	return gpu.Sample(ctx, t.run, uuids, func(pid int) bool { return own[pid] })
}

// devicesOf is the list of GPUs that a process may see; empty where it is not told.
func devicesOf(pid int) string {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return ""
	}
	for entry := range strings.SplitSeq(string(content), "\x00") {
		if list, ok := strings.CutPrefix(entry, visibleDevices+"="); ok {
			return list
		}
	}
	return ""
}
