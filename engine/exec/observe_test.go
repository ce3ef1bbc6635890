package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
	"github.com/google/go-cmp/cmp"
)

// talk scripts what engines say of themselves.
type talk struct {
	asked     int
	counters  error
	flush     error
	version   error
	effective func(asked int) int // max_batch_size by how often it was asked
	seen      int
	log       func(log string) spec.Configuration // nil: it tells nothing
}

// talkingRuntime has every optional ability.
type talkingRuntime struct {
	fakeRuntime
	talk *talk
}

func (w *world) engine() spec.Runtime {
	if w.talks == nil {
		return fakeRuntime{w}
	}
	return talkingRuntime{fakeRuntime{w}, w.talks}
}

func (r talkingRuntime) note(what string, server spec.Server) {
	r.w.mutex.Lock()
	defer r.w.mutex.Unlock()
	r.w.note("%s %s", what, server.Key)
}

func (r talkingRuntime) Counters(_ context.Context, server spec.Server) (spec.Counters, error) {
	r.note("count", server)
	r.talk.asked++
	hits := float64(r.talk.asked)
	return spec.Counters{PrefixCacheHits: &hits}, r.talk.counters
}

func (r talkingRuntime) FlushCache(_ context.Context, server spec.Server) error {
	r.note("flush", server)
	return r.talk.flush
}

func (r talkingRuntime) Version(context.Context, spec.Server) (string, error) {
	return "1.2.3", r.talk.version
}

func (r talkingRuntime) Effective(ctx context.Context, server spec.Server) (spec.Configuration, error) {
	if r.talk.effective == nil {
		return r.fakeRuntime.Effective(ctx, server)
	}
	r.talk.seen++
	return spec.NewConfiguration(spec.Setting{Name: "max_batch_size", Value: spec.IntValue(r.talk.effective(r.talk.seen))}), nil
}

func (r talkingRuntime) EffectiveFromLog(log string) spec.Configuration {
	if r.talk.log == nil {
		return nil
	}
	return r.talk.log(log)
}

// reports are what servers said around the runs of a cell.
func (b *bench) reports(id spec.ID) []*spec.ServerReport {
	var list []*spec.ServerReport
	for _, run := range b.store.runs[id] {
		if run.Result.Seen == nil || run.Result.Seen.Server == nil {
			list = append(list, nil)
			continue
		}
		list = append(list, run.Result.Seen.Server)
	}
	return list
}

// Before each run the cache is emptied and the counters are read, after it they are
// read again: nothing of one run can help the next, and what did is seen.
func TestServersAreObservedAroundEachRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.talks = &talk{}
		b.mustFinish()
		reports := b.reports("m-0-8-fake")
		if len(reports) == 0 {
			t.Fatal("no runs")
		}
		for _, r := range reports {
			if r == nil || !r.Flushed || r.Version != "1.2.3" || r.Before == nil || r.After == nil || *r.After.PrefixCacheHits != *r.Before.PrefixCacheHits+1 {
				t.Fatalf("report %+v", r)
			}
			if r.Effective.Get("max_batch_size").Text() != "64" || r.Changed != nil {
				t.Errorf("effective %v, changed %v", r.Effective, r.Changed)
			}
		}
		last := ""
		for _, call := range b.world.calls {
			switch what, _, _ := strings.Cut(call, " "); what {
			case "run":
				if last != "flush, count" {
					t.Errorf("before %q: %q", call, last)
				}
				last = ""
			case "flush", "count":
				last = strings.TrimPrefix(last+", "+what, ", ")
				if last == "count, flush, count" { // the first count was after the run before
					last = "flush, count"
				}
			}
		}
	})
}

// What can not be read is said, and no reason not to measure.
func TestSilentServers(t *testing.T) {
	for name, c := range map[string]struct {
		talk *talk
		says string
	}{
		"no ability": {nil, ""},
		"failing":    {&talk{counters: errors.New("no metrics"), flush: errors.New("busy"), version: errors.New("who knows")}, "its counters could not be read: no metrics"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				b.world.talks = c.talk
				b.mustFinish()
				for _, r := range b.reports("m-0-8-fake") {
					if r == nil || r.Flushed || r.Before != nil || r.After != nil || r.Version != "" {
						t.Errorf("report %+v", r)
					}
				}
				if warned := b.heard.text(spec.EventWarning); !strings.Contains(warned, c.says) || (c.says == "" && warned != "") {
					t.Errorf("warnings: %s", warned)
				}
			})
		})
	}
}

// An engine that changes its mind while it runs is found out.
func TestChangedConfigurationIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.talks = &talk{effective: func(asked int) int { return 64 - min(asked/3, 1)*32 }}
		b.mustFinish()
		changed := 0
		for id := range b.store.runs {
			for _, r := range b.reports(id) {
				if r != nil && r.Changed.Get("max_batch_size").Text() == "32" {
					changed++
				}
			}
		}
		if changed == 0 {
			t.Error("no run says so")
		}
	})
}

// Somebody else's server is read, and its cache left alone.
func TestForeignServersAreNotFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.talks, b.world.unmanaged = &talk{}, true
		if _, err := b.apply(); err != nil {
			t.Fatal(err)
		}
		for _, call := range b.world.calls {
			if strings.HasPrefix(call, "flush") {
				t.Fatal(call)
			}
		}
		for _, r := range b.reports("m-0-8-fake") {
			if r == nil || r.Flushed || r.Before == nil {
				t.Errorf("report %+v", r)
			}
		}
	})
}

// The rows that any benchmark brings are summed up for the self-checks.
func TestRowsAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.result = func(r spec.RunRequest) spec.RunResult {
			result := goodResult(r.Load.Concurrency, 0)
			result.Rows = []spec.RequestRow{{Phase: spec.PhaseMeasure, Latency: time.Second, InputTokens: 7}}
			result.Seen = &spec.Observation{Client: &spec.ClientUse{LagMax: 3}}
			return result
		}
		b.mustFinish()
		for _, run := range b.store.runs["m-0-8-fake"] {
			seen := run.Result.Seen
			if seen.Requests == nil || seen.Requests.Input.Mean != 7 || seen.Client == nil || seen.Client.LagMax != 3 {
				t.Errorf("seen %+v", seen)
			}
		}
	})
}

// No two runs share a seed, and thus prompts: neither repeats nor cells.
func TestSeedsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		seen := map[string]bool{}
		for i, call := range b.world.calls {
			if what, server, ran := strings.Cut(call, " on "); ran && strings.HasPrefix(what, "run") {
				key := fmt.Sprint(server, " ", b.world.seeds[len(seen)])
				if seen[key] {
					t.Errorf("call %d %q repeats a seed", i, call)
				}
				seen[key] = true
			}
		}
		if len(seen) < 4 || len(seen) != len(b.world.seeds) {
			t.Errorf("%d runs and %d seeds", len(seen), len(b.world.seeds))
		}
	})
	a, long := spec.Load{Concurrency: 8, InputTokens: 100}, spec.Load{Concurrency: 8, InputTokens: 200}
	if loadSeed(a) == loadSeed(long) || loadSeed(a) == loadSeed(spec.Load{Concurrency: 4, InputTokens: 100}) {
		t.Error("loads are not told apart")
	}
}

// lookingTarget can look at its servers' GPUs.
type lookingTarget struct {
	fakeTarget
	look func(n int) ([]spec.GPUSample, error)
	n    *int
}

func (t lookingTarget) SampleGPUs(context.Context, spec.Server) ([]spec.GPUSample, error) {
	*t.n++
	return t.look(*t.n)
}

// GPUs are looked at while a run goes on, and what was seen is summed up.
func TestGPUsAreSampled(t *testing.T) {
	held := func(n int) ([]spec.GPUSample, error) {
		s := spec.GPUSample{Index: 3, UUID: "GPU-a", SMClockMHz: 1000, PowerW: 600, MemoryMiB: n}
		if n%2 == 0 {
			s.SMClockMHz, s.Slowdowns, s.Foreign = 2000, []string{"sw_power_cap"}, []string{"python (pid 7)"}
		}
		return []spec.GPUSample{s}, nil
	}
	for name, c := range map[string]struct {
		gpus  int
		look  func(n int) ([]spec.GPUSample, error)
		asked int
		says  string
	}{
		"held down":    {1, held, 4, ""},
		"without GPUs": {0, held, 0, ""},
		"unreadable":   {1, func(int) ([]spec.GPUSample, error) { return nil, errors.New("driver mismatch") }, 1, "driver mismatch"},
		"none":         {1, func(int) ([]spec.GPUSample, error) { return nil, nil }, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				g := &group{up: &upServer{}, spec: spec.ServerSpec{GPUs: c.gpus}, target: &target{Target: safeTarget{lookingTarget{fakeTarget{newWorld()}, c.look, &asked}, "t", &redactor{}}}}
				ctx, cancel := context.WithTimeout(t.Context(), 4*sampleEvery+time.Second)
				defer cancel()
				var done sync.WaitGroup
				s := (&executor{}).sample(ctx, g, &done)
				done.Wait()
				if asked != c.asked || (c.says == "") != (s.err == nil) || s.err != nil && s.err.Error() != c.says {
					t.Errorf("asked %d times: %v", asked, s.err)
				}
				if name != "held down" {
					return
				}
				want := []spec.GPUUse{{Index: 3, UUID: "GPU-a", Samples: 4, SMClockMHz: 1500, PowerW: 600, MemoryMiB: 4, Throttled: 0.5,
					Reasons: []string{"sw_power_cap"}, Foreign: []string{"python (pid 7)"}}}
				if diff := cmp.Diff(want, s.uses); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What the engine does not say when it is asked, its log may; what it says counts. It is
// read at the start alone, so that nothing looks changed later.
func TestConfigurationFromTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		read := 0
		b.world.talks = &talk{log: func(log string) spec.Configuration {
			if read++; !strings.Contains(log, "loading weights") {
				t.Errorf("the log is %q", log)
			}
			return spec.NewConfiguration(spec.Setting{Name: "max_batch_size", Value: spec.IntValue(1)}, spec.Setting{Name: spec.ItemDType, Value: spec.StringValue("float16")})
		}}
		b.mustFinish()
		for _, r := range b.reports("m-0-8-fake") {
			if r == nil || r.Effective.Get("max_batch_size").Text() != "64" || r.Effective.Get(spec.ItemDType).Text() != "float16" || r.Changed != nil {
				t.Errorf("report %+v", r)
			}
		}
		if read != len(b.store.starts) {
			t.Errorf("the log was read %d times in %d starts", read, len(b.store.starts))
		}
	})
}

// A runtime that breaks over a log, and one that can not be asked, cost no run.
func TestBrokenReaderOfLogs(t *testing.T) {
	for name, broken := range map[string]bool{"a panic": true, "only the log tells": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				b.world.effective = errors.New("not now")
				b.world.talks = &talk{log: func(string) spec.Configuration {
					if broken {
						panic("odd log")
					}
					return spec.NewConfiguration(spec.Setting{Name: spec.ItemDType, Value: spec.StringValue("float16")})
				}}
				b.mustFinish()
				for _, start := range b.store.starts {
					if known := start.Effective.Get(spec.ItemDType).Text() == "float16"; known == broken {
						t.Errorf("effective %v", start.Effective)
					}
				}
			})
		})
	}
}
