package plan

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

func saved(t testing.TB, p *engine.Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Save(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rich is a plan in which every table has rows.
func rich(t testing.TB) *engine.Plan {
	w := small()
	w.experiment("abba", []int{1, 2}, []int{4}, repeats(2, 6, 3), within10(metric.TTFT), below(metric.TPOT, "30"))
	w.suite.Experiments[1].SLO = spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("1000")}}
	w.suite.Experiments[1].Accept = []string{spec.ItemDType}
	w.suite.Experiments[1].Guards = []spec.Guard{{Name: "g", Severity: spec.FindingSpoils, Thresholds: []spec.Threshold{{Name: "drift_max", Limit: metric.MustDecimal("0.05")}}}}
	data := w.experiment("data", []int{1}, []int{16}, repeats(1, 1, 1), within10(metric.TTFT))
	data.Cells[0].Benchmark = w.recorded
	data.PointsFrom = w.recorded
	w.recording.points = []spec.Row{point("meta/llama", "h200_sxm", 1, 24)}
	w.recording.data["concurrency=16,tensor_parallel=1"] = []spec.RunResult{recordedRun(100)}
	w.recording.notes = []spec.Finding{{Check: "x", Severity: spec.FindingNote, Message: "note"}}
	w.runtime.Attrs = spec.Attrs{"env": spec.MapValue(spec.Field{Name: "HF_TOKEN", Value: spec.SecretValue("TOKEN")})}
	w.runtime.Attrs["ready_timeout"], w.runtime.Incidental = spec.StringValue("30s"), []string{"ready_timeout"}
	w.predictor.missing = 4
	w.suite.Experiments[0].Asserts[0].Claims = append(w.suite.Experiments[0].Asserts[0].Claims, within10(metric.PercentileName(metric.TTFT, 50)))
	w.state.add("gone", "experiment.old", spec.Run{Index: 1})
	return w.build(t)
}

func TestSaveAndLoad(t *testing.T) {
	p := rich(t)
	first := saved(t, p)
	got, err := Load(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got, cmp.AllowUnexported(spec.Value{}, metric.Decimal{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("after Save and Load (-want +got):\n%s", diff)
	}
	for i := range got.Cells {
		if c := &got.Cells[i]; c.Deployment >= 0 && c.Cell.DeploymentID() != got.Deployments[c.Deployment].ID {
			t.Errorf("%s has another deployment after loading", c.Cell.Address())
		}
	}
	if !bytes.Equal(first, saved(t, got)) {
		t.Error("saving again gives other bytes")
	}
	if len(p.Gone) == 0 || len(p.Undecidable) == 0 || len(p.Findings) == 0 || len(p.Locks) == 0 {
		t.Error("the plan of this test has empty tables")
	}
}

func headOf(sum string) string { return planMagic + strconv.Itoa(engine.PlanFormat) + " " + sum + "\n" }

func TestLoadRefuses(t *testing.T) {
	good := saved(t, rich(t))
	head, body, _ := bytes.Cut(good, []byte("\n"))
	flip := bytes.Clone(good)
	flip[len(flip)/2] ^= 1
	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not a saved plan"},
		{"another file", []byte("model \"x\" {}\n"), "not a saved plan"},
		{"no line", []byte(strings.Repeat("aicv plan ", 50)), "not a saved plan"},
		{"another format", append([]byte("aicv plan 99 abc\n"), body...), "format \"99\""},
		{"only the head", append(bytes.Clone(head), '\n'), "damaged or incomplete"},
		{"truncated", good[:len(good)-20], "damaged or incomplete"},
		{"half", good[:len(good)/2], "damaged or incomplete"},
		{"a bit flipped", flip, "damaged or incomplete"},
		{"another checksum", append([]byte(headOf("00")), body...), "checksum"},
		{"not JSON", sealed([]byte("{")), "damaged or incomplete"},
		{"another id", sealed([]byte(`{"id":"x"}`)), "does not match its id"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(bytes.NewReader(tc.data))
			if err == nil || !strings.Contains(err.Error(), tc.want) || spec.KindOf(err) != spec.ErrUsage {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// sealed wraps a document as Save would, with a checksum that matches.
func sealed(document []byte) []byte {
	var b bytes.Buffer
	sum := sha256.Sum256(document)
	b.WriteString(headOf(hex.EncodeToString(sum[:])))
	zipper := gzip.NewWriter(&b)
	_, _ = zipper.Write(document)
	_ = zipper.Close()
	return b.Bytes()
}

// TestLoadChecksEveryIndex changes one field at a time of a document that is valid
// otherwise: the checksum matches, so only the checks can refuse it.
func TestLoadChecksEveryIndex(t *testing.T) {
	cases := []struct {
		name   string
		change func(s *savedPlan)
		want   string
	}{
		{"experiment", func(s *savedPlan) { s.Cells[0].Experiment = 9 }, "experiment 9 does not exist"},
		{"model", func(s *savedPlan) { s.Cells[0].Cell.Model = 9 }, "refers to row 9"},
		{"no model", func(s *savedPlan) { s.Cells[0].Cell.Model = -1 }, "refers to row -1"},
		{"null model", func(s *savedPlan) { s.Models[0] = nil }, "refers to row 0"},
		{"runtime", func(s *savedPlan) { s.Cells[0].Cell.Runtime = -1 }, "(runtime)"},
		{"target", func(s *savedPlan) { s.Cells[0].Cell.Target = 99 }, "refers to row 99"},
		{"no target", func(s *savedPlan) { s.Cells[0].Cell.Target = -1 }, "has no target"},
		{"configuration", func(s *savedPlan) { s.Cells[0].Cell.Config = 99 }, "configuration 99"},
		{"points_from", func(s *savedPlan) { s.Experiments[0].PointsFrom = 99 }, "refers to row 99"},
		{"deployment", func(s *savedPlan) { s.Cells[0].Deployment = 99 }, "deployment 99"},
		{"measured by", func(s *savedPlan) { s.Cells[0].MeasuredBy = -1 }, "cell -1 does not exist"},
		{"negative runs", func(s *savedPlan) { s.Cells[0].RunsMax = -1 }, "negative"},
		{"deployment's cell", func(s *savedPlan) { s.Deployments[0].Cells = []int{5} }, "does not belong to it"},
		{"deployment's cells", func(s *savedPlan) { s.Deployments[0].Cells = nil }, "has no cells"},
		{"node kind", func(s *savedPlan) { s.Graph.Kinds = "?" + s.Graph.Kinds[1:] }, "unknown kind"},
		{"node kinds", func(s *savedPlan) { s.Graph.Kinds += "j" }, "a column of"},
		{"node cell", func(s *savedPlan) { s.Graph.Cell[0] = 99 }, "does not exist"},
		{"run without cell", func(s *savedPlan) { s.Graph.Cell[strings.IndexByte(s.Graph.Kinds, 'r')] = -1 }, "does not say what it concerns"},
		{"deploy without deployment", func(s *savedPlan) { s.Graph.Deployment[strings.IndexByte(s.Graph.Kinds, 'd')] = -1 }, "does not say what it concerns"},
		{"host", func(s *savedPlan) { s.Graph.Exclusive[0] = 9 }, "does not exist"},
		{"edge to later", func(s *savedPlan) { s.Graph.Edges[0] = 1 << 20 }, "waits for node"},
		{"too many edges", func(s *savedPlan) { s.Graph.EdgeCounts[0] = 1 << 20 }, "are left"},
		{"too few edges", func(s *savedPlan) { s.Graph.EdgeCounts[2] = 0 }, ""},
		{"action", func(s *savedPlan) { s.Cells[0].Action = engine.ActionKept }, "does not match its id"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := pack(rich(t))
			tc.change(s)
			document, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(bytes.NewReader(sealed(document)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// FuzzLoad feeds Load with documents behind a matching checksum and with raw bytes.
func FuzzLoad(f *testing.F) {
	w := newWorld()
	w.experiment("one", []int{1}, []int{8}, repeats(1, 1, 1), within10(metric.TTFT))
	p := w.build(f)
	good := saved(f, p)
	document, err := json.Marshal(pack(p))
	if err != nil {
		f.Fatal(err)
	}
	empty, err := json.Marshal(pack(&engine.Plan{Format: engine.PlanFormat}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, false)
	f.Add(good[:len(good)/2], false)
	f.Add([]byte(headOf("")), false)
	f.Add(document, true)
	f.Add(empty, true)
	f.Add([]byte(`{"cells":[{"cell":{}}],"experiments":[null],"graph":{"kinds":"j"}}`), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			data = sealed(data)
		}
		p, err := Load(bytes.NewReader(data))
		if (err == nil) == (p == nil) {
			t.Fatal("Load gives a plan or an error, never both and never neither")
		}
		if err == nil {
			saved(t, p)
		}
	})
}
