package loadgen

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"aicv/spec"
)

// supply makes the requests of one run, in order.
type supply struct {
	client  *client
	prompts *prompts
	sizes   sizes
	fit     fit
	entries []entry // of a dataset; none: prompts are generated
	order   []int   // in which they are taken
}

// newSupply reads the dataset, where there is one.
func newSupply(c *client, request spec.RunRequest) (*supply, error) {
	load, seed := request.Load, request.Sampling.Seed
	s := &supply{client: c, prompts: newPrompts(seed, load.Shape.SharedPrefix.Float64()), sizes: newSizes(seed, load), fit: fit{perWord: 1}}
	if load.Shape.Dataset == "" {
		return s, nil
	}
	var err error
	if s.entries, err = readDataset(load.Shape); err != nil {
		return nil, err
	}
	if err := checkOutput(load, unsized(s.entries)); err != nil {
		return nil, err
	}
	s.order = rand.New(rand.NewPCG(uint64(seed), 0x64617461)).Perm(len(s.entries))
	return s, nil
}

// next makes the request of a number.
func (s *supply) next(index int) order {
	input, output := s.sizes.of(index)
	if len(s.entries) > 0 {
		e := &s.entries[s.order[index%len(s.order)]]
		if e.output > 0 {
			output = e.output
		}
		quoted, err := json.Marshal(e.prompt)
		if err != nil { // json.Marshal never fails on a string
			quoted = []byte(`""`)
		}
		return s.client.order(output, len(quoted), func(b []byte) []byte { return append(b, quoted[1:len(quoted)-1]...) })
	}
	words := s.fit.words(input)
	return s.client.order(output, 8*words, func(b []byte) []byte { return s.prompts.appendWords(b, index, words) })
}

// order builds a request's body around a prompt of about size bytes.
func (c *client) order(output, size int, prompt func([]byte) []byte) order {
	b := make([]byte, 0, len(c.head)+len(c.middle)+len(c.tail)+size+12)
	b = prompt(append(b, c.head...))
	b = append(b, c.middle...)
	b = strconv.AppendInt(b, int64(output), 10)
	return order{append(b, c.tail...), output}
}
