package checks

import (
	"math"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// growth is by how much a counter grew over the run; false where it is unknown, or the
// engine began anew.
func growth(before, after *float64) (float64, bool) {
	if before == nil || after == nil || *after < *before {
		return 0, false
	}
	return *after - *before, true
}

// counted are the engine's counters around the run; false where it has none.
func counted(in *Input) (before, after *spec.Counters, ok bool) {
	report := in.seen().Server
	if report == nil || report.Before == nil || report.After == nil {
		return nil, nil, false
	}
	return report.Before, report.After, true
}

// prefixCacheHits takes the tokens looked up as the whole, else the prompt tokens.
func prefixCacheHits(in *Input) (reading, bool) {
	before, after, ok := counted(in)
	if !ok {
		return reading{}, false
	}
	hits, known := growth(before.PrefixCacheHits, after.PrefixCacheHits)
	all, ok := growth(before.PrefixCacheQueries, after.PrefixCacheQueries)
	if !ok || all == 0 {
		all, ok = growth(before.PromptTokens, after.PromptTokens)
	}
	if !known || !ok {
		return reading{}, false
	}
	share := hits / math.Max(all, math.Max(hits, 1))
	return reading{share, func() string {
		return "the engine found " + figure(hits) + " of " + figure(all) + " prompt tokens in its prefix cache, " + percent(share) + ", and did not compute them"
	}}, true
}

func preemptions(in *Input) (reading, bool) {
	before, after, ok := counted(in)
	if !ok {
		return reading{}, false
	}
	n, known := growth(before.Preemptions, after.Preemptions)
	return reading{n, func() string {
		return "the engine evicted requests " + figure(n) + " times and computed them again: its KV cache is too small for this load"
	}}, known
}

// kvCacheFit holds what the load needs at most against what the engine has.
func kvCacheFit(in *Input) (reading, bool) {
	report := in.seen().Server
	if report == nil || in.Load.Concurrency == 0 {
		return reading{}, false
	}
	tokens, known := report.Item(spec.ReportedKVCacheTokens).Int()
	if !known || tokens <= 0 {
		return reading{}, false
	}
	capacity := tokens * report.Effective.Size(spec.ItemAttentionDataParallel) * report.Effective.Size(spec.ItemReplicas)
	needed := in.Load.Concurrency * (in.Load.InputTokens + in.Load.OutputTokens)
	share := float64(needed) / float64(capacity)
	return reading{share, func() string {
		return "the load holds up to " + figure(float64(needed)) + " tokens at once, and the engine's KV cache has " + figure(float64(capacity)) + ", " + percent(share) + " of it: requests wait, or are evicted"
	}}, true
}

func clientLag(in *Input) (reading, bool) {
	client := in.seen().Client
	ttft, ok := in.Run.Values.Get(metric.TTFT)
	if client == nil || !ok || ttft <= 0 {
		return reading{}, false
	}
	return reading{client.LagMean / ttft, func() string {
		return "the client was " + ms(client.LagMean) + " late on average (at worst " + ms(client.LagMax) + "), " + percent(client.LagMean/ttft) + " of the mean TTFT of " + ms(ttft) + ": it does not keep up"
	}}, true
}

func clientCPU(in *Input) (reading, bool) {
	client := in.seen().Client
	if client == nil || client.CPUShare <= 0 {
		return reading{}, false
	}
	return reading{client.CPUShare, func() string {
		return "the client used " + percent(client.CPUShare) + " of its CPUs: requests wait for it"
	}}, true
}

// gpuThrottling takes the GPU that was held down most.
func gpuThrottling(in *Input) (reading, bool) {
	var worst *spec.GPUUse
	for i, g := range in.seen().GPUs {
		if g.Samples > 0 && (worst == nil || g.Throttled > worst.Throttled) {
			worst = &in.seen().GPUs[i]
		}
	}
	if worst == nil {
		return reading{}, false
	}
	return reading{worst.Throttled, func() string {
		text := "GPU " + metric.Whole(worst.Index) + " was held down in " + percent(worst.Throttled) + " of " + metric.Count(worst.Samples, "sample")
		if len(worst.Reasons) > 0 {
			text += " (" + strings.Join(worst.Reasons, ", ") + ")"
		}
		return text
	}}, true
}

func foreignProcesses(in *Input) (reading, bool) {
	sampled := false
	var foreign []string
	for _, g := range in.seen().GPUs {
		sampled = sampled || g.Samples > 0
		for _, process := range g.Foreign {
			foreign = append(foreign, process+" on GPU "+metric.Whole(g.Index))
		}
	}
	return reading{float64(len(foreign)), func() string {
		return "the GPUs were shared with " + strings.Join(foreign, ", ")
	}}, sampled
}
