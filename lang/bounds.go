package lang

import (
	"fmt"
	"regexp"
	"runtime"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"aicv/metric"
	"aicv/spec"
)

// bounds are what reading a suite may take at most. A few lines can ask for more than
// any machine has: loops in loops, texts that double from one local value to the next.
type bounds struct {
	time time.Duration
	heap uint64 // bytes, of the whole process
}

// patience is how long a suite is read before anybody looks at what it takes: almost
// all are done by then.
const patience = 250 * time.Millisecond

// outcome is what a bounded Load came to.
type outcome struct {
	loaded *Loaded
	diags  spec.Diagnostics
	panic  any
}

// bounded loads within bounds. A suite that goes beyond them is an error; its evaluation
// can not be stopped, and goes on until the process ends, which it soon does.
func (l *loader) bounded(b bounds) (*Loaded, spec.Diagnostics) {
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer func() { o.panic = recover() }()
		o.loaded, o.diags = l.loadAll()
	}()
	began := time.Now()
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case o := <-done:
			if o.panic != nil {
				panic(o.panic) // where the caller's own handling is
			}
			return o.loaded, o.diags
		case <-tick.C:
			if d, over := l.beyond(b, time.Since(began)); over {
				return &Loaded{}, spec.Diagnostics{d}
			}
		}
	}
}

// beyond says which bound is broken, and where the evaluation is.
func (l *loader) beyond(b bounds, took time.Duration) (spec.Diagnostic, bool) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	what := ""
	switch {
	case m.HeapAlloc > b.heap:
		what = fmt.Sprintf("it takes more than %d MiB of memory", b.heap>>20)
	case took > b.time:
		what = fmt.Sprintf("it takes more than %s", b.time)
	default:
		return spec.Diagnostic{}, false
	}
	at := spec.Range{}
	if expr := l.evaluating.Load(); expr != nil {
		at = rangeOf((*expr).Range())
	}
	d := problem(at, "The suite is too large to evaluate", upperFirst(what)+". This is what is being evaluated.")
	d.Suggestion = "Look for loops in loops, and for values that grow from one local value to the next."
	return d, true
}

// The most that one call of a function may give.
const (
	maxElements = 1_000_000
	maxText     = 16 << 20 // bytes
)

// guarded checks a function's arguments before it is called.
func guarded(inner function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Description: inner.Description(), Params: inner.Params(), VarParam: inner.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			plain := make([]cty.Value, len(args))
			for i, arg := range args {
				plain[i], _ = arg.UnmarkDeep()
			}
			if err := check(plain); err != nil {
				return cty.NilType, err
			}
			return inner.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return inner.Call(args) },
	})
}

func countable(v cty.Value) bool { return v.IsKnown() && !v.IsNull() && v.CanIterateElements() }

func isText(v cty.Value) bool { return v.Type() == cty.String && v.IsKnown() && !v.IsNull() }

// checkProduct refuses products that would fill the memory in one go.
func checkProduct(args []cty.Value) error {
	n := 1
	for i, arg := range args {
		if !countable(arg) {
			return nil // the function itself knows what is wrong
		}
		if n *= max(arg.LengthInt(), 1); n > maxElements {
			return function.NewArgErrorf(i, "the product has more than %s elements", metric.Whole(maxElements))
		}
	}
	return nil
}

// checkJoin refuses texts that would fill the memory in one go.
func checkJoin(args []cty.Value) error {
	n := 0
	for i, list := range args {
		if i == 0 || !countable(list) {
			continue
		}
		for _, e := range list.AsValueSlice() {
			if isText(e) {
				n += len(e.AsString())
			}
			if isText(args[0]) {
				n += len(args[0].AsString())
			}
			if n > maxText {
				return function.NewArgErrorf(i, "the text has more than %d MiB", maxText>>20)
			}
		}
	}
	return nil
}

// checkFormat refuses widths and precisions of more than three digits.
func checkFormat(args []cty.Value) error {
	if len(args) > 0 && isText(args[0]) && regexp.MustCompile(`%[^%a-zA-Z]*[0-9]{4}`).MatchString(args[0].AsString()) {
		return function.NewArgErrorf(0, "a width or a precision has more than three digits")
	}
	return nil
}
