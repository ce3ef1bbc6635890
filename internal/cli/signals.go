package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interrupts turns Ctrl-C into the three steps that apply knows: the first finishes
// or abandons the current run at a safe point and tears down, the second tears
// down at once, the third leaves.
type interrupts struct {
	Context  context.Context // cancelled by the second
	Graceful chan struct{}   // closed by the first
	count    atomic.Int32
	stop     func()
}

// watchInterrupts listens until stop, and to the end of the process once a signal came. SIGTERM, and SIGHUP of a terminal
// that is closed, count as a second Ctrl-C. leave is called by the third and must not return. Whoever reads the output may
// go away (a pager, head): that must not end the process before it has torn down, so SIGPIPE is only an error of the write.
func (a *app) watchInterrupts(parent context.Context, leave func()) *interrupts {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE)
	i := &interrupts{Context: ctx, Graceful: make(chan struct{})}
	done := make(chan struct{})
	i.stop = func() {
		cancel()
		if i.Interrupted() {
			return // a late Ctrl-C must not change how the process ends: keep listening until it has
		}
		signal.Stop(signals)
		close(done)
	}
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				a.interrupt(i, s, cancel, leave)
			}
		}
	}()
	return i
}

func (a *app) interrupt(i *interrupts, s os.Signal, cancel, leave func()) {
	step := i.count.Add(1)
	if step == 1 && s != os.Interrupt {
		step = i.count.Add(1)
		close(i.Graceful)
	}
	switch step {
	case 1:
		fmt.Fprintln(a.stdio.Err, "\nInterrupted: finishing at a safe point and tearing down. Press Ctrl-C again to tear down at once.")
		close(i.Graceful)
	case 2:
		fmt.Fprintln(a.stdio.Err, "\nTearing down at once. Press Ctrl-C again to leave without waiting.")
		cancel()
	default:
		leave()
	}
}

// Interrupted reports whether any signal came.
func (i *interrupts) Interrupted() bool { return i.count.Load() > 0 }
