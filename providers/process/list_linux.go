package process

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"aicv/spec"
)

// List finds the servers of all suites of this host: what runs with labels, as far as
// this user may see it. Their owners are those whom their processes belong to.
func (t *target) List(ctx context.Context) ([]spec.Owned, error) {
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	labelled, err := labelledProcesses(func(l labels) bool { return l.suite != "" })
	boot, bootErr := bootID()
	if err := errors.Join(err, bootErr); err != nil {
		return nil, broken("can not look for servers", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, broken("can not read the host's name", err)
	}
	var all []spec.Owned
	for _, group := range labelled {
		first := group[0]
		all = append(all, spec.Owned{Server: withProcesses(spec.Server{}, group, boot), Running: true,
			Owner: spec.Owner{Host: host, User: userOf(first.pid), Work: first.work}})
	}
	slices.SortFunc(all, func(a, b spec.Owned) int {
		return strings.Compare(a.Server.Key+a.Server.Suite, b.Server.Key+b.Server.Suite)
	})
	return all, nil
}

// userOf names whom a process belongs to; empty where that is not to be known.
func userOf(pid int) string {
	info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
