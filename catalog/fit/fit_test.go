package fit

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aicv/catalog/models"
	"aicv/metric"
	"aicv/spec"
)

const gibibyte = int64(1) << 30

// ask is a question about Llama-3.1-8B on GPUs of 80 GiB; items come in pairs.
func ask(items ...any) Question {
	model, _, err := models.Describe(spec.Model{ID: "meta-llama/Meta-Llama-3.1-8B"})
	if err != nil {
		panic(err)
	}
	var config spec.Configuration
	for i := 0; i < len(items); i += 2 {
		switch v := items[i+1].(type) {
		case int:
			config = config.With(items[i].(string), spec.IntValue(v))
		case string:
			config = config.With(items[i].(string), spec.StringValue(v))
		case float64:
			config = config.With(items[i].(string), spec.NumberValue("0.3"))
		}
	}
	return Question{Model: model, Runtime: "vllm", Config: config,
		Hardware: &spec.Hardware{Name: "pool", System: "h100_sxm", GPUs: 8, Memory: 80 * gibibyte}}
}

func load(concurrency, input, output int) spec.Load {
	return spec.Load{Concurrency: concurrency, InputTokens: input, OutputTokens: output}
}

func TestVerdicts(t *testing.T) {
	of := func(id string, q Question) Question {
		model, known, err := models.Describe(spec.Model{ID: id})
		if err != nil || !known {
			t.Fatal(id, err)
		}
		q.Model = model
		return q
	}
	for name, c := range map[string]struct {
		q    Question
		load spec.Load
		want Verdict
		why  string
	}{
		"plain":                {ask(), load(8, 1000, 200), Fits, ""},
		"heads":                {ask(spec.ItemTensorParallel, 3), load(8, 1000, 200), DoesNotFit, "tensor_parallel: 32 attention heads can not be divided by 3"},
		"experts of dense":     {ask(spec.ItemTensorParallel, 2, spec.ItemMoEExpertParallel, 2), load(8, 1000, 200), DoesNotFit, "the model has no experts"},
		"experts":              {of("Qwen/Qwen3-30B-A3B", ask(spec.ItemTensorParallel, 3, spec.ItemMoEExpertParallel, 3)), load(8, 1000, 200), DoesNotFit, "128 experts can not be divided by 3"},
		"context":              {ask(), load(1, 131000, 200), DoesNotFit, "131000 + 200 tokens are longer than the model's context of 131072"},
		"sequence limit":       {ask(spec.ItemMaxSequenceLength, 1100), load(1, 1000, 200), DoesNotFit, "max_sequence_length: sequences of 1000 + 200 tokens are longer than 1100"},
		"limit beyond":         {ask(spec.ItemMaxSequenceLength, 200000), load(1, 1000, 200), DoesNotFit, "200000 tokens are more than the model's context"},
		"GPUs":                 {ask(spec.ItemTensorParallel, 8, spec.ItemReplicas, 2), load(2, 1000, 200), DoesNotFit, "it takes 16 GPUs"},
		"weights":              {of("meta-llama/Meta-Llama-3.1-70B", ask()), load(1, 1000, 200), DoesNotFit, "each GPU needs 135.5"},
		"weights over GPUs":    {of("meta-llama/Meta-Llama-3.1-70B", ask(spec.ItemTensorParallel, 4)), load(1, 1000, 200), Fits, ""},
		"KV cache":             {ask(), load(128, 8000, 200), DoesNotFit, "KV cache 128.1"},
		"nearly all":           {ask(), load(62, 8000, 200), Tight, "about 52 of 62 sequences run at once"},
		"not nearly all":       {ask(), load(64, 8000, 200), DoesNotFit, "57 of 64 sequences fit at once"},
		"KV cache in fp8":      {ask(spec.ItemKVCacheQuant, "fp8"), load(60, 15000, 200), Tight, "about 56 of 60 sequences run at once, the others wait"},
		"limited batch":        {ask(spec.ItemMaxBatchSize, 16), load(128, 8000, 200), Fits, ""},
		"small fraction":       {ask(spec.ItemMemoryFraction, 0.3), load(1, 100000, 200), DoesNotFit, "memory_fraction: weights and the KV cache of one sequence take 27.2 GiB, and 0.3 of 80.0 GiB is 24.0 GiB"},
		"replicas share":       {ask(spec.ItemReplicas, 4), load(128, 8000, 200), Fits, ""},
		"ranks share":          {ask(spec.ItemAttentionDataParallel, 4), load(128, 8000, 200), Fits, ""},
		"rate":                 {ask(), spec.Load{RequestRate: metric.DecimalFromInt(2), InputTokens: 1000, OutputTokens: 200}, Fits, ""},
		"unknown system":       {without(ask(), func(q *Question) { q.Hardware.Memory, q.Hardware.System = 0, "own" }), load(1, 10, 10), Unknown, `the memory of the GPUs of system "own" is not known`},
		"no hardware":          {without(ask(), func(q *Question) { q.Hardware = nil }), load(1, 10, 10), Unknown, "declares no hardware"},
		"unknown model":        {without(ask(), func(q *Question) { q.Model, q.ModelUnknown = models.Description{}, "nobody knows it" }), load(1, 10, 10), Unknown, "nobody knows it"},
		"unknown mode":         {ask(spec.ItemKVCacheQuant, "fp3"), load(1, 10, 10), Unknown, `kv_cache_quant "fp3" is not known`},
		"unknown, but refused": {without(ask(spec.ItemTensorParallel, 3), func(q *Question) { q.Hardware.Memory = 0 }), load(1, 10, 10), DoesNotFit, "32 attention heads"},
	} {
		r := Inspect(c.q).At(c.load)
		if r.Verdict != c.want || !strings.Contains(r.Why(), c.why) || (c.why == "") != (len(r.Reasons) == 0) {
			t.Errorf("%s: %s: %s; want %s: %s", name, r.Verdict, r.Why(), c.want, c.why)
		}
	}
}

func without(q Question, change func(*Question)) Question {
	change(&q)
	return q
}

// The engine's defaults count where the suite says nothing, and never against it.
func TestAssumed(t *testing.T) {
	q := ask()
	q.Assumed = spec.NewConfiguration(
		spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(8192)}, spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.5")},
		spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("fp8")}, spec.Setting{Name: spec.ItemMaxBatchSize, Value: spec.IntValue(4)})
	m := Inspect(q).At(load(16, 1000, 200)).Memory
	if m.StepTokens != 8192 || m.Fraction != (fraction{0.5, fractionEngine}) || m.KVType != "fp8" || m.Sequences != 4 {
		t.Errorf("%+v", m)
	}
	q.Config = q.Config.With(spec.ItemMaxBatchSize, spec.IntValue(8)).With(spec.ItemKVCacheQuant, spec.StringValue("bfloat16"))
	if m := Inspect(q).At(load(16, 1000, 200)).Memory; m.Sequences != 8 || m.KVType != "bfloat16" {
		t.Errorf("what is set does not count: %+v", m)
	}
	if r := Inspect(q).At(load(16, 100000, 200)); r.Verdict != DoesNotFit { // 8 x 12.2 GiB
		t.Errorf("%s: %s", r.Verdict, r.Why())
	}
}

// The lines of the arithmetic add up to the sum that is judged.
func TestLinesAddUp(t *testing.T) {
	lines := Inspect(ask(spec.ItemTensorParallel, 2)).At(load(32, 1000, 200)).Memory.Lines()
	var sum int64
	for _, l := range lines[:5] {
		sum += l.Bytes
	}
	if lines[5].What != "needed" || sum != lines[5].Bytes || sum == 0 {
		t.Errorf("%+v", lines)
	}
	if lines[1].How != "32 sequences of 1200 tokens, 0.073 GiB each, in bfloat16" {
		t.Error(lines[1].How)
	}
}

// A higher load never fits better, and more memory never worse.
func TestOrder(t *testing.T) {
	rank := map[Verdict]int{Fits: 0, Tight: 1, DoesNotFit: 2}
	rapid.Check(t, func(t *rapid.T) {
		q := ask(spec.ItemTensorParallel, rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "tp"))
		q.Hardware.Memory = rapid.Int64Range(10, 200).Draw(t, "GiB") * gibibyte
		l := load(rapid.IntRange(1, 512).Draw(t, "concurrency"), rapid.IntRange(1, 60000).Draw(t, "input"), rapid.IntRange(1, 60000).Draw(t, "output"))
		r := Inspect(q).At(l)
		more := l
		more.Concurrency += rapid.IntRange(0, 100).Draw(t, "more")
		if worse := Inspect(q).At(more); rank[worse.Verdict] < rank[r.Verdict] {
			t.Fatalf("%s with %+v, %s with more", r.Verdict, l, worse.Verdict)
		}
		q.Hardware.Memory += gibibyte
		if better := Inspect(q).At(l); rank[better.Verdict] > rank[r.Verdict] {
			t.Fatalf("%s, and with more memory %s", r.Verdict, better.Verdict)
		}
	})
}

func BenchmarkAt(b *testing.B) {
	s := Inspect(ask())
	for b.Loop() {
		s.At(load(64, 1000, 200))
	}
}
