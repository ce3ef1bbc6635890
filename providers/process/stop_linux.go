package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aicv/spec"
)

// killPatience is how long processes may take to go after SIGKILL: those that hold a
// device take a while.
const killPatience = 15 * time.Second

// The pauses between two looks at what is left.
const (
	firstLook   = 5 * time.Millisecond
	slowestLook = 100 * time.Millisecond
)

// Stop ends the server with all processes that belong to it, and removes its record.
// Its log stays.
func (t *target) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	if server.Suite == "" || server.Key == "" {
		return usage("a server can not be stopped without its suite and key", "this is a defect of aicv, please report it")
	}
	// Whoever holds the lock starts or stops this very server; an ended ctx still means to stop.
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), killPatience+grace)
	defer cancel()
	lock, err := t.lockKey(waiting, t.folder(server.Suite, server.Key))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // releases the lock
	return t.remove(ctx, server, grace)
}

// remove ends a server and forgets it. Its key is locked.
func (t *target) remove(ctx context.Context, server spec.Server, grace time.Duration) error {
	if err := t.end(ctx, server, grace); err != nil {
		return err
	}
	folder := t.folder(server.Suite, server.Key)
	t.held.LetGo(folder)
	return forget(folder)
}

// ending follows the processes of one server until none is left.
type ending struct {
	server  spec.Server
	leader  identity        // of this boot; zero where it is not known
	tracked map[int]process // all that were ever seen to belong to it
	told    map[int]unix.Signal
	refused error // why a signal could not be sent
}

// end sends SIGTERM to all processes, and SIGKILL after the grace, or at once when
// ctx ends.
func (t *target) end(ctx context.Context, server spec.Server, grace time.Duration) error {
	e := &ending{server: server, tracked: map[int]process{}, told: map[int]unix.Signal{}}
	leader := parseIdentity(server.ID)
	if r := readRecord(t.folder(server.Suite, server.Key)); leader.PID == 0 && r != nil {
		leader = r.identity
	}
	if boot, err := bootID(); err == nil && boot == leader.Boot {
		e.leader = leader
	}
	left, err := e.until(ctx, unix.SIGTERM, grace)
	if err == nil && left > 0 {
		left, err = e.until(context.WithoutCancel(ctx), unix.SIGKILL, killPatience)
	}
	if err != nil {
		return broken("can not stop server "+server.Key, err)
	}
	if left > 0 {
		return e.stuck()
	}
	e.reap()
	return nil
}

// until sends a signal to all members and waits until none is left, time is up or ctx
// ends. It returns how many are left.
func (e *ending) until(ctx context.Context, sig unix.Signal, limit time.Duration) (int, error) {
	deadline := time.Now().Add(limit)
	for pause := firstLook; ; pause = min(2*pause, slowestLook) {
		members, err := e.members()
		if err != nil {
			return 0, err
		}
		if len(members) == 0 || ctx.Err() != nil {
			return len(members), nil
		}
		e.tell(members, sig)
		rest := time.Until(deadline)
		if rest <= 0 {
			return len(members), nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(pause, rest)):
		}
	}
}

func (e *ending) tell(members []process, sig unix.Signal) {
	e.refused = nil
	for _, p := range members {
		if e.told[p.pid] == sig && e.tracked[p.pid].start == p.start && sig != unix.SIGKILL {
			continue
		}
		e.told[p.pid], e.tracked[p.pid] = sig, p
		if err := signal(p, sig); err != nil {
			e.refused = errors.Join(e.refused, fmt.Errorf("process %d: %w", p.pid, err))
		}
	}
}

// members finds the living processes of the server: its leader and the session that
// it leads, whoever carries its labels, whoever was known to belong to it, and all
// that these started.
func (e *ending) members() ([]process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	leads := e.leader.PID > 1 && slices.ContainsFunc(all, func(p process) bool { return p.pid == e.leader.PID && p.start == e.leader.Start })
	children := map[int][]process{}
	var queue []process
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if e.belongs(p, leads) {
			queue = append(queue, p)
		}
	}
	seen := ourselves(all) // never we, nor what else we started, nor those who started us
	var living []process
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if seen[p.pid] {
			continue
		}
		seen[p.pid] = true
		queue = append(queue, children[p.pid]...)
		if !p.ended() {
			living = append(living, p)
		}
	}
	return living, nil
}

// ourselves are this process and its ancestors. Nothing that a server is found by
// should ever name them; if it does, the host must not pay for it.
func ourselves(all []process) map[int]bool {
	parents := make(map[int]int, len(all))
	for _, p := range all {
		parents[p.pid] = p.parent
	}
	own := map[int]bool{0: true, 1: true}
	for pid := os.Getpid(); !own[pid]; pid = parents[pid] {
		own[pid] = true
	}
	return own
}

// belongs reports whether a process belongs to the server by itself. The session
// counts only while its leader is there, running or not yet reaped: its id may be
// another's afterwards.
func (e *ending) belongs(p process, leads bool) bool {
	if known, ok := e.tracked[p.pid]; ok && known.start == p.start {
		return true
	}
	if leads && p.start >= e.leader.Start && (p.pid == e.leader.PID || p.session == e.leader.PID) {
		return true
	}
	l := readLabels(p.pid)
	return l.suite == e.server.Suite && l.key == e.server.Key
}

// stuck says what did not end.
func (e *ending) stuck() error {
	members, err := e.members()
	if err != nil {
		return broken("can not stop server "+e.server.Key, err)
	}
	var names []string
	for _, p := range members {
		names = append(names, fmt.Sprintf("%d (state %c)", p.pid, p.state))
	}
	if len(names) == 0 {
		return nil
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("server %s does not end: processes %s", e.server.Key, strings.Join(names, ", ")),
		Cause: e.refused, Fix: "processes in state D wait for a device or a network file system: see the kernel's log"}
}

// reap takes the leader out of the process table where it is our child. Elsewhere its
// parent does so.
func (e *ending) reap() {
	p, ok := readProcess(e.leader.PID)
	if ok && p.start == e.leader.Start && p.parent == os.Getpid() {
		_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil) // it has ended; nothing else is to be learnt
	}
}
