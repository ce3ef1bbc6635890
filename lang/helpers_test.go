package lang

import (
	"os"
	"path/filepath"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// testRegistrations are providers that exist as data only.
func testRegistrations() []spec.Registration {
	predicted := []metric.Mapping{{Metric: metric.Throughput}, {Metric: metric.TotalThroughput}, {Metric: metric.TTFT}, {Metric: metric.TPOT}, {Metric: metric.Latency}}
	driving := spec.Constructor{Benchmark: func(*spec.Component, spec.Env) (spec.Benchmark, error) { return nil, nil }}
	recording := spec.Constructor{Recording: func(*spec.Component, spec.Env) (spec.Recording, error) { return nil, nil }}
	two := 2.0
	return []spec.Registration{
		{Role: spec.RoleTarget, Kind: "process", Schema: spec.Block{Attributes: []spec.Attribute{
			{Name: "port_range", Type: spec.TypeString, Default: spec.StringValue("18000-18999"), Incidental: true}}}},
		{Role: spec.RoleTarget, Kind: "docker"},
		{Role: spec.RoleTarget, Kind: "endpoint", Schema: spec.Block{Attributes: []spec.Attribute{
			{Name: "url", Type: spec.TypeString, Required: true, Example: `"http://127.0.0.1:8000"`, Doc: "Base URL."},
			{Name: "gpus", Type: spec.TypeInt}}}},
		{Role: spec.RoleRuntime, Kind: "sim", Schema: spec.Block{
			Attributes: []spec.Attribute{
				{Name: "noise", Type: spec.TypeNumber, Max: &two},
				{Name: "ready_timeout", Type: spec.TypeDuration, Default: spec.StringValue("30s"), Incidental: true},
				{Name: "slow_start", Type: spec.TypeDuration},
				{Name: "load_share", Type: spec.TypeShare},
				{Name: "mode", Type: spec.TypeString, Allowed: []string{"fast", "slow"}, Default: spec.StringValue("fast")},
				{Name: "tags", Type: spec.TypeStringList, Single: true},
				{Name: "sizes", Type: spec.TypeIntList},
				{Name: "extra", Type: spec.TypeAny},
				{Name: "strict", Type: spec.TypeBool},
				{Name: "like", Type: spec.TypeReference, Ref: "runtime", Example: "runtime.sim.other"},
			},
			Blocks: []spec.Block{
				{Name: "headers", Open: true},
				{Name: "cost", Attributes: []spec.Attribute{{Name: "base", Type: spec.TypeNumber, Default: spec.NumberValue("0.5")}, {Name: "token", Type: spec.TypeNumber}}},
				{Name: "fault", Labels: []string{"name"}, Repeatable: true, Attributes: []spec.Attribute{{Name: "after", Type: spec.TypeInt, Required: true, Example: "10"}}},
			}}},
		{Role: spec.RoleRuntime, Kind: "vllm"},
		{Role: spec.RoleRuntime, Kind: "sglang"},
		{Role: spec.RolePredictor, Kind: "aiconfigurator", Metrics: predicted, Schema: spec.Block{Attributes: []spec.Attribute{{Name: "database_version", Type: spec.TypeString}}}},
		{Role: spec.RoleBenchmark, Kind: "loadgen", New: driving},
		{Role: spec.RoleBenchmark, Kind: "genaibench", New: driving},
		{Role: spec.RoleBenchmark, Kind: "recorded", New: recording, Schema: spec.Block{Attributes: []spec.Attribute{{Name: "file", Type: spec.TypePath, Required: true, Example: `"runs.csv"`}}}},
	}
}

// write puts files into a fresh folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func loadFiles(t testing.TB, files map[string]string) (*Loaded, spec.Diagnostics) {
	t.Helper()
	return Load(Options{Dir: write(t, files), Registrations: testRegistrations()})
}

// mustLoad fails the test on any message.
func mustLoad(t testing.TB, text string) *spec.Suite {
	t.Helper()
	loaded, diags := loadFiles(t, map[string]string{"suite.hcl": text})
	for _, d := range diags {
		t.Errorf("%s: %s: %s %s", d.Subject, d.Summary, d.Detail, d.Suggestion)
	}
	if loaded.Suite == nil {
		t.FailNow()
	}
	return loaded.Suite
}
