package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aicv/kit/lock"
	"aicv/spec"
)

// Pool reserves NVIDIA GPUs of this host among all users and suites.
type Pool struct {
	Dir  string        // folder of reservations, lock.Folder() for the host's
	Run  Runner        // asks the driver's tool who uses the GPUs
	Wait time.Duration // how long to wait for processes that are just ending
}

// Want is what is to be reserved.
type Want struct {
	Count int         // GPUs
	From  []spec.GPU  // that may be taken, all of one system
	For   lock.Holder // who wants them; process and time are filled in
}

// Reservation is GPUs that are held. The kernel holds them for as long as any process has
// the files open: a server that is to keep them must inherit Files (exec.Cmd.ExtraFiles),
// and then keeps them even if aicv is killed, until its own end. Processes that a server
// starts need not inherit them; as long as they compute, the GPUs count as busy.
type Reservation struct {
	GPUs   []spec.GPU // by index, in the order in which they should be made visible
	files  []*os.File
	holder lock.Holder
}

// UUIDs are the reserved GPUs for CUDA_VISIBLE_DEVICES and device requests.
func (r *Reservation) UUIDs() []string {
	out := make([]string, len(r.GPUs))
	for i, g := range r.GPUs {
		out[i] = g.UUID
	}
	return out
}

// Files are the open locks, for the server to inherit.
func (r *Reservation) Files() []*os.File { return r.files }

// HeldBy notes the server's process as the holder, for the messages that others get.
func (r *Reservation) HeldBy(pid int) {
	r.holder.PID = pid
	for _, file := range r.files {
		lock.Describe(file, r.holder)
	}
}

// Release closes the locks. GPUs whose locks a living server inherited stay held.
func (r *Reservation) Release() {
	for _, file := range r.files {
		_ = file.Close() // nothing to write
	}
	r.files = nil
}

const (
	pause   = 500 * time.Millisecond // between two looks
	patient = 10 * time.Second       // for the others who choose GPUs just now
)

// Reserve takes GPUs that nobody holds and nothing computes on, those that are linked best
// to each other, and of equals those with the lowest indexes. Where too few are free it
// waits for processes that are ending, then says who has each.
func (p Pool) Reserve(ctx context.Context, w Want) (*Reservation, error) {
	if w.Count < 1 {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("can not reserve %d GPUs", w.Count), Fix: "this is a defect of aicv, please report it"}
	}
	if err := lock.Prepare(p.Dir); err != nil {
		return nil, err
	}
	for began := time.Now(); ; {
		r, obstacles, err := p.attempt(ctx, w)
		if r != nil || err != nil {
			return r, err
		}
		if !mayPass(obstacles, w) || time.Since(began) >= p.Wait {
			return nil, refusal(w, obstacles)
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx)
		case <-time.After(pause):
		}
	}
}

// attempt takes the GPUs, or says of each candidate that can not be had why.
func (p Pool) attempt(ctx context.Context, w Want) (*Reservation, []obstacle, error) {
	there, err := p.look(ctx)
	if err != nil {
		return nil, nil, unseen(ctx, err)
	}
	choosing, err := p.choosing(ctx, w.For)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = choosing.Close() }() // others may choose again
	w.For.PID, w.For.Since = cmp.Or(w.For.PID, os.Getpid()), time.Now().UTC().Truncate(time.Second)
	taken, obstacles, err := p.take(w, there)
	if err != nil || len(taken.GPUs) < w.Count {
		taken.Release()
		return nil, obstacles, err
	}
	taken.keep(choose(taken.GPUs, p.links(ctx, w, taken), w.Count))
	return taken, nil, nil
}

// links are asked for where there is a choice. Without them the lowest indexes are taken.
func (p Pool) links(ctx context.Context, w Want, taken *Reservation) Links {
	if w.Count < 2 || len(taken.GPUs) == w.Count {
		return nil
	}
	links, err := queryLinks(ctx, p.Run)
	if err != nil {
		return nil
	}
	return links
}

// take locks every candidate that is free. Who holds a lock is said before what computes
// there, which is the same server as a rule.
func (p Pool) take(w Want, there map[string]use) (*Reservation, []obstacle, error) {
	r := &Reservation{holder: w.For}
	var obstacles []obstacle
	for _, g := range slices.SortedStableFunc(slices.Values(w.From), func(a, b spec.GPU) int { return a.Index - b.Index }) {
		if !usableUUID(g.UUID) {
			return r, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("%s can not be reserved: its UUID is %q", g.Name, g.UUID),
				Fix: "run servers on NVIDIA GPUs, or measure an endpoint"}
		}
		file, err := lock.Try(p.path(g.UUID), w.For)
		if held := (*lock.HeldError)(nil); errors.As(err, &held) {
			obstacles = append(obstacles, obstacle{g, held.Error(), false})
			continue
		}
		if err != nil {
			return r, nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("can not reserve GPU %d", g.Index), Cause: err, Fix: "check the folder " + p.Dir}
		}
		if o, refused := there[g.UUID].against(g); refused {
			_ = file.Close() // gives it back
			obstacles = append(obstacles, o)
			continue
		}
		r.GPUs, r.files = append(r.GPUs, g), append(r.files, file)
	}
	return r, obstacles, nil
}

func (p Pool) path(uuid string) string { return filepath.Join(p.Dir, "gpu-"+uuid+".lock") }

// keep releases all but the chosen, which are given by their places.
func (r *Reservation) keep(chosen []int) {
	kept := Reservation{holder: r.holder}
	for i, g := range r.GPUs {
		if slices.Contains(chosen, i) {
			kept.GPUs, kept.files = append(kept.GPUs, g), append(kept.files, r.files[i])
		} else {
			_ = r.files[i].Close() // gives it back
		}
	}
	*r = kept
}

// choosing lets one aicv of the host choose at a time, so that two of them do not see each
// other's candidates as held.
func (p Pool) choosing(ctx context.Context, by lock.Holder) (*os.File, error) {
	for began := time.Now(); ; {
		file, err := lock.Try(filepath.Join(p.Dir, "gpus.lock"), by)
		held := (*lock.HeldError)(nil)
		if err == nil {
			return file, nil
		}
		if !errors.As(err, &held) || time.Since(began) > patient {
			return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not choose GPUs", Cause: err, Fix: "check the folder " + p.Dir}
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Holders says who holds GPUs, by UUID. It makes no folder where there is none yet.
func (p Pool) Holders(ctx context.Context, gpus []spec.GPU) (map[string]lock.Holder, error) {
	if _, err := os.Lstat(p.Dir); err != nil {
		return nil, nil
	}
	choosing, err := p.choosing(ctx, lock.Holder{PID: os.Getpid()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = choosing.Close() }() // others may choose again
	out := map[string]lock.Holder{}
	for _, g := range gpus {
		if !usableUUID(g.UUID) {
			continue
		}
		if holder, held := lock.Peek(p.path(g.UUID)); held {
			out[g.UUID] = holder
		}
	}
	return out, nil
}

// obstacle is why one GPU can not be had.
type obstacle struct {
	gpu    spec.GPU
	why    string
	passes bool // it may go by itself: a process that is ending
}

// mayPass reports whether enough GPUs would be free if what is ending were gone.
func mayPass(obstacles []obstacle, w Want) bool {
	stay := 0
	for _, o := range obstacles {
		if !o.passes {
			stay++
		}
	}
	return len(w.From)-stay >= w.Count
}

func refusal(w Want, obstacles []obstacle) error {
	summary := fmt.Sprintf("the server needs %d GPUs, and %d of %d are free", w.Count, len(w.From)-len(obstacles), len(w.From))
	var each []string
	for _, o := range obstacles {
		each = append(each, fmt.Sprintf("GPU %d: %s", o.gpu.Index, o.why))
	}
	if len(each) > 0 {
		summary += " (" + strings.Join(each, "; ") + ")"
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: summary, Fix: "end what uses them or wait for it, or ask for fewer GPUs"}
}

func unseen(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not see whether the GPUs are in use", Cause: err,
		Fix: "check the driver: nvidia-smi must work for this user"}
}

func interrupted(ctx context.Context) error {
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "the reservation of GPUs was interrupted", Cause: ctx.Err()}
}
