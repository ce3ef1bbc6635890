package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

func testRegistrations() []spec.Registration {
	predicted := []metric.Mapping{{Metric: metric.Throughput}, {Metric: metric.TotalThroughput}, {Metric: metric.TTFT}, {Metric: metric.TPOT}, {Metric: metric.Latency}}
	return []spec.Registration{
		{Role: spec.RoleTarget, Kind: "process"}, {Role: spec.RoleTarget, Kind: "docker"},
		{Role: spec.RoleRuntime, Kind: "sim"}, {Role: spec.RoleRuntime, Kind: "vllm"}, {Role: spec.RoleRuntime, Kind: "sglang"},
		{Role: spec.RolePredictor, Kind: "aiconfigurator", Metrics: predicted, Schema: spec.Block{Attributes: []spec.Attribute{{Name: "database_version", Type: spec.TypeString}}}},
		{Role: spec.RoleBenchmark, Kind: "loadgen"}, {Role: spec.RoleBenchmark, Kind: "genaibench"},
	}
}

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	b, _ := os.ReadFile("/tmp/ovA/suite.hcl")
	os.WriteFile(filepath.Join(dir, "suite.hcl"), b, 0o644)
	loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
	for _, d := range diags {
		fmt.Printf("%s %s: %s | %s | %s\n", d.Severity, d.Subject, d.Summary, d.Detail, d.Suggestion)
	}
	if loaded.Suite != nil {
		for _, x := range loaded.Suite.Experiments {
			for i := range x.Cells {
				fmt.Println(x.Cells[i].Address(), x.Cells[i].Config)
			}
			fmt.Printf("%+v\n", x.Asserts)
		}
	}
}
