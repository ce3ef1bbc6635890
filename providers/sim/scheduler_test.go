package sim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// summary is a step as a test reads it.
type summary struct{ Prefill, Decode, Context, Sequences int }

func summarize(s step) summary { return summary{s.prefill, s.decode, s.context, len(s.works)} }

// finish runs a scheduler until nothing is left, and returns its steps.
func finish(t *testing.T, s *scheduler) []summary {
	t.Helper()
	var steps []summary
	for range 10_000 {
		next := s.plan()
		if len(next.works) == 0 {
			return steps
		}
		steps = append(steps, summarize(next))
		s.apply(next)
	}
	t.Fatal("the scheduler does not come to an end")
	return nil
}

func TestScheduler(t *testing.T) {
	for _, x := range []struct {
		name      string
		limits    limits
		sequences []*sequence
		want      []summary
	}{
		{"prefill and decode", limits{100, 10, 1000, true}, []*sequence{{input: 10, output: 3}},
			[]summary{{10, 0, 0, 1}, {0, 1, 10, 1}, {0, 1, 11, 1}}},
		{"chunks fill the budget beside decodes", limits{8, 10, 1000, true}, []*sequence{{input: 4, output: 3}, {input: 9, output: 1}},
			[]summary{{8, 0, 0, 2}, {5, 1, 8, 2}, {0, 1, 5, 1}}},
		{"without chunks a prompt waits for room", limits{10, 10, 1000, false}, []*sequence{{input: 6, output: 2}, {input: 6, output: 1}},
			[]summary{{6, 0, 0, 1}, {6, 1, 6, 2}}},
		{"batch size", limits{100, 1, 1000, true}, []*sequence{{input: 5, output: 1}, {input: 6, output: 1}},
			[]summary{{5, 0, 0, 1}, {6, 0, 0, 1}}},
		{"the queue is first come first served", limits{100, 10, 20, true}, []*sequence{{input: 12, output: 1}, {input: 15, output: 1}, {input: 2, output: 1}},
			[]summary{{12, 0, 0, 1}, {17, 0, 0, 2}}},
		{"one token prompt", limits{100, 10, 20, true}, []*sequence{{input: 1, output: 2}},
			[]summary{{1, 0, 0, 1}, {0, 1, 1, 1}}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := &scheduler{limits: x.limits}
			for _, seq := range x.sequences {
				s.add(seq)
			}
			if diff := cmp.Diff(x.want, finish(t, s)); diff != "" {
				t.Error(diff)
			}
			if s.kvUsed != 0 {
				t.Errorf("%d KV tokens are left in use", s.kvUsed)
			}
		})
	}
}

func TestPreemption(t *testing.T) {
	s := &scheduler{limits: limits{100, 10, 28, true}}
	a, b := &sequence{input: 10, output: 10}, &sequence{input: 10, output: 10}
	s.add(a)
	s.add(b)
	steps := finish(t, s)
	if s.total.preemptions != 1 {
		t.Errorf("%d preemptions, want 1", s.total.preemptions)
	}
	// 10 + 10 tokens after prefill, 4 decode steps fill the cache to 28, then b goes
	// back and a runs alone for its last 5 tokens.
	if got := steps[5]; got != (summary{0, 1, 14, 1}) {
		t.Errorf("after the preemption: %+v", got)
	}
	// b computes its prompt and the 5 tokens that it had, then gives the rest.
	if got := steps[10]; got != (summary{15, 0, 0, 1}) {
		t.Errorf("at the second admission: %+v", got)
	}
	if s.total.generatedTokens != 20 {
		t.Errorf("%d tokens were generated, want 20", s.total.generatedTokens)
	}
}

func TestPrefixCache(t *testing.T) {
	words := make([]string, 40)
	for i := range words {
		words[i] = string(rune('a' + i%26))
	}
	s := &scheduler{limits: limits{1000, 10, 1000, true}, prefix: newPrefixCache(1000)}
	run := func(words []string) summary {
		s.add(&sequence{input: len(words), output: 1, blocks: blockHashes(words)})
		return finish(t, s)[0]
	}
	if got := run(words); got.Prefill != 40 {
		t.Errorf("first time: %d tokens computed, want 40", got.Prefill)
	}
	if got := run(words); got != (summary{8, 0, 32, 1}) {
		t.Errorf("second time: %+v, want two blocks found", got)
	}
	if got := run(words[:32]); got != (summary{16, 0, 16, 1}) {
		t.Errorf("whole prompt cached: %+v, want one block computed again", got)
	}
	other := append([]string{"z"}, words[1:]...)
	if got := run(other); got.Prefill != 40 {
		t.Errorf("other first word: %d tokens computed, want 40", got.Prefill)
	}
	if s.total.prefixHitTokens != 48 || s.total.prefixQueryTokens != 152 {
		t.Errorf("hits %d of %d, want 48 of 152", s.total.prefixHitTokens, s.total.prefixQueryTokens)
	}
}

func TestPrefixCacheForgetsTheOldest(t *testing.T) {
	p := newPrefixCache(2 * blockTokens)
	p.insert([]uint64{1, 2})
	p.lookup([]uint64{1})
	p.insert([]uint64{3})
	if p.lookup([]uint64{1}) != 1 || p.lookup([]uint64{2}) != 0 || p.lookup([]uint64{3}) != 1 {
		t.Error("the block used least recently had to go")
	}
}

// TestSchedulerLaws drives random loads and checks what must hold at every step.
func TestSchedulerLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kv := rapid.IntRange(20, 200).Draw(t, "kv")
		bound := limits{rapid.IntRange(4, 60).Draw(t, "tokens"), rapid.IntRange(1, 8).Draw(t, "size"), kv, true}
		bound.batchSize = min(bound.batchSize, bound.batchTokens)
		s := &scheduler{limits: bound}
		var all []*sequence
		wanted := 0
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			input := rapid.IntRange(1, kv-1).Draw(t, "input")
			output := rapid.IntRange(1, kv-input).Draw(t, "output")
			all = append(all, &sequence{input: input, output: output})
		}
		for i := 0; ; i++ {
			if i < len(all) {
				s.add(all[i])
				wanted += all[i].output
			}
			if i > 3 && rapid.IntRange(0, 40).Draw(t, "cancel") == 0 && i-4 < len(all) {
				all[i-4].cancelled = true
			}
			next := s.plan()
			if len(next.works) == 0 && i >= len(all) {
				break
			}
			checkStep(t, s, next)
			s.apply(next)
			if i > 50_000 {
				t.Fatal("no end")
			}
		}
		for _, seq := range all {
			if !seq.cancelled && seq.generated != seq.output {
				t.Fatalf("a sequence gave %d of %d tokens", seq.generated, seq.output)
			}
		}
		if s.kvUsed != 0 || len(s.running)+len(s.waiting) != 0 {
			t.Fatalf("left over: %d KV tokens, %d running, %d waiting", s.kvUsed, len(s.running), len(s.waiting))
		}
	})
}

func checkStep(t *rapid.T, s *scheduler, next step) {
	tokens, used := 0, 0
	for _, w := range next.works {
		tokens += w.tokens
	}
	for _, seq := range s.running {
		used += seq.computed
	}
	if tokens > s.limits.batchTokens || len(s.running) > s.limits.batchSize || s.kvUsed > s.limits.kvTokens {
		t.Fatalf("limits broken: %d tokens, %d running, %d KV tokens of %+v", tokens, len(s.running), s.kvUsed, s.limits)
	}
	if used+tokens != s.kvUsed {
		t.Fatalf("%d KV tokens booked, %d held", s.kvUsed, used+tokens)
	}
}
