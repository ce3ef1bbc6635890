package main

import (
	"slices"
	"strings"
	"testing"

	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/launch"
)

// TestFlagsAreReadAsTheyAreWritten holds the table that reads flags and the runtimes' own
// tables together: a configuration that a runtime renders exactly is read back as it was.
func TestFlagsAreReadAsTheyAreWritten(t *testing.T) {
	number, text := spec.IntValue, spec.StringValue
	dense := []spec.Setting{
		{Name: spec.ItemTensorParallel, Value: number(4)}, {Name: spec.ItemPipelineParallel, Value: number(2)},
		{Name: spec.ItemKVCacheQuant, Value: text("fp8_e5m2")}, {Name: spec.ItemDType, Value: text("bfloat16")},
		{Name: spec.ItemMaxBatchSize, Value: number(64)}, {Name: spec.ItemMaxBatchTokens, Value: number(8192)},
		{Name: spec.ItemMaxSequenceLength, Value: number(5000)}, {Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.85")},
		{Name: spec.ItemPrefixCache, Value: spec.BoolValue(false)}, {Name: spec.ItemSchedulePolicy, Value: text("fcfs")},
	}
	experts := []spec.Setting{
		{Name: spec.ItemTensorParallel, Value: number(2)}, {Name: spec.ItemAttentionDataParallel, Value: number(4)},
		{Name: spec.ItemMoEExpertParallel, Value: number(8)}, {Name: spec.ItemMaxBatchSize, Value: number(128)},
		{Name: spec.ItemMaxBatchTokens, Value: number(4096)}, {Name: spec.ItemPrefixCache, Value: spec.BoolValue(false)},
	}
	for _, c := range []struct {
		engine, version, model string
		items                  []spec.Setting
	}{
		{flags.SGLang, "0.5.14", "Qwen/Qwen3-8B", dense}, {flags.VLLM, "0.24.0", "Qwen/Qwen3-8B", dense},
		{flags.SGLang, "0.5.14", "Qwen/Qwen3-30B-A3B", experts}, {flags.VLLM, "0.24.0", "Qwen/Qwen3-30B-A3B", experts},
	} {
		config := spec.NewConfiguration(c.items...)
		command := rendered(t, c.engine, c.version, c.model, config)
		suite, _, err := launch.Import(translate.Source{Name: "c.sh", Data: []byte(command)}, translate.Options{})
		if err != nil {
			t.Errorf("%s: %v\n%s", c.engine, err, command)
			continue
		}
		var got spec.Configuration
		for _, a := range suite.Experiments[0].Axes {
			if !slices.ContainsFunc(schema.WorkloadItems(), func(row spec.Attribute) bool { return row.Name == a.Name }) {
				got = got.With(a.Name, a.Values[0])
			}
		}
		if !slices.EqualFunc(got, config, func(x, y spec.Setting) bool { return x.Name == y.Name && x.Value.Equal(y.Value) }) {
			t.Errorf("%s of %s: %v was read as %v\n%s", c.engine, c.model, config, got, command)
		}
	}
}

// rendered is the command of a configuration, as the engine's provider writes it.
func rendered(t *testing.T, engine, version, model string, config spec.Configuration) string {
	t.Helper()
	for _, r := range registrations() {
		if r.Role != spec.RoleRuntime || r.Kind != engine {
			continue
		}
		runtime, err := r.New.Runtime(&spec.Component{Role: r.Role, Kind: engine, Name: "r", Attrs: spec.Attrs{"version": spec.StringValue(version)}}, spec.Env{})
		if err != nil {
			t.Fatal(err)
		}
		server, items, err := runtime.Render(spec.RenderRequest{Model: spec.Model{ID: model}, Hardware: &spec.Hardware{System: "h100_sxm", GPUs: 8}, Config: config})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range items {
			if m.Fidelity == spec.FidelityUnsupported {
				t.Errorf("%s: %s is %s: %s", engine, m.Item, m.Fidelity, m.Why)
			}
		}
		words := make([]string, len(server.Command))
		for i, w := range server.Command {
			words[i] = "'" + w + "'"
		}
		return strings.Join(words, " ")
	}
	t.Fatalf("no runtime %s", engine)
	return ""
}
