package sim

// sequence is one request inside the engine. Its known tokens are the prompt and
// what was generated; computed of them are in the KV cache.
type sequence struct {
	input     int      // prompt tokens
	output    int      // tokens to generate
	blocks    []uint64 // chained hashes of the prompt's full blocks, for the prefix cache
	computed  int
	generated int
	cancelled bool
	out       *stream
}

// remaining is the number of known tokens that are not computed yet.
func (s *sequence) remaining() int { return s.input + s.generated - s.computed }

// decoding reports whether the next step of the sequence is a decode step.
func (s *sequence) decoding() bool { return s.generated > 0 && s.remaining() == 1 }

// work is what one step does for one sequence.
type work struct {
	seq    *sequence
	tokens int
}

// step is one iteration of the engine.
type step struct {
	works   []work
	prefill int // prompt tokens computed
	decode  int // requests that decode
	context int // cached tokens attended to
}

func (s *step) add(seq *sequence, tokens int) {
	if seq.decoding() {
		s.decode++
	} else {
		s.prefill += tokens
	}
	s.context += seq.computed
	s.works = append(s.works, work{seq, tokens})
}

// production is one token that a step gave.
type production struct {
	seq  *sequence
	done bool // it was the sequence's last
}

// limits bound what the scheduler may do.
type limits struct {
	batchTokens int // tokens of one step
	batchSize   int // sequences that run
	kvTokens    int // tokens in the KV cache
	chunked     bool
}

// counters are the scheduler's totals since the start.
type counters struct {
	steps, preemptions                   int
	promptTokens, generatedTokens        int
	prefixQueryTokens, prefixHitTokens   int
	running, waiting, kvUsed, kvCapacity int // at the moment
}

// scheduler is the engine's continuous batching, free of time and transport.
type scheduler struct {
	limits  limits
	running []*sequence // by admission
	waiting []*sequence
	kvUsed  int
	prefix  *prefixCache // nil: off
	total   counters
}

// add queues a sequence.
func (s *scheduler) add(seq *sequence) { s.waiting = append(s.waiting, seq) }

// plan decides the next step. An empty step means that there is nothing to do.
func (s *scheduler) plan() step {
	s.dropCancelled()
	var next step
	budget := s.limits.batchTokens
	preempted := false
	for i := 0; i < len(s.running) && budget > 0; i++ {
		seq := s.running[i]
		tokens := min(seq.remaining(), budget)
		for s.kvUsed+tokens > s.limits.kvTokens && i < len(s.running) {
			s.preemptLast()
			preempted = true
		}
		if i >= len(s.running) {
			break
		}
		next.add(seq, tokens)
		s.kvUsed += tokens
		budget -= tokens
	}
	if !preempted {
		s.admit(&next, budget)
	}
	return next
}

// admit starts waiting sequences, first come first served, as far as tokens, batch
// size and KV cache allow.
func (s *scheduler) admit(next *step, budget int) {
	promised := s.promised(next)
	for len(s.waiting) > 0 && len(s.running) < s.limits.batchSize && budget > 0 {
		seq := s.waiting[0]
		hit := s.prefixHit(seq)
		need := seq.input + seq.generated
		tokens := need - hit
		if !s.fits(promised+need) || (tokens > budget && !s.limits.chunked) {
			return
		}
		s.waiting = s.waiting[1:]
		s.countPrefix(seq, hit)
		seq.computed = hit
		chunk := min(tokens, budget)
		next.add(seq, chunk)
		s.running = append(s.running, seq)
		s.kvUsed += hit + chunk
		promised += tokens - chunk
		budget -= chunk
	}
}

// fits reports whether the KV cache has room for more tokens. One free slot is kept
// for each sequence that runs, or the next decode step would preempt at once.
func (s *scheduler) fits(tokens int) bool {
	slack := 0
	if len(s.running) > 0 {
		slack = len(s.running) + 1
	}
	return s.kvUsed+tokens+slack <= s.limits.kvTokens
}

// promised is the KV cache that running sequences still need for their prompts,
// beyond what this step computes.
func (s *scheduler) promised(next *step) int {
	total := 0
	for _, seq := range s.running {
		total += seq.remaining()
	}
	for _, w := range next.works {
		total -= w.tokens
	}
	return total
}

// preemptLast puts the sequence admitted last back to the head of the queue; all
// that it computed is lost.
func (s *scheduler) preemptLast() {
	last := s.running[len(s.running)-1]
	s.running = s.running[:len(s.running)-1]
	s.kvUsed -= last.computed
	last.computed = 0
	s.waiting = append([]*sequence{last}, s.waiting...)
	s.total.preemptions++
}

// apply books a planned step as done and returns the tokens that it gave.
func (s *scheduler) apply(done step) []production {
	given := make([]production, 0, len(done.works))
	for _, w := range done.works {
		seq := w.seq
		seq.computed += w.tokens
		if seq.generated == 0 {
			s.total.promptTokens += w.tokens
		}
		if seq.remaining() > 0 {
			continue
		}
		if seq.generated == 0 && s.prefix != nil {
			s.prefix.insert(seq.blocks)
		}
		seq.generated++
		s.total.generatedTokens++
		given = append(given, production{seq, seq.generated >= seq.output})
	}
	s.retire()
	s.total.steps++
	return given
}

// retire frees the sequences that are finished.
func (s *scheduler) retire() {
	kept := s.running[:0]
	for _, seq := range s.running {
		if seq.generated >= seq.output {
			s.kvUsed -= seq.computed
			continue
		}
		kept = append(kept, seq)
	}
	clear(s.running[len(kept):])
	s.running = kept
}

// dropCancelled forgets the sequences whose clients are gone.
func (s *scheduler) dropCancelled() {
	kept := s.running[:0]
	for _, seq := range s.running {
		if seq.cancelled {
			s.kvUsed -= seq.computed
			continue
		}
		kept = append(kept, seq)
	}
	clear(s.running[len(kept):])
	s.running = kept
	waiting := s.waiting[:0]
	for _, seq := range s.waiting {
		if !seq.cancelled {
			waiting = append(waiting, seq)
		}
	}
	clear(s.waiting[len(waiting):])
	s.waiting = waiting
}

// prefixHit is how many leading tokens of the sequence the prefix cache holds. At
// least one token is always computed, because the next one follows from it.
func (s *scheduler) prefixHit(seq *sequence) int {
	if s.prefix == nil {
		return 0
	}
	hit := s.prefix.lookup(seq.blocks) * blockTokens
	for hit > seq.input+seq.generated-1 {
		hit -= blockTokens
	}
	return hit
}

func (s *scheduler) countPrefix(seq *sequence, hit int) {
	if s.prefix == nil {
		return
	}
	s.total.prefixQueryTokens += seq.input
	s.total.prefixHitTokens += hit
}

// snapshot is the counters with the present queue lengths.
func (s *scheduler) snapshot() counters {
	c := s.total
	c.running, c.waiting = len(s.running), len(s.waiting)
	c.kvUsed, c.kvCapacity = s.kvUsed, s.limits.kvTokens
	return c
}
