package claim

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aicv/metric"
	"aicv/spec"
)

func share(text string) metric.Decimal { return metric.MustDecimal(text) }

func TestParse(t *testing.T) {
	predicted := spec.ReferencePredicted
	tests := []struct {
		text      string
		want      spec.Claim
		canonical string
	}{
		{"throughput within 10%",
			spec.Claim{Subject: metric.Throughput, Form: spec.ClaimWithin, Amount: share("0.1"), Reference: predicted},
			"throughput within 10% of predicted"},
		{"  ttft_p99\twithin 12.5 %\nof  predicted ",
			spec.Claim{Subject: "ttft_p99", Form: spec.ClaimWithin, Amount: share("0.125"), Reference: predicted},
			"ttft_p99 within 12.5% of predicted"},
		{"tpot within 0.1",
			spec.Claim{Subject: metric.TPOT, Form: spec.ClaimWithin, Amount: share("0.1"), Reference: predicted},
			"tpot within 10% of predicted"},
		{"throughput at least 90% of predicted",
			spec.Claim{Subject: metric.Throughput, Form: spec.ClaimAtLeast, Amount: share("0.9"), Reference: predicted},
			"throughput at least 90% of predicted"},
		{"ttft at most 110% of predicted for 90% of cells",
			spec.Claim{Subject: metric.TTFT, Form: spec.ClaimAtMost, Amount: share("1.1"), Reference: predicted, Quantile: share("0.9")},
			"ttft at most 110% of predicted for 90% of cells"},
		{"ttft_p99 < 2s",
			spec.Claim{Subject: "ttft_p99", Form: spec.ClaimCompare, Op: "<", Amount: share("2000")},
			"ttft_p99 < 2000ms"},
		{"tpot<=30.5ms for 99.9% of cells",
			spec.Claim{Subject: metric.TPOT, Form: spec.ClaimCompare, Op: "<=", Amount: share("30.5"), Quantile: share("0.999")},
			"tpot <= 30.5ms for 99.9% of cells"},
		{"throughput >= 1500 tok/s/GPU",
			spec.Claim{Subject: metric.Throughput, Form: spec.ClaimCompare, Op: ">=", Amount: share("1500")},
			"throughput >= 1500 tokens/s/GPU"},
		{"goodput > 3.5requests/s",
			spec.Claim{Subject: metric.Goodput, Form: spec.ClaimCompare, Op: ">", Amount: share("3.5")},
			"goodput > 3.5 requests/s"},
		{"error_rate == 0",
			spec.Claim{Subject: metric.ErrorRate, Form: spec.ClaimCompare, Op: "==", Amount: share("0")},
			"error_rate == 0%"},
		{"error_rate <= 1%",
			spec.Claim{Subject: metric.ErrorRate, Form: spec.ClaimCompare, Op: "<=", Amount: share("0.01")},
			"error_rate <= 1%"},
		{"ttft within 15% for 100% of cells", // every cell, which is the default
			spec.Claim{Subject: metric.TTFT, Form: spec.ClaimWithin, Amount: share("0.15"), Reference: predicted},
			"ttft within 15% of predicted"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Text = test.text
			if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b metric.Decimal) bool { return a == b })); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if text := String(got); text != test.canonical {
				t.Errorf("canonical form %q, want %q", text, test.canonical)
			}
		})
	}
}

// TestParseErrors pins for every kind of mistake the characters pointed at, what is
// said, and the fix. at is the part of the text that the range covers; "" is the end
// of the sentence.
func TestParseErrors(t *testing.T) {
	tests := []struct{ text, at, message, detail, suggestion string }{
		{"", "", "empty", "throughput within 10%", ""},
		{"   ", "", "empty", "", ""},
		{"10% within ttft", "10", "starts with a metric", "", ""},
		{"within 10%", "within", "starts with a metric", "", ""},
		{"thruput within 10%", "thruput", `Unknown metric "thruput"`, "The metrics are throughput,", `"throughput"?`},
		{"débit within 10%", "débit", `Unknown metric "débit"`, "", ""},
		{"ttft_p98 < 1s", "ttft_p98", "Unknown metric", "ttft_p50, ttft_p75, ttft_p90, ttft_p95, ttft_p99", `"ttft_p90"?`},
		{"p99(ttft) < 1s", "p99(ttft)", `Unknown function "p99"`, "metrics of their own", `"ttft_p99"?`},
		{"ttft(p99) < 1s", "ttft(p99)", "Unknown function", "", `"ttft_p99"?`},
		{"frobnicate(1) < 1s", "frobnicate", "Unknown function", "The metrics are", ""},
		{"regret(throughput, 1) <= 5%", "regret(throughput, 1)", `"regret" is not available in this version`, "", ""},
		{"coverage >= 95%", "coverage", `"coverage" is not available in this version`, "", ""},
		{"coverag >= 95%", "coverag", "Unknown metric", "", `"coverage"?`},
		{"regrets(throughput, 1) <= 5%", "regrets", "Unknown function", "", `"regret"?`},
		{"regret(throughput, (1) <= 5%", "(", "not closed", "", `")"`},
		{"ttft", "", "says nothing about ttft", "within 10%", ""},
		{"throughput wthin 10%", "wthin", `Unexpected "wthin"`, "within 10%", `"within"?`},
		{"throughput is 10%", "is", `Unexpected "is"`, "", ""},
		{"throughput within", "", "missing after", "", ""},
		{"throughput within ten%", "ten", "missing after", `"ten"`, ""},
		{"throughput within 10ms", "10ms", "not 10ms", "throughput, which is in tokens/s/GPU", `"throughput within 10%"`},
		{"ttft within 150ms", "150ms", "A tolerance is a share", "", `"ttft <= 150ms"`},
		{"throughput within 5 tokens/s/GPU", "5 tokens/s/GPU", "A tolerance is a share", "", `"throughput <= 5 tokens/s/GPU"`},
		{"ttft within 10", "10", "above 0% and below 100%", "", `"ttft within 10%"`},
		{"ttft within 0%", "0%", "above 0% and below 100%", "", ""},
		{"ttft within 100%", "100%", "above 0% and below 100%", "", ""},
		{"ttft within -5%", "-5%", "above 0% and below 100%", "", ""},
		{"ttft within 10%% of predicted", "%", "Unexpected", "", ""},
		{"ttft within 1,5%", "1,5", "Unreadable number", "", `"1.5"`},
		{"throughput > 1,000,000 tokens/s/GPU", "1,000,000", "Unreadable number", "", `"1000000"`},
		{"ttft < 1,000ms", "1,000", "Unreadable number", "", `"1000"`},
		{"ttft < 1_000ms", "1_000", "Unreadable number", "", `"1000"`},
		{"ttft < .5s", ".5", "Unreadable number", "", `"0.5"`},
		{"ttft < 1.2.3s", "1.2.3", "Unreadable number", "", ""},
		{"ttft < 1234567890123456789ms", "1234567890123456789", "Unreadable number", "18 digits", ""},
		{"ttft < 999999999999999999m", "999999999999999999m", "too many digits", "", ""},
		{"ttft within 10% of baseline", "baseline", `"baseline" is not available in this version`, "", `"of predicted"`},
		{`ttft within 10% of experiment.x["tp=1"] for 90% of cells`, `experiment.x["tp=1"]`, "not available in this version", "", `"of predicted"`},
		{"ttft within 10% of predictd", "predictd", "Unknown reference", "", `"predicted"?`},
		{"ttft within 10% of", "", "reference is missing", "", ""},
		{"throughput at lest 90% of predicted", "lest", "at least", "", `"least"?`},
		{"throughput at", "", "at least", "", ""},
		{"throughput at least 90%", "", "does not say of what", "", `"throughput at least 90% of predicted"`},
		{"error_rate at most 1%", "", "does not say of what", "", `"error_rate <= 1%"`},
		{"throughput at least 90% off predicted", "off", "does not say of what", "", `"of"?`},
		{"throughput at least 100 tokens/s/GPU", "100 tokens/s/GPU", "takes a share of a reference", "", `"throughput >= 100 tokens/s/GPU"`},
		{"throughput at least 90 of predicted", "90", "not a percentage", "", `"90%"`},
		{"throughput at least 0% of predicted", "0%", "above 0%", "", ""},
		{"ttft < 2 tokens/s", "2 tokens/s", "ttft is in ms, not in tokens/s", "us, ms, s or m", `"ttft < 2ms"`},
		{"throughput > 100 tokens/s", "100 tokens/s", "throughput is in tokens/s/GPU, not in tokens/s", "total_throughput", `"throughput > 100 tokens/s/GPU"`},
		{"throughput > 100", "100", "100 has no unit", "tokens/s/GPU", `"throughput > 100 tokens/s/GPU"`},
		{"ttft < 5sec", "sec", `Unknown unit "sec"`, "", `"s"?`},
		{"ttft < 5µs", "µs", `Unknown unit "µs"`, "", `"us"?`},
		{"throughput > 100 tokens/s/gpu", "tokens/s/gpu", "Unknown unit", "", `"tokens/s/GPU"?`},
		{"throughput > 100 bananas", "bananas", "Unknown unit", "", `"throughput > 100 tokens/s/GPU"`},
		{"error_rate <= 5", "5", "between 0% and 100%", "", `"error_rate <= 5%"`},
		{"error_rate <= 1ms", "1ms", "error_rate is in a share (%), not in ms", "", `"error_rate <= 1%"`},
		{"ttft > -1ms", "-1ms", "never negative", "", ""},
		{"ttft = 5ms", "=", `Unknown comparison "="`, "", `"=="`},
		{"ttft ≤ 5ms", "≤", "Unknown comparison", "", `"<="`},
		{"ttft ~ 5ms", "~", "Unknown comparison", "within 10%", ""},
		{"ttft <", "", "quantity in ms is missing", "", ""},
		{"ttft < 5ms of predicted", "of", "Unexpected", "no reference", ""},
		{"ttft < 5ms and tpot < 3ms", "and", "one sentence", "", "two entries"},
		{"ttft < 5ms fro 90% of cells", "fro", "Unexpected", "", `"for"?`},
		{"ttft < 5ms for all cells", "all cells", "every cell", "", "Leave"},
		{"ttft < 5ms for 90% of cels", "cels", `Expected "cells"`, "", `"cells"?`},
		{"ttft < 5ms for 90% cells", "cells", `found "cells"`, "", ""},
		{"ttft < 5ms for 90%", "", `"of" is missing`, "", ""},
		{"ttft < 5ms for 0% of cells", "0%", "above 0%", "", ""},
		{"ttft < 5ms for 101% of cells", "101%", "at most at 100%", "", ""},
		{"ttft < 5ms for 3ms of cells", "3ms", "share of the cells", "", ""},
		{"ttft 👨‍👩‍👧 5ms", "👨‍👩‍👧", "Unexpected", "", ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			_, err := Parse(test.text)
			if err == nil {
				t.Fatal("no error")
			}
			if at := test.text[err.Offset:err.End]; at != test.at {
				t.Errorf("points at %q, want %q", at, test.at)
			}
			for _, part := range [][2]string{{err.Message, test.message}, {err.Detail, test.detail}, {err.Suggestion, test.suggestion}} {
				if !strings.Contains(part[0], part[1]) {
					t.Errorf("%q lacks %q", part[0], part[1])
				}
			}
			if test.suggestion == "" && err.Suggestion != "" {
				t.Errorf("unexpected suggestion %q", err.Suggestion)
			}
		})
	}
}

func TestErrorEndsAfterLastWord(t *testing.T) {
	_, err := Parse("throughput within   ")
	if err.Offset != len("throughput within") || err.End != err.Offset {
		t.Errorf("missing part reported at %d..%d", err.Offset, err.End)
	}
	if want := "missing"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q lacks %q", err.Error(), want)
	}
}

func TestQuantity(t *testing.T) {
	ttft, _ := metric.Lookup(metric.TTFT)
	if got, err := Quantity("1.5s", ttft); err != nil || got != share("1500") {
		t.Errorf("1.5s = %v, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "missing", "30": "no unit", "30ms later": `Unexpected "later"`, "-1s": "never negative", "3 tokens/s": "ttft is in ms",
	} {
		if _, err := Quantity(text, ttft); err == nil || !strings.Contains(err.Message, want) {
			t.Errorf("Quantity(%q): %v, want %q", text, err, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	tests := []struct{ text, want string }{
		{" throughput   within 10 % ", "throughput within 10%"},
		{"tpot<=30 ms for 90 %of cells", "tpot <= 30ms for 90% of cells"},
		{"throughput>100tok/s/GPU", "throughput > 100 tok/s/GPU"},
		{"error_rate==0", "error_rate == 0"},
	}
	for _, test := range tests {
		if got, ok := Normalize(test.text); !ok || got != test.want {
			t.Errorf("Normalize(%q) = %q, %v; want %q", test.text, got, ok, test.want)
		}
	}
	if got, ok := Normalize("ttft  wthin 10%"); ok || got != "ttft  wthin 10%" {
		t.Errorf("a wrong claim must stay as it is, got %q, %v", got, ok)
	}
}

// drawClaim builds a correct sentence with white space thrown in.
func drawClaim(t *rapid.T) string {
	space := rapid.SampledFrom([]string{" ", "  ", "\t", "\n "})
	m := rapid.SampledFrom(metric.All()).Draw(t, "metric")
	number := rapid.StringMatching(`[1-9][0-9]{0,5}(\.[0-9]{1,4})?`).Draw(t, "number")
	tail := rapid.SampledFrom([]string{"", "for 90% of cells", "for 0.5 of cells", "for 100% of cells"}).Draw(t, "tail")
	var body string
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 0:
		body = "within 0." + rapid.StringMatching(`[0-9]{1,8}[1-9]`).Draw(t, "tolerance")
	case 1:
		body = rapid.SampledFrom([]string{"at least", "at most"}).Draw(t, "bound") + " " + number + "% of predicted"
	default:
		op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "=="}).Draw(t, "op")
		body = op + " " + number + drawUnit(t, m)
		if m.Unit == metric.Share {
			body = op + " 0." + number[:1]
		}
	}
	words := strings.Fields(string(m.Name) + " " + body + " " + tail)
	var b strings.Builder
	for _, word := range words {
		b.WriteString(space.Draw(t, "space") + word)
	}
	return b.String()
}

func drawUnit(t *rapid.T, m metric.Metric) string {
	if m.Unit == metric.Share {
		return ""
	}
	return rapid.SampledFrom(spellingsOf(m.Unit)).Draw(t, "unit")
}

func sameClaim(a, b spec.Claim) bool {
	a.Text, b.Text = "", ""
	a.Range, b.Range = spec.Range{}, spec.Range{}
	return a == b
}

func TestCanonicalFormReparses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawClaim(t)
		c, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := Parse(String(c))
		if err != nil || !sameClaim(c, again) {
			t.Fatalf("%q -> %q -> %+v, %v", text, String(c), again, err)
		}
		if twice := String(again); twice != String(c) {
			t.Fatalf("%q is not canonical: %q", String(c), twice)
		}
		normal, ok := Normalize(text)
		third, err := Parse(normal)
		if !ok || err != nil || !sameClaim(c, third) {
			t.Fatalf("normalized %q means %+v, %v", normal, third, err)
		}
		if strings.Join(strings.Fields(normal), "") != strings.Join(strings.Fields(text), "") {
			t.Fatalf("%q changed more than white space of %q", normal, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"throughput within 10%", "ttft_p99 < 2s", "error_rate == 0", "regret(throughput, 1) <= 5%",
		"throughput at least 90% of predicted for 90% of cells", "é wthin 10%", "((((", "ttft < 1,000ms", "\xff", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			if err.Offset < 0 || err.Offset > err.End || err.End > len(text) || err.Message == "" {
				t.Fatalf("bad error %+v", err)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[err.Offset:err.End]) {
				t.Fatalf("range cuts a character: %+v", err)
			}
			return
		}
		again, err := Parse(String(c))
		if err != nil || !sameClaim(c, again) {
			t.Fatalf("%q -> %q -> %+v, %v", text, String(c), again, err)
		}
		normal, ok := Normalize(text)
		third, err := Parse(normal)
		if !ok || err != nil || !sameClaim(c, third) {
			t.Fatalf("%q normalized to %q: %v", text, normal, err)
		}
		if twice, _ := Normalize(normal); twice != normal {
			t.Fatalf("%q is not stable: %q", normal, twice)
		}
	})
}
