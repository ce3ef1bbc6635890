package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadArguments(t *testing.T) {
	for _, c := range []struct {
		text string
		want Arguments
	}{
		{"a=1, b='x, c=2', c=f(a=3, b=[1, 2]), d=None\n, e=5", Arguments{"a": "1", "b": "'x, c=2'", "c": "f(a=3, b=[1, 2])"}}, // d may be cut off
		{"{'a': 1, \"b\": {'c': 9}, 'other': 'secret'} c=7,", Arguments{"a": "1", "b": "{'c': 9}"}},
		{"a='it\\'s', b=<Mode.FULL: 2>, c=", Arguments{"a": `'it\'s'`, "b": "<Mode.FULL: 2>"}},
		{"a=1, a=2, ", Arguments{"a": "1"}},
		{"a='never closed, b=1, c=2", Arguments{}},
		{"", Arguments{}},
		{"no arguments", Arguments{}},
	} {
		if diff := cmp.Diff(c.want, ReadArguments(c.text, "a", "b", "c", "d")); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func TestFieldsOfArguments(t *testing.T) {
	a := ReadArguments(`n=3, f=0.9, on=True, off=False, none=None, text='bf16', bare=torch.bfloat16, mode=<Mode.FULL_DECODE: 2>, list=[1], made=X(a=1, b=2), quoted="it's", long=`+strings.Repeat("x", 99)+`,`,
		"n", "f", "on", "off", "none", "text", "bare", "mode", "list", "made", "quoted", "long")
	f := Fields{}
	for name := range a {
		f.Put(name, a, name)
	}
	got := f.Answer()
	for name, want := range map[string]string{"n": "3", "f": "0.9", "text": "bf16", "bare": "torch.bfloat16", "mode": "FULL_DECODE"} {
		if text := got.Value(name).Text(); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
	}
	on, known := got.Bool("on")
	off, told := got.Bool("off")
	if !on || !known || off || !told || !got.There("none") || got.There("list") || got.There("made") || got.There("quoted") || got.There("long") {
		t.Errorf("%s", got.raw)
	}
	if inner := a.Inside("made", "b"); inner["b"] != "2" || len(a.Inside("n", "b")) != 0 {
		t.Errorf("inside: %v", inner)
	}
}

func FuzzReadArguments(f *testing.F) {
	f.Add("{'a': 1, 'b': {'c': <M.X: 2>}, 'c': \"it's\"}")
	f.Add("a=1, b='x', c=f(a=(1,), b=[]), ")
	f.Fuzz(func(t *testing.T, text string) {
		a := ReadArguments(text, "a", "b", "c")
		fields := Fields{}
		for name := range a {
			fields.Put(name, a, name)
			a.Inside(name, "c")
		}
		if _, err := ReadAnswer(fields.Answer().raw); err != nil {
			t.Errorf("%q gives %s: %v", text, fields.Answer().raw, err)
		}
	})
}
