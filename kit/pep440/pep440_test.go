package pep440

import (
	"testing"
)

func version(t *testing.T, text string) Version {
	t.Helper()
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOrder: the specification's own order, and that of the engines' real versions.
func TestOrder(t *testing.T) {
	ordered := []string{
		"0.5.6", "0.5.6.post1", "0.5.6.post2", "0.5.9", "0.5.10rc0", "0.5.10", "0.5.10.post1", "0.5.14", "0.32.0", "0.32.0+cpu",
		"1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456",
		"1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456",
		"1.1.dev1", "1!0.1",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			got := version(t, a).Compare(version(t, b))
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s: %d", a, b, got)
			}
		}
	}
}

// TestSpellings: what the specification normalises is equal.
func TestSpellings(t *testing.T) {
	for _, pair := range [][2]string{{"1.0", "1.0.0"}, {"v1.0", "1.0"}, {"1.0-1", "1.0.post1"}, {"1.0-alpha.1", "1.0a1"}, {"1.0.preview2", "1.0rc2"},
		{"1.0rev3", "1.0.post3"}, {"1.0.DEV", "1.0.dev0"}, {"1.0+Ubuntu-1", "1.0+ubuntu.1"}} {
		if version(t, pair[0]).Compare(version(t, pair[1])) != 0 {
			t.Errorf("%s is not %s", pair[0], pair[1])
		}
	}
}

func TestWhatIsNoVersion(t *testing.T) {
	for _, text := range []string{"", "latest", "nightly", "1.", "1..2", "1.0+", "1.0_", "a1", "99999999999999999999", "1.0 beta"} {
		if v, err := Parse(text); err == nil {
			t.Errorf("%q was read as %s", text, v)
		}
	}
}

func TestSpecifiers(t *testing.T) {
	cases := []struct {
		set string
		in  []string
		out []string
	}{
		{"", []string{"0", "99"}, nil},
		{">=0.5.14", []string{"0.5.14", "0.5.14.post1", "0.6", "0.5.14+cu129"}, []string{"0.5.13.post1", "0.5.14rc1"}},
		{">=0.5.6,<0.5.14", []string{"0.5.6", "0.5.6.post2", "0.5.13"}, []string{"0.5.5", "0.5.14", "0.5.14rc1", "0.5.14.dev1"}},
		{"~=0.5.6", []string{"0.5.6", "0.5.99"}, []string{"0.6.0", "0.5.5"}},
		{"==0.5.*", []string{"0.5", "0.5.6.post2", "0.5.10rc0"}, []string{"0.6", "1!0.5"}},
		{"!=0.5.*", []string{"0.6"}, []string{"0.5.1"}},
		{"==0.32.0", []string{"0.32", "0.32.0+cpu"}, []string{"0.32.0.post1"}},
		{"==0.32.0+cpu", []string{"0.32.0+cpu"}, []string{"0.32.0"}},
		{">1.7", []string{"1.7.1"}, []string{"1.7", "1.7.0.post1"}},
		{"<=1.7", []string{"1.7", "1.7rc1"}, []string{"1.7.post1"}},
	}
	for _, c := range cases {
		s, err := ParseSpecifiers(c.set)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range c.in {
			if !s.Contains(version(t, in)) {
				t.Errorf("%q does not hold %s", c.set, in)
			}
		}
		for _, out := range c.out {
			if s.Contains(version(t, out)) {
				t.Errorf("%q holds %s", c.set, out)
			}
		}
	}
	for _, bad := range []string{"0.5", "=>1", ">=1.*", "~=1", ">=", ">=1,,<2", "===1"} {
		if _, err := ParseSpecifiers(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// FuzzParse: what is read compares equal to itself and keeps its text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0.5.6.post2", "1!2.0rc1.post3.dev4+local.5", "v1-2", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(v.String())
		if err != nil || again.Compare(v) != 0 {
			t.Errorf("%q became %q: %v", text, v, err)
		}
		if _, err := ParseSpecifiers(">=" + text); err != nil && v.local == "" {
			t.Errorf(">=%s: %v", text, err)
		}
	})
}
