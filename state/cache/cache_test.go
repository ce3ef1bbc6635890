package cache

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"aicv/metric"
	"aicv/spec"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func mustOpen(tb testing.TB, path string) *Cache {
	tb.Helper()
	c, err := Open(context.Background(), path, "build")
	must(tb, err)
	tb.Cleanup(func() { must(tb, c.Close()) })
	return c
}

func prediction(i int) spec.Prediction {
	return spec.Prediction{
		Values:   metric.Values{{Metric: metric.Throughput, Value: 1000 + float64(i)/7}, {Metric: metric.TPOT, Value: float64(i) / 3}, {Metric: metric.TTFT, Value: 0.1}},
		Derived:  []metric.Name{metric.Throughput},
		Modelled: spec.NewConfiguration(spec.Setting{Name: "kv_cache_quant", Value: spec.StringValue("fp8")}, spec.Setting{Name: "tensor_parallel", Value: spec.IntValue(1 + i%8)}),
		Memory:   int64(i) << 30,
		Findings: []spec.Finding{{Check: "c", Severity: spec.FindingWarn, Message: "m", Metrics: []metric.Name{metric.TTFT}}},
		Provenance: spec.Provenance{Tool: "aiconfigurator", Version: "0.12.0", Database: "h200_sxm/sglang/0.5.14",
			Source: "row " + strconv.Itoa(i)},
	}
}

func entries(n int) (map[spec.ID]spec.Prediction, []spec.ID) {
	all := make(map[spec.ID]spec.Prediction, n)
	ids := make([]spec.ID, n)
	for i := range ids {
		ids[i] = spec.HashOf([]byte(strconv.Itoa(i)))
		all[ids[i]] = prediction(i)
	}
	return all, ids
}

func TestWhatIsPutIsFound(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "a folder", "pre?dic%tions.db")
	c := mustOpen(t, path)
	all, ids := entries(chunkSize + 3)
	must(t, c.Put(ctx, "one", all))
	replaced := spec.Prediction{Missing: "no such point"}
	must(t, c.Put(ctx, "one", map[spec.ID]spec.Prediction{ids[4]: replaced}))
	must(t, c.Put(ctx, "two", map[spec.ID]spec.Prediction{ids[0]: replaced}))
	all[ids[4]] = replaced

	again := mustOpen(t, path)
	got, err := again.Get(ctx, "one", append(ids, "unknown"))
	must(t, err)
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("all keys (-put +got):\n%s", diff)
	}
	got, err = again.Get(ctx, "one", ids[1:2])
	must(t, err)
	if diff := cmp.Diff(map[spec.ID]spec.Prediction{ids[1]: all[ids[1]]}, got); diff != "" {
		t.Errorf("one key (-put +got):\n%s", diff)
	}
	got, err = again.Get(ctx, "two", ids)
	must(t, err)
	if diff := cmp.Diff(map[spec.ID]spec.Prediction{ids[0]: replaced}, got); diff != "" {
		t.Errorf("another fingerprint (-put +got):\n%s", diff)
	}
}

func TestOldChunksGo(t *testing.T) {
	ctx := context.Background()
	c := mustOpen(t, filepath.Join(t.TempDir(), "p.db"))
	must(t, c.Put(ctx, "old", map[spec.ID]spec.Prediction{"a": prediction(1)}))
	if _, err := c.db.Exec("UPDATE sqlite_sequence SET seq = ?", maxChunks); err != nil {
		t.Fatal(err)
	}
	must(t, c.Put(ctx, "new", map[spec.ID]spec.Prediction{"a": prediction(2)}))
	old, err := c.Get(ctx, "old", []spec.ID{"a"})
	must(t, err)
	fresh, err := c.Get(ctx, "new", []spec.ID{"a"})
	must(t, err)
	if len(old) != 0 || len(fresh) != 1 {
		t.Errorf("%d old and %d new predictions, want 0 and 1", len(old), len(fresh))
	}
}

func sqlFile(path string, statements string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(statements)
	if closed := db.Close(); err == nil {
		err = closed
	}
	return err
}

// usable writes and reads one prediction; it tells whether the cache remembers.
func usable(t *testing.T, c *Cache) bool {
	t.Helper()
	ctx := context.Background()
	must(t, c.Put(ctx, "f", map[spec.ID]spec.Prediction{"a": prediction(1)}))
	got, err := c.Get(ctx, "f", []spec.ID{"a"})
	must(t, err)
	return len(got) == 1
}

func TestUnfitFiles(t *testing.T) {
	for name, c := range map[string]struct {
		make      func(path string) error
		remembers bool
		kept      bool // the file is left as it was
	}{
		"no database": {func(p string) error {
			return os.WriteFile(p, []byte("not a database at all, but long enough to be looked at closely, and more than one hundred bytes long"), 0o644)
		}, true, false},
		"empty": {func(p string) error { return os.WriteFile(p, nil, 0o644) }, true, false},
		"newer": {func(p string) error {
			return sqlFile(p, fmt.Sprintf("CREATE TABLE x (y); PRAGMA application_id=%d; PRAGMA user_version=99", applicationID))
		}, true, false},
		"another program's":       {func(p string) error { return sqlFile(p, "CREATE TABLE precious (y); PRAGMA application_id=7") }, false, true},
		"another's without an id": {func(p string) error { return sqlFile(p, "CREATE TABLE precious (y)") }, false, true},
		"folder":                  {func(p string) error { return os.Mkdir(p, 0o755) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.db")
			must(t, c.make(path))
			before, _ := os.ReadFile(path)
			if got := usable(t, mustOpen(t, path)); got != c.remembers {
				t.Errorf("remembers = %v, want %v", got, c.remembers)
			}
			if after, _ := os.ReadFile(path); c.kept && string(after) != string(before) {
				t.Error("another program's file was changed")
			}
		})
	}
}

// Whatever happens to the bytes of the file, the cache gives what was put or
// nothing, and works afterwards.
func TestDamage(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	path := filepath.Join(folder, "p.db")
	c := mustOpen(t, path)
	all, ids := entries(50)
	must(t, c.Put(ctx, "f", all))
	must(t, c.Close())
	c.db = nil
	whole, err := os.ReadFile(path)
	must(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 150 {
		broken := append([]byte(nil), whole...)
		if n%5 == 0 {
			broken = broken[:random.IntN(len(broken))]
		} else {
			for range 1 + random.IntN(8) {
				broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
			}
		}
		place := filepath.Join(folder, fmt.Sprintf("%d.db", n))
		must(t, os.WriteFile(place, broken, 0o644))
		c := mustOpen(t, place)
		got, err := c.Get(ctx, "f", ids)
		if err != nil {
			continue // told, and harmless
		}
		for id, p := range got {
			if diff := cmp.Diff(all[id], p); diff != "" {
				t.Fatalf("damage %d gave another prediction:\n%s", n, diff)
			}
		}
	}
}

func TestReadOnlyFolder(t *testing.T) {
	folder := t.TempDir()
	must(t, os.Chmod(folder, 0o555))
	runtime.LockOSThread() // file permissions do not bind root: become somebody else on this thread
	defer runtime.UnlockOSThread()
	if os.Getuid() == 0 {
		_, err := unix.SetfsuidRetUid(65534)
		must(t, err)
		defer unix.SetfsuidRetUid(0) // back to root
	}
	if usable(t, mustOpen(t, filepath.Join(folder, "p.db"))) {
		t.Error("a cache in a read-only folder remembers")
	}
	if names, err := os.ReadDir(folder); err == nil && len(names) > 0 {
		t.Errorf("it left %v", names)
	}
}

func TestConcurrentUse(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "p.db")
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			c, err := Open(ctx, path, "build") // each like a process of its own, the file made by one of them
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for i := range 20 {
				id := spec.ID(fmt.Sprintf("%d-%d", n, i))
				if err := c.Put(ctx, "f", map[spec.ID]spec.Prediction{id: prediction(i)}); err != nil {
					t.Error(err)
				}
				if got, err := c.Get(ctx, "f", []spec.ID{id}); err != nil || len(got) != 1 {
					t.Errorf("%s: %d found, %v", id, len(got), err)
				}
			}
		})
	}
	group.Wait()
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "p.db"), "build"); err == nil {
		t.Error("no error")
	}
}

func TestCodecKeepsEverything(t *testing.T) {
	text := rapid.String()
	names := rapid.SliceOfN(rapid.Map(text, func(s string) metric.Name { return metric.Name(s) }), 0, 3)
	value := rapid.OneOf(rapid.Map(rapid.Int(), spec.IntValue), rapid.Map(rapid.StringMatching(`[a-zé"\\]*`), spec.StringValue), rapid.Map(rapid.Bool(), spec.BoolValue))
	rapid.Check(t, func(t *rapid.T) {
		var put []spec.Prediction
		w := newEncoder()
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			p := spec.Prediction{Missing: text.Draw(t, "missing"), Provenance: spec.Provenance{Tool: text.Draw(t, "tool"), Source: text.Draw(t, "source")}}
			for _, name := range names.Draw(t, "values") {
				p.Values = append(p.Values, metric.Value{Metric: name, Value: rapid.Float64().Draw(t, "value")})
			}
			if list := names.Draw(t, "derived"); len(list) > 0 {
				p.Derived = list
			}
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				p.Modelled = append(p.Modelled, spec.Setting{Name: text.Draw(t, "item"), Value: value.Draw(t, "setting")})
			}
			for range rapid.IntRange(0, 2).Draw(t, "findings") {
				finding := spec.Finding{Check: text.Draw(t, "check"), Severity: spec.FindingWarn, Message: text.Draw(t, "message")}
				if list := names.Draw(t, "concerned"); len(list) > 0 {
					finding.Metrics = list
				}
				p.Findings = append(p.Findings, finding)
			}
			w.prediction(&p)
			put = append(put, p)
		}
		data := w.finish()
		got, err := decode(data, len(put))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(put, got); diff != "" {
			t.Fatalf("(-put +got):\n%s", diff)
		}
		if _, err := decode(data, len(put)+1); err == nil {
			t.Fatal("more predictions than were put")
		}
	})
}

func FuzzDecode(f *testing.F) {
	w := newEncoder()
	for i := range 3 {
		p := prediction(i)
		w.prediction(&p)
	}
	whole := w.finish()
	f.Add(whole[4:], 3)
	f.Add(whole[4:len(whole)-1], 3)
	f.Add(whole[4:], 2)
	f.Add([]byte{}, 1)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		predictions, err := decode(sealed(body), n%1000)
		if err == nil && n%1000 > 0 && len(predictions) != n%1000 {
			t.Errorf("%d predictions instead of %d", len(predictions), n%1000)
		}
	})
}

func BenchmarkGet(b *testing.B) {
	ctx := context.Background()
	c := mustOpen(b, filepath.Join(b.TempDir(), "p.db"))
	all, ids := entries(10_000)
	must(b, c.Put(ctx, "f", all))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		got, err := c.Get(ctx, "f", ids)
		must(b, err)
		if len(got) != len(ids) {
			b.Fatal(len(got))
		}
	}
}

func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	c := mustOpen(b, filepath.Join(b.TempDir(), "p.db"))
	all, _ := entries(10_000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		must(b, c.Put(ctx, strconv.Itoa(n), all))
	}
}

// sealed puts a right checksum before a body, so that fuzzing gets past it.
func sealed(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))), body...)
}

// Recommended rows are kept by request and fingerprint, whole.
func TestRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	ctx := context.Background()
	rows := []spec.Row{{
		Point: spec.Point{ModelID: "m", System: "h200_sxm", Runtime: "vllm", Config: spec.NewConfiguration(spec.Setting{Name: "tensor_parallel", Value: spec.IntValue(2)},
			spec.Setting{Name: "kv_cache_quant", Value: spec.StringValue("fp8")}), Load: spec.Load{Concurrency: 64, InputTokens: 1000, OutputTokens: 200}},
		Claimed:  metric.Values{{Metric: metric.Throughput, Value: 1234.5}},
		Findings: []spec.Finding{{Check: "c", Severity: spec.FindingWarn, Message: "m"}},
	}}
	c := mustOpen(t, path)
	if _, known, err := c.Rows(ctx, "f", "r"); known || err != nil {
		t.Errorf("an empty cache knows rows: %v", err)
	}
	must(t, c.PutRows(ctx, "f", "r", nil))
	must(t, c.PutRows(ctx, "f", "r", rows))
	must(t, c.PutRows(ctx, "f", "none", []spec.Row{}))
	must(t, c.Close())
	c = mustOpen(t, path)
	got, known, err := c.Rows(ctx, "f", "r")
	must(t, err)
	if !known || !reflect.DeepEqual(rows, got) {
		t.Errorf("known %v, %+v, want %+v", known, got, rows)
	}
	for _, key := range [][2]string{{"g", "r"}, {"f", "s"}} {
		if _, known, err := c.Rows(ctx, key[0], spec.ID(key[1])); known || err != nil {
			t.Errorf("%v is known, %v", key, err)
		}
	}
	if got, known, err := c.Rows(ctx, "f", "none"); !known || err != nil || len(got) != 0 {
		t.Errorf("a search without rows is not known: %v %v", got, err)
	}
	for i := range maxRequests + 10 {
		must(t, c.PutRows(ctx, "f", spec.ID(strconv.Itoa(i)), rows))
	}
	if _, known, _ := c.Rows(ctx, "f", "r"); known {
		t.Error("the oldest request is still there")
	}
}

// A cache without memory forgets rows.
func TestRowsWithoutMemory(t *testing.T) {
	c := &Cache{}
	must(t, c.PutRows(context.Background(), "f", "r", []spec.Row{{}}))
	if _, known, err := c.Rows(context.Background(), "f", "r"); known || err != nil {
		t.Errorf("known %v, %v", known, err)
	}
}

// TestAnotherBuildAsksAnew: what words the findings of a prediction may word them otherwise.
func TestAnotherBuildAsksAnew(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	path := filepath.Join(folder, "p.db")
	all, ids := entries(3)
	c := mustOpen(t, path)
	must(t, c.Put(ctx, "f", all))
	must(t, c.PutRows(ctx, "f", "r", []spec.Row{{}}))
	NewSupport(filepath.Join(folder, "s.json"), "build").Put("f", map[spec.ID]spec.Support{"a": {Supported: true}})
	other, err := Open(ctx, path, "another build")
	must(t, err)
	defer other.Close()
	found, err := other.Get(ctx, "f", ids)
	must(t, err)
	_, known, err := other.Rows(ctx, "f", "r")
	must(t, err)
	if len(found) > 0 || known || len(NewSupport(filepath.Join(folder, "s.json"), "another build").Get("f", []spec.ID{"a"})) > 0 {
		t.Error("another build is given what this one asked for")
	}
	if found, err := mustOpen(t, path).Get(ctx, "f", ids); err != nil || len(found) != 3 {
		t.Errorf("the same build finds %d, %v", len(found), err)
	}
}
