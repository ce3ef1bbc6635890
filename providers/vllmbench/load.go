package vllmbench

import (
	"fmt"
	"math"
	"strconv"

	"aicv/spec"
)

// CheckLoad says before anything is deployed what the tool can not do, or not as the suite
// means it.
func (b *benchmark) CheckLoad(load spec.Load) error {
	s := &load.Shape
	switch {
	case load.RequestRate.Sign() == 0 && load.Concurrency < 1:
		return refusal(spec.LoadConcurrency, fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more")
	case s.Dataset != "":
		return refusal(spec.LoadDataset, "a dataset is asked for, and its prompts are random", elsewhere)
	case load.InputTokens < 1 || load.OutputTokens < 1:
		return refusal(spec.LoadInputTokens, fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more")
	case s.Static:
		return refusal(spec.LoadBatch, "static batches are asked for", elsewhere)
	}
	if err := checkSpread(spec.LoadInputLengths, s.Input); err != nil {
		return err
	}
	if err := checkSpread(spec.LoadOutputLengths, s.Output); err != nil {
		return err
	}
	return checkPrefix(load)
}

const elsewhere = "use loadgen, or change the workload"

func refusal(item, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: item, Summary: name + " can not drive this load: " + problem, Fix: fix}
}

// checkSpread refuses lengths that the tool has no word for: it draws whole numbers
// uniformly from around a whole mean.
func checkSpread(item string, s spec.Spread) error {
	switch {
	case s.Kind == "":
		return nil
	case s.Kind != spec.SpreadUniform:
		return refusal(item, string(s.Kind)+" lengths are asked for, and it draws uniform ones", `write "uniform(LOW,HIGH)", or use loadgen`)
	case (s.Low+s.High)%2 != 0:
		return refusal(item, fmt.Sprintf("lengths from %d to %d have no whole mean, around which it draws them", s.Low, s.High), fmt.Sprintf("write uniform(%d,%d), or use loadgen", s.Low, s.High+1))
	}
	return nil
}

// checkPrefix refuses shared prefixes that are no number of tokens of each prompt: the
// tool's has one length for all of them.
func checkPrefix(load spec.Load) error {
	switch share := load.Shape.SharedPrefix; {
	case share.Sign() == 0:
		return nil
	case load.Shape.Input.Kind != "":
		return refusal(spec.LoadSharedPrefix, "a shared prefix of prompts that vary in length is asked for, and its prefix has one length", elsewhere)
	case prefix(load) < 1 || prefix(load) >= load.InputTokens:
		return refusal(spec.LoadSharedPrefix, fmt.Sprintf("a shared prefix of %d of %d tokens is asked for", prefix(load), load.InputTokens), "leave at least one token on either side, or use loadgen")
	}
	return nil
}

// prefix is how many tokens all prompts of a load have in common.
func prefix(load spec.Load) int {
	return int(math.Round(load.Shape.SharedPrefix.Float64() * float64(load.InputTokens)))
}

// lengths are the arguments that shape the prompts. The tool adds the prefix to the input
// length that it is given.
func lengths(load spec.Load) []string {
	common := prefix(load)
	args := []string{"--dataset-name", "random", "--random-input-len", strconv.Itoa(load.InputTokens - common),
		"--random-output-len", strconv.Itoa(load.OutputTokens), "--random-range-ratio", rangeRatio(load)}
	if common > 0 {
		args = append(args, "--random-prefix-len", strconv.Itoa(common))
	}
	return args
}

// rangeRatio is how far lengths lie around their mean, as the tool has it.
func rangeRatio(load spec.Load) string {
	if !load.Shape.Varies() {
		return "0"
	}
	return fmt.Sprintf(`{"input": %s, "output": %s}`, ratio(load.Shape.Input, load.InputTokens), ratio(load.Shape.Output, load.OutputTokens))
}

// ratio is r, of which the tool draws from floor(mean (1 - r)) to ceil(mean (1 + r)). A
// quarter of a token less than to the bounds leaves both roundings no choice; the tokens
// that a tokenizer adds by itself move a bound by one at most.
func ratio(s spec.Spread, mean int) string {
	if s.Kind == "" {
		return "0"
	}
	return strconv.FormatFloat((float64(s.High-s.Low)/2-0.25)/float64(mean), 'g', 12, 64)
}

// traffic is a closed loop, or an open one with the burstiness of its arrivals: 1 is
// Poisson, and at infinity the intervals are constant.
func traffic(load spec.Load) []string {
	if load.RequestRate.Sign() == 0 {
		return []string{"--request-rate", "inf", "--max-concurrency", strconv.Itoa(load.Concurrency)}
	}
	args := []string{"--request-rate", load.RequestRate.String()}
	if load.Shape.Arrivals == spec.ArrivalsConstant {
		return append(args, "--burstiness", "inf")
	}
	if b := load.Shape.Burstiness; b.Sign() > 0 {
		args = append(args, "--burstiness", b.String())
	}
	return args
}
