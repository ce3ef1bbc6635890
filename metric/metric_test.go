package metric

import (
	"slices"
	"strings"
	"testing"
)

func TestContract(t *testing.T) {
	seen := map[Name]bool{}
	for _, m := range All() {
		if seen[m.Name] {
			t.Errorf("%s stands twice", m.Name)
		}
		seen[m.Name] = true
		if m.Definition == "" || m.Unit == "" || m.Base == "" || (m.Direction != MoreIsBetter && m.Direction != LessIsBetter) {
			t.Errorf("%s is incomplete: %+v", m.Name, m)
		}
		if m.PerGPU != (m.Unit == TokensPerSecondPerGPU) {
			t.Errorf("%s: per GPU %v, unit %s", m.Name, m.PerGPU, m.Unit)
		}
		if base, ok := Lookup(m.Base); !ok || base.Percentile != 0 || base.Unit != m.Unit || base.Direction != m.Direction {
			t.Errorf("%s: base %s does not fit", m.Name, m.Base)
		}
		if got, ok := Lookup(m.Name); !ok || got != m {
			t.Errorf("Lookup(%s) = %+v, %v", m.Name, got, ok)
		}
		if m.Name.IsPercentile() != (m.Percentile > 0) {
			t.Errorf("%s: IsPercentile is %v", m.Name, m.Name.IsPercentile())
		}
	}
	want := "throughput total_throughput request_throughput user_throughput " +
		"ttft ttft_p50 ttft_p75 ttft_p90 ttft_p95 ttft_p99 tpot tpot_p50 tpot_p75 tpot_p90 tpot_p95 tpot_p99 " +
		"latency latency_p50 latency_p75 latency_p90 latency_p95 latency_p99 error_rate goodput"
	if got := strings.Join(Names(), " "); got != want {
		t.Errorf("names:\n%s\nwant:\n%s", got, want)
	}
	if _, ok := Lookup("ttft_p42"); ok || Name("ttft_p42").IsPercentile() {
		t.Error("ttft_p42 is no metric")
	}
}

func TestDirections(t *testing.T) {
	for name, want := range map[Name]Direction{Throughput: MoreIsBetter, Goodput: MoreIsBetter, UserThroughput: MoreIsBetter,
		TTFT: LessIsBetter, PercentileName(TPOT, 99): LessIsBetter, ErrorRate: LessIsBetter} {
		if m, _ := Lookup(name); m.Direction != want {
			t.Errorf("%s: %s is better", name, m.Direction)
		}
	}
}

// TestMinRequests pins the smallest n with p^n <= 0.05.
func TestMinRequests(t *testing.T) {
	for name, want := range map[Name]int{TTFT: 1, Throughput: 1, "ttft_p50": 5, "ttft_p75": 11, "ttft_p90": 29, "ttft_p95": 59, "latency_p99": 299} {
		if m, _ := Lookup(name); m.MinRequests() != want {
			t.Errorf("%s needs %d requests, want %d", name, m.MinRequests(), want)
		}
	}
}

// TestAllIsACopy: nobody can change the contract for others.
func TestAllIsACopy(t *testing.T) {
	All()[0].Name = "changed"
	if got := All()[0].Name; got != Throughput {
		t.Errorf("first metric is %s", got)
	}
}

func TestSpellings(t *testing.T) {
	texts := map[string]bool{}
	units := map[Unit]bool{}
	for _, s := range Spellings() {
		if texts[s.Text] {
			t.Errorf("%q stands twice", s.Text)
		}
		texts[s.Text], units[s.Unit] = true, true
		if s.Factor.Sign() <= 0 {
			t.Errorf("%q: factor %s", s.Text, s.Factor)
		}
	}
	for _, m := range All() {
		if !units[m.Unit] {
			t.Errorf("no way of writing %s", m.Unit)
		}
	}
	factors := map[string]string{"us": "0.001", "ms": "1", "s": "1000", "m": "60000", "%": "0.01", "": "1", "tok/s": "1"}
	for _, s := range Spellings() {
		if want, ok := factors[s.Text]; ok && s.Factor.String() != want {
			t.Errorf("%q: factor %s, want %s", s.Text, s.Factor, want)
		}
		delete(factors, s.Text)
	}
	if len(factors) > 0 {
		t.Errorf("spellings gone: %v", factors)
	}
}

func TestPercentileName(t *testing.T) {
	if got := PercentileName(TTFT, 99); got != "ttft_p99" || !slices.Contains(Names(), string(got)) {
		t.Errorf("%s", got)
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, ok := Lookup(Goodput); !ok {
			b.Fatal("not found")
		}
	}
}
