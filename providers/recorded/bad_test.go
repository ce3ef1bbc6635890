package recorded

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aicv/spec"
)

// read loads a file of any name and returns the error.
func read(t *testing.T, env spec.Env, name string, overrides spec.Attrs) error {
	t.Helper()
	p, err := Predictor().New.Predictor(&spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "p", Attrs: attrs(name, overrides)}, env)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Predict(context.Background(), nil)
	return err
}

func TestBadFiles(t *testing.T) {
	good := "1,8,100,11,20,5\n"
	for _, test := range []struct {
		name, file, content string
		want                []string
	}{
		{"half-written", "p.csv", header + good + "2,8,100", []string{"p.csv:3 has 3 fields, the header has 6", "half-written"}},
		{"too many fields", "p.csv", header + "1,8,100,11,20,5,9\n", []string{"p.csv:2 has 7 fields"}},
		{"an open quote", "p.csv", header + "\"1,8,100\n", []string{"p.csv:", "is not CSV"}},
		{"a bare quote", "p.csv", header + good + "1,\"8\"x,100,11,20,5\n", []string{"p.csv:3 is not CSV"}},
		{"empty", "p.csv", "", []string{"p.csv is empty"}},
		{"no rows", "p.csv", header, []string{"p.csv has no rows"}},
		{"two columns of a name", "p.csv", "tp,conc,isl,osl,ttft_ms,tpot_ms, tp\n", []string{`two columns named "tp"`}},
		{"a column missing", "p.csv", "tp,conc,isl,osl,tfft_ms,tpot_ms\n" + good, []string{`p.csv has no column "ttft_ms"`, `did you mean "tfft_ms"`}},
		{"not UTF-8", "p.csv", header + "1,8,\xff,11,20,5\n", []string{"p.csv:2 is not UTF-8"}},
		{"UTF-16", "p.csv", "\xff\xfet\x00p\x00", []string{"p.csv:1 is not UTF-8"}},
		{"NaN", "p.csv", header + "1,8,100,11,NaN,5\n", []string{"p.csv:2", "column ttft_ms", "ttft is NaN, which is no figure", "leave it empty"}},
		{"infinite", "p.csv", header + "1,8,100,11,20,-inf\n", []string{"p.csv:2", "-inf: tpot is -Inf, and can not be negative"}},
		{"negative", "p.csv", header + "1,8,100,11,-20,5\n", []string{"p.csv:2", "ttft is -20, and can not be negative"}},
		{"zero", "p.csv", header + "1,8,100,11,20,0.0\n", []string{"p.csv:2", "0.0: tpot is 0, and can not be zero"}},
		{"huge", "p.csv", header + "1,8,100,11,1e11,5\n", []string{"p.csv:2", "too large to be real"}},
		{"beyond all numbers", "p.csv", header + "1,8,100,11,1e999,5\n", []string{"p.csv:2", "too large to be real"}},
		{"no number", "p.csv", header + "1,8,100,11,20ms,5\n", []string{"p.csv:2", `ttft is "20ms", want a number`}},
		{"a hexadecimal number", "p.csv", header + "1,8,100,11,0x14,5\n", []string{"p.csv:2", "want a number"}},
		{"several bad rows", "p.csv", header + "1,8,100,11,x,5\n" + good + "1,8,100,11,y,5\n1,8,100,11,z,5\n", []string{"p.csv:2", "(and 2 more bad rows)"}},
		{"a size of 0", "p.csv", header + "0,8,100,11,20,5\n", []string{"p.csv:2", "column tp", "tensor_parallel is \"0\", want a whole number of 1 or more"}},
		{"half a GPU", "p.csv", header + "1.5,8,100,11,20,5\n", []string{"p.csv:2", "tensor_parallel is \"1.5\""}},
		{"a huge concurrency", "p.csv", header + "1,9000000000,100,11,20,5\n", []string{"p.csv:2", "concurrency is \"9000000000\", which is too large"}},
		{"a concurrency beyond integers", "p.csv", header + "1,1e300,100,11,20,5\n", []string{"p.csv:2", "concurrency is"}},
		{"JSON: half-written", "p.json", "[\n{\"tp\": 1,\n", []string{"p.json:", "half-written"}},
		{"JSON: no array", "p.json", "{\"tp\": 1}", []string{"p.json:1", "must be an array"}},
		{"JSON: no objects", "p.json", "[\n1]", []string{"p.json:2", "objects only"}},
		{"JSON: nested", "p.json", "[\n{\"tp\": [1]}]", []string{"p.json:2", `the value of "tp" is nested`}},
		{"JSON: a key twice", "p.json", "[{\"tp\": 1, \"conc\": 2,\n\"tp\": 3}]", []string{"p.json:2", `the key "tp" twice`}},
		{"JSON: a rest", "p.json", "[] []", []string{"p.json:1", "behind the end"}},
		{"JSON: no JSON", "p.json", "[{tp: 1}]", []string{"p.json:1", "not JSON"}},
		{"JSON: no rows", "p.json", "[]", []string{"p.json has no rows"}},
		{"JSON: NaN", "p.json", "[{\"tp\": NaN}]", []string{"p.json:1", "not JSON"}},
		{"JSON: NaN as text", "p.json", "[\n{\"tp\":1,\"conc\":8,\"isl\":100,\"osl\":11,\"ttft_ms\":\"nan\",\"tpot_ms\":5}]", []string{"p.json:2", "no figure"}},
		{"JSON: a column missing", "p.json", "[{\"tp\":1,\"conc\":8,\"isl\":100,\"osl\":11,\"tpot_ms\":5}]", []string{`no column "ttft_ms"`}},
		{"another format", "p.parquet", "PAR1", []string{"p.parquet", ".csv or .json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, read(t, write(t, test.file, test.content), test.file, nil), test.want...)
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	env := write(t, "p.csv", header)
	wantError(t, read(t, env, "no-such.csv", nil), "no-such.csv", "relative to the suite's folder")
	if err := os.Mkdir(filepath.Join(env.SuiteDir, "dir.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	wantError(t, read(t, env, "dir.csv", nil), "dir.csv is not a regular file")
	if err := syscall.Mkfifo(filepath.Join(env.SuiteDir, "pipe.csv"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, read(t, env, "pipe.csv", nil), "pipe.csv is not a regular file")
	large, err := os.Create(filepath.Join(env.SuiteDir, "large.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(maxBytes + 1); err != nil {
		t.Fatal(err)
	}
	if err := large.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, read(t, env, "large.csv", nil), "larger than 64 MiB")
}

func TestBoundsOfATable(t *testing.T) {
	wide := strings.Repeat("a,", maxColumns) + "b\n"
	_, err := parseTable("p.csv", []byte(wide+wide))
	wantError(t, err, "1001 columns")
	// Each object adds a column: without a bound on cells this would take rows x columns.
	var stairs strings.Builder
	stairs.WriteString("[{}")
	for i := range maxColumns + 1 {
		stairs.WriteString(`,{"` + strings.Repeat("k", 1+i%7) + string(rune('a'+i%26)) + string(rune('0'+i/26)) + `":1}`)
	}
	stairs.WriteString("]")
	_, err = parseTable("p.json", []byte(stairs.String()))
	wantError(t, err, "more than 1000 different keys")
}

// TestJSON: an array of objects answers as the CSV of the same rows does, whatever the
// order of keys, with a byte order mark or not.
func TestJSON(t *testing.T) {
	content := "\xef\xbb\xbf[\n {\"tp\": 1, \"conc\": 8, \"isl\": 100, \"osl\": 11, \"ttft_ms\": 20, \"tpot_ms\": 5},\n" +
		" {\"ttft_ms\": 1.25e1, \"extra\": null, \"osl\": 11.0, \"isl\": \"100\", \"conc\": 8, \"tp\": 2}\n]\n"
	env := write(t, "p.json", content)
	p, err := Predictor().New.Predictor(&spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "p", Attrs: attrs("p.json", nil)}, env)
	if err != nil {
		t.Fatal(err)
	}
	answers := predict(t, p, point(2, 8), point(1, 8))
	if ttft, _ := answers[0].Values.Get("ttft"); ttft != 12.5 || len(answers[0].Values) != 1 || answers[0].Provenance.Source != "p.json:3" {
		t.Errorf("the second object gave %+v", answers[0])
	}
	if tpot, _ := answers[1].Values.Get("tpot"); tpot != 5 || answers[1].Provenance.Source != "p.json:2" {
		t.Errorf("the first object gave %+v", answers[1])
	}
}

func TestBadDeclarations(t *testing.T) {
	list := func(names ...string) spec.Value {
		var items []spec.Value
		for _, n := range names {
			items = append(items, spec.StringValue(n))
		}
		return spec.ListValue(items...)
	}
	for _, test := range []struct {
		name string
		over spec.Attrs
		want []string
	}{
		{"an item that is none", spec.Attrs{"match": texts("tensor_paralel", "tp")}, []string{"benchmark.recorded.m", "match", `did you mean "tensor_parallel"`}},
		{"nothing to match", spec.Attrs{"match": texts()}, []string{"match names no item"}},
		{"a column without a name", spec.Attrs{"match": texts("concurrency", "")}, []string{"match of concurrency"}},
		{"matched and fixed", spec.Attrs{"fixed": texts("concurrency", "8")}, []string{"concurrency is in match and in fixed"}},
		{"a fixed value that is none", spec.Attrs{"fixed": texts("replicas", "two")}, []string{"replicas is \"two\""}},
		{"a fixed value that is empty", spec.Attrs{"fixed": texts("dtype", " ")}, []string{"dtype has no value"}},
		{"no metric", spec.Attrs{"metric": spec.ListValue()}, []string{"no metric block"}},
		{"a metric that is none", spec.Attrs{"metric": metrics("tttft", "ttft_ms", "ms")}, []string{`"tttft" is no metric`, `did you mean "ttft"`}},
		{"a metric twice", spec.Attrs{"metric": metrics("ttft", "ttft_ms", "ms", "ttft", "tpot_ms", "ms")}, []string{"ttft is declared twice"}},
		{"a unit of something else", spec.Attrs{"metric": metrics("ttft", "ttft_ms", "tokens/s")}, []string{`ttft can not have the unit "tokens/s"`, `"ms"`, `"s"`}},
		{"derived and read", spec.Attrs{"derive": list("latency"), "metric": metrics("latency", "a", "ms")}, []string{"latency is read from a column and derived"}},
		{"nothing to derive from", spec.Attrs{"derive": list("total_throughput"), "metric": metrics("ttft", "a", "ms")}, []string{"without the metric tpot"}},
		{"no concurrency to derive from", spec.Attrs{"derive": list("total_throughput"), "match": texts("output_tokens", "osl")}, []string{"without the item concurrency"}},
		{"no lengths to derive from", spec.Attrs{"derive": list("latency"), "match": texts("concurrency", "conc")}, []string{"without the item output_tokens"}},
		{"no GPUs to derive from", spec.Attrs{"derive": list("throughput"), "match": texts("concurrency", "conc", "output_tokens", "osl")}, []string{"without the GPUs of the layout"}},
		{"what can not be derived", spec.Attrs{"derive": list("ttft_p99")}, []string{`"ttft_p99" can not be derived`}},
		{"modelled that is no configuration", spec.Attrs{"modelled": texts("concurrency", "c")}, []string{"no item of the configuration"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Benchmark().New.Recording(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "m", Attrs: attrs("m.csv", test.over)}, spec.Env{})
			wantError(t, err, test.want...)
		})
	}
}

// FuzzParseTable: no content panics, and every error of a file says where it is.
func FuzzParseTable(f *testing.F) {
	f.Add(false, header+"1,8,100,11,20,5\n2,8,100,11,12.5,3\n")
	f.Add(false, header+"1,8,100,11,20,5\n1,8,100,11,20,5")
	f.Add(false, "\"a\"\"b\",c\n\"x\ny\",2\n")
	f.Add(false, header+"1,8,100,11,NaN,-1e999\n")
	f.Add(true, `[{"tp":1,"conc":8,"isl":100,"osl":11,"ttft_ms":2e1,"tpot_ms":5},{"tp":null}]`)
	f.Add(true, `[{"a":{"b":1}}]`)
	f.Add(true, "[{")
	f.Fuzz(func(t *testing.T, isJSON bool, content string) {
		name := "p.csv"
		if isJSON {
			name = "p.json"
		}
		table, err := parseTable(name, []byte(content))
		if err != nil {
			wantError(t, err, name)
			return
		}
		over := spec.Attrs{"gpus_column": spec.StringValue("gpus"), "run_column": spec.StringValue("run"),
			"derive": spec.ListValue(spec.StringValue("throughput"), spec.StringValue("latency"))}
		if _, err := table.column("gpus"); err != nil {
			delete(over, "gpus_column")
		}
		if _, err := table.column("run"); err != nil {
			delete(over, "run_column")
		}
		d, err := declare(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "m", Attrs: attrs(name, over)})
		if err != nil {
			t.Fatal(err)
		}
		data, err := newDataset(d, table)
		if err != nil {
			wantError(t, err, name)
			return
		}
		checkDataset(t, data)
	})
}

// checkDataset: each kept row answers its own point with sound figures.
func checkDataset(t *testing.T, data *dataset) {
	t.Helper()
	for i := range data.records {
		rec := &data.records[i]
		p, err := data.d.point(rec)
		if err != nil {
			t.Fatal(err)
		}
		found := data.lookup(&p)
		if len(rec.values) > 0 && len(found.Runs) == 0 {
			t.Errorf("line %d does not answer its own point: %s", rec.line, found.Missing)
		}
		for _, v := range rec.values {
			if !(v.Value > 0) {
				t.Errorf("line %d: %s is %v", rec.line, v.Metric, v.Value)
			}
		}
	}
}
