package suggest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBest(t *testing.T) {
	metrics := []string{"throughput", "total_throughput", "ttft", "ttft_p50", "ttft_p90", "tpot", "latency", "error_rate"}
	tests := []struct {
		word, want string
		ok         bool
	}{
		{"thruput", "throughput", true},
		{"Throughput", "throughput", true},
		{"tfft", "ttft", true},
		{"ttf", "ttft", true},
		{"tpto", "tpot", true}, // a swap costs one
		{"ttft_p9", "ttft_p90", true},
		{"error_rat", "error_rate", true},
		{"gpu", "", false},
		{"", "", false},
		{strings.Repeat("throughput", 10), "", false},
	}
	for _, test := range tests {
		got, ok := Best(test.word, metrics)
		if got != test.want || ok != test.ok {
			t.Errorf("Best(%q) = %q, %v; want %q, %v", test.word, got, ok, test.want, test.ok)
		}
	}
	if got, ok := Best("x", nil); ok {
		t.Errorf("no candidates gave %q", got)
	}
	if got, _ := Best("ab", []string{"ac", "ad"}); got != "" {
		t.Errorf("half a word wrong is no misspelling, got %q", got)
	}
	if got, _ := Best("abc", []string{"abd", "abe"}); got != "abd" {
		t.Errorf("of equals the first wins, got %q", got)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3}, {"ñandú", "nandu", 2},
	}
	for _, test := range tests {
		if got := distance([]rune(test.a), []rune(test.b)); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestDistanceProperties(t *testing.T) {
	word := rapid.StringMatching(`[a-e]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		d := distance(a, b)
		if d != distance(b, a) {
			t.Fatal("not symmetric")
		}
		if (d == 0) != (string(a) == string(b)) {
			t.Fatal("zero distance must mean equal words")
		}
		if longer := max(len(a), len(b)); d > longer || d < longer-min(len(a), len(b)) {
			t.Fatalf("distance %d outside its bounds", d)
		}
	})
}

func TestBestFindsEveryCandidateItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := rapid.SliceOfN(rapid.StringMatching(`[a-z_]{1,20}`), 1, 10).Draw(t, "candidates")
		word := rapid.SampledFrom(candidates).Draw(t, "word")
		if got, ok := Best(word, candidates); !ok || got != word {
			t.Fatalf("Best(%q) = %q, %v", word, got, ok)
		}
	})
}
