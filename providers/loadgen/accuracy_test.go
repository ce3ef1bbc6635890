package loadgen

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"aicv/metric"
	"aicv/providers/sim"
	"aicv/spec"
)

// truth computes the metrics from the simulator's own timestamps over the client's
// window, by its own code: it shares nothing with the load generator. Measured are
// the requests that the simulator received after the first skip ones. (Their time
// does not tell: in virtual time the requests of a whole batch come at one instant,
// and the window's edge parts them.)
func truth(records []sim.RequestRecord, openNS, closeNS int64, skip, take int) map[metric.Name]float64 {
	slices.SortFunc(records, func(a, b sim.RequestRecord) int {
		return cmp.Or(cmp.Compare(a.ReceivedNS, b.ReceivedNS), cmp.Compare(a.ID, b.ID))
	})
	var ttft, tpot, latency, tokens, requests float64
	for i, r := range records {
		for _, at := range r.TokenNS {
			if at > openNS && at <= closeNS {
				tokens++
			}
		}
		if i < skip || i >= skip+take || r.Error != "" {
			continue
		}
		first, last := r.TokenNS[0], r.TokenNS[len(r.TokenNS)-1]
		requests++
		ttft += float64(first-r.ReceivedNS) / 1e6
		latency += float64(last-r.ReceivedNS) / 1e6
		tpot += float64(last-first) / 1e6 / float64(r.Output-1)
	}
	return map[metric.Name]float64{
		metric.TTFT: ttft / requests, metric.TPOT: tpot / requests, metric.Latency: latency / requests,
		metric.TotalThroughput: tokens / (float64(closeNS-openNS) / 1e9),
	}
}

// truthOf applies the window of a client's result to the simulator's log.
func truthOf(t *testing.T, result spec.RunResult, records []sim.RequestRecord) map[metric.Name]float64 {
	t.Helper()
	for _, row := range result.Rows {
		if row.Phase == spec.PhaseMeasure {
			opened := result.Started.Add(row.Start).UnixNano()
			return truth(records, opened, opened+result.Elapsed.Nanoseconds(), row.Index, result.Requests)
		}
	}
	t.Fatal("no measured row")
	return nil
}

func compareWithTruth(t *testing.T, result spec.RunResult, records []sim.RequestRecord, share float64) {
	t.Helper()
	wanted := truthOf(t, result, records)
	for _, name := range []metric.Name{metric.TTFT, metric.TPOT, metric.Latency, metric.TotalThroughput} {
		want := wanted[name]
		got, ok := result.Values.Get(name)
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		difference := (got - want) / want
		t.Logf("%-18s client %12.4f  sim %12.4f  difference %+.4f %%", name, got, want, 100*difference)
		if math.Abs(difference) > share {
			t.Errorf("%s is %v, the simulator's log says %v", name, got, want)
		}
	}
}

func TestAccuracyInVirtualTime(t *testing.T) {
	for _, c := range []int{1, 2, 3, 8, 17, 32, 64, 128, 256} {
		for _, noise := range []string{"0", "0.05"} {
			if testing.Short() && noise == "0" {
				continue
			}
			t.Run("concurrency="+strconv.Itoa(c)+",noise="+noise, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := startSim(t, "--noise-step", noise, "--seed", "1", "--max-batch-tokens", "2048")
					defer s.stop()
					result, err := s.bench(t, nil).Run(t.Context(), request(c, 200, 16), nil)
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if result.Requests != 20*c || result.Failed != 0 {
						t.Errorf("%d requests, %d failed", result.Requests, result.Failed)
					}
					for _, f := range result.Findings {
						t.Logf("finding %s: %s", f.Check, f.Message)
					}
					compareWithTruth(t, result, s.records(t), 0.01)
				})
			})
		}
	}
}
