package metric

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "10": "10", "0.10": "0.1", "-2.50": "-2.5", "007": "7", "0.000": "0",
		"123456789012345678": "123456789012345678", "0.00000000000000001": "0.00000000000000001", "-1.5": "-1.5",
	} {
		got, err := ParseDecimal(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseDecimal(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", ".", ".5", "5.", "-.5", "1e3", "+1", "1,000", " 1", "1 ", "--1", "0x1", "٣", "1.2.3",
		"1234567890123456789", "0.000000000000000001"} {
		if got, err := ParseDecimal(text); err == nil {
			t.Errorf("ParseDecimal(%q) = %s, want an error", text, got)
		}
	}
}

func TestDecimalEquality(t *testing.T) {
	if MustDecimal("0.10") != MustDecimal("0.1") || MustDecimal("10.0") != DecimalFromInt(10) {
		t.Error("decimals of one value differ")
	}
	if got := MustDecimal("0.1").Rat(); got.Cmp(big.NewRat(1, 10)) != 0 {
		t.Errorf("0.1 is %s, not exactly a tenth", got)
	}
	if got := MustDecimal("-0.25").Float64(); got != -0.25 {
		t.Errorf("Float64 %v", got)
	}
	for text, want := range map[string]int{"-0.1": -1, "0": 0, "3": 1} {
		if got := MustDecimal(text).Sign(); got != want {
			t.Errorf("sign of %s: %d", text, got)
		}
	}
}

func TestMustDecimalPanicsOnNonsense(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustDecimal("ten")
}

func TestDecimalMul(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"2", "1000", "2000"}, {"0.1", "0.1", "0.01"}, {"2.5", "0.4", "1"}, {"-3", "0.5", "-1.5"}, {"0", "99999", "0"},
		{"999999999", "999999999", "999999998000000001"},
	} {
		got, ok := MustDecimal(test.a).Mul(MustDecimal(test.b))
		if !ok || got.String() != test.want {
			t.Errorf("%s x %s = %s, %v; want %s", test.a, test.b, got, ok, test.want)
		}
	}
	for _, test := range [][2]string{{"999999999999", "9999999999"}, {"0.0000000001", "0.0000000001"}, {"1000000000", "1000000000"}} {
		if got, ok := MustDecimal(test[0]).Mul(MustDecimal(test[1])); ok {
			t.Errorf("%s x %s = %s, which does not fit", test[0], test[1], got)
		}
	}
}

// drawDecimal draws any decimal that can be written.
func drawDecimal(t *rapid.T, label string) Decimal {
	return MustDecimal(rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?`).Draw(t, label))
}

func TestDecimalProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDecimal(t, "a"), drawDecimal(t, "b")
		if again, err := ParseDecimal(a.String()); err != nil || again != a {
			t.Fatalf("%s reads back as %s, %v", a, again, err)
		}
		if (a == b) != (a.Rat().Cmp(b.Rat()) == 0) {
			t.Fatalf("%s == %s disagrees with their values", a, b)
		}
		if product, ok := a.Mul(b); ok {
			if want := new(big.Rat).Mul(a.Rat(), b.Rat()); product.Rat().Cmp(want) != 0 {
				t.Fatalf("%s x %s = %s, want %s", a, b, product, want)
			}
			if again, err := ParseDecimal(product.String()); err != nil || again != product {
				t.Fatalf("the product %s reads back as %s, %v", product, again, err)
			}
		}
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back Decimal
		if err := json.Unmarshal(data, &back); err != nil || back != a {
			t.Fatalf("JSON %s reads back as %s, %v", data, back, err)
		}
	})
}

func TestDecimalJSONRefuses(t *testing.T) {
	for _, text := range []string{`null`, `true`, `"x"`, `1e3`, `[1]`, `12345678901234567890`} {
		var d Decimal
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s reads as %s", text, d)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"0.1", "-12.50", "1e9", ".", "", "999999999999999999", "0.99999999999999999", "٣.٣", "--1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDecimal(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || d.Rat().Cmp(want) != 0 {
			t.Fatalf("%q reads as %s", text, d)
		}
		if s := d.String(); strings.Contains(s, ".") && strings.HasSuffix(s, "0") {
			t.Fatalf("%q is written as %q, which is not the shortest", text, s)
		}
		if again, err := ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%q: %s reads back as %s, %v", text, d, again, err)
		}
	})
}
