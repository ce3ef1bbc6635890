// Package enginetest is for tests: configurations that runtimes of engines are tried
// with, and the form in which their command lines are recorded.
package enginetest

import (
	"fmt"
	"strconv"
	"strings"

	"aicv/spec"
)

// Case is one configuration of one model.
type Case struct {
	Name   string
	Model  string
	Path   string
	Config map[string]string // items as a user would write them
	Attrs  spec.Attrs        // of the runtime, beside its version
}

// Models of the table, by what they are tried for.
const (
	dense   = "Qwen/Qwen3-32B"            // 16 bits
	block   = "Qwen/Qwen3-32B-FP8"        // fp8 in blocks
	experts = "Qwen/Qwen3-30B-A3B"        // mixture of experts, 16 bits
	large   = "deepseek-ai/DeepSeek-V3"   // mixture of experts, fp8 in blocks
	unknown = "example/none-of-the-table" // nobody knows its checkpoint
)

// Cases are tried with every engine and version.
func Cases() []Case {
	var all []Case
	for _, part := range [][]Case{sizes(), modes(), limits(), ways()} {
		all = append(all, part...)
	}
	return all
}

func sizes() []Case {
	return []Case{
		{Name: "nothing set", Model: dense},
		{Name: "tensor", Model: dense, Config: map[string]string{"tensor_parallel": "4"}},
		{Name: "tensor and pipeline", Model: dense, Config: map[string]string{"tensor_parallel": "4", "pipeline_parallel": "2"}},
		{Name: "replicas", Model: dense, Config: map[string]string{"replicas": "2", "tensor_parallel": "2"}},
		{Name: "one of everything", Model: dense, Config: map[string]string{"replicas": "1", "tensor_parallel": "1", "pipeline_parallel": "1", "attention_data_parallel": "1", "moe_tensor_parallel": "1", "moe_expert_parallel": "1"}},
		{Name: "attention data parallel", Model: large, Config: map[string]string{"tensor_parallel": "1", "attention_data_parallel": "8", "moe_tensor_parallel": "1", "moe_expert_parallel": "8", "max_batch_size": "256", "max_batch_tokens": "8192"}},
		{Name: "attention data parallel without tensor parallel", Model: large, Config: map[string]string{"attention_data_parallel": "4"}},
		{Name: "attention data parallel of a dense model", Model: dense, Config: map[string]string{"attention_data_parallel": "2"}},
		{Name: "experts split", Model: experts, Config: map[string]string{"tensor_parallel": "4", "moe_tensor_parallel": "4", "moe_expert_parallel": "1"}},
		{Name: "experts distributed", Model: experts, Config: map[string]string{"tensor_parallel": "4", "moe_tensor_parallel": "1", "moe_expert_parallel": "4"}},
		{Name: "experts both ways", Model: experts, Config: map[string]string{"tensor_parallel": "4", "moe_tensor_parallel": "2", "moe_expert_parallel": "2"}},
		{Name: "experts that do not fit", Model: experts, Config: map[string]string{"tensor_parallel": "4", "moe_tensor_parallel": "4", "moe_expert_parallel": "4"}},
	}
}

func modes() []Case {
	return []Case{
		{Name: "16 bits", Model: dense, Config: map[string]string{"gemm_quant": "bfloat16", "kv_cache_quant": "bfloat16", "attention_quant": "bfloat16", "comm_quant": "half", "dtype": "bfloat16"}},
		{Name: "fp8 at load", Model: dense, Config: map[string]string{"gemm_quant": "fp8", "kv_cache_quant": "fp8", "attention_quant": "fp8"}},
		{Name: "fp8 in blocks at load", Model: dense, Config: map[string]string{"gemm_quant": "fp8_block"}},
		{Name: "fp8 checkpoint", Model: block, Config: map[string]string{"gemm_quant": "fp8_block", "kv_cache_quant": "fp8_e4m3"}},
		{Name: "fp8 checkpoint in 16 bits", Model: block, Config: map[string]string{"gemm_quant": "bfloat16"}},
		{Name: "nvfp4 at load", Model: dense, Config: map[string]string{"gemm_quant": "nvfp4", "kv_cache_quant": "nvfp4"}},
		{Name: "unknown checkpoint", Model: unknown, Config: map[string]string{"gemm_quant": "fp8_block", "moe_quant": "fp8_block", "kv_cache_quant": "bfloat16"}},
		{Name: "unknown checkpoint, fp8", Model: unknown, Config: map[string]string{"gemm_quant": "fp8"}},
		{Name: "experts in 16 bits", Model: experts, Config: map[string]string{"gemm_quant": "bfloat16", "moe_quant": "bfloat16"}},
		{Name: "experts fp8 at load", Model: experts, Config: map[string]string{"gemm_quant": "fp8", "moe_quant": "fp8"}},
		{Name: "experts in 16 bits beside fp8", Model: experts, Config: map[string]string{"gemm_quant": "fp8", "moe_quant": "bfloat16"}},
		{Name: "experts fp8 in blocks", Model: large, Config: map[string]string{"gemm_quant": "fp8_block", "moe_quant": "fp8_block", "kv_cache_quant": "auto"}},
		{Name: "int8", Model: dense, Config: map[string]string{"gemm_quant": "int8_wo", "kv_cache_quant": "int8", "comm_quant": "int8"}},
		{Name: "attention in 16 bits over an fp8 cache", Model: dense, Config: map[string]string{"kv_cache_quant": "fp8", "attention_quant": "bfloat16"}},
		{Name: "float16", Model: dense, Config: map[string]string{"gemm_quant": "float16", "kv_cache_quant": "float16", "dtype": "float16"}},
	}
}

func limits() []Case {
	return []Case{
		{Name: "limits", Model: dense, Config: map[string]string{"max_batch_size": "64", "max_batch_tokens": "8192", "max_sequence_length": "5000", "memory_fraction": "0.85"}},
		{Name: "limit that the ranks do not divide", Model: large, Config: map[string]string{"attention_data_parallel": "8", "max_batch_size": "100"}},
		{Name: "chunked prefill", Model: dense, Config: map[string]string{"chunked_prefill": "true", "max_batch_tokens": "4096"}},
		{Name: "whole prompts", Model: dense, Config: map[string]string{"chunked_prefill": "false", "max_batch_tokens": "16384"}},
		{Name: "prefix cache", Model: dense, Config: map[string]string{"prefix_cache": "true"}},
		{Name: "prefix cache off", Model: dense, Config: map[string]string{"prefix_cache": "false"}},
		{Name: "graphs", Model: dense, Config: map[string]string{"cuda_graphs": "true", "max_batch_size": "1024"}},
		{Name: "no graphs", Model: dense, Config: map[string]string{"cuda_graphs": "false"}},
		{Name: "policies", Model: dense, Config: map[string]string{"schedule_policy": "fcfs"}},
		{Name: "a policy of SGLang", Model: dense, Config: map[string]string{"schedule_policy": "lpm"}},
		{Name: "no drafts", Model: large, Config: map[string]string{"speculative_tokens": "0"}},
		{Name: "drafts", Model: large, Config: map[string]string{"speculative_tokens": "3"}},
		{Name: "data type nobody has", Model: dense, Config: map[string]string{"dtype": "int4"}},
	}
}

// ways are those in which servers are started.
func ways() []Case {
	one := func(name string, v spec.Value) spec.Attrs { return spec.Attrs{name: v} }
	config := map[string]string{"tensor_parallel": "2"}
	return []Case{
		{Name: "local checkpoint", Model: dense, Path: "/mnt/data/models/none", Config: config},
		{Name: "command", Model: dense, Config: config, Attrs: one("command", spec.ListValue(spec.StringValue("uv"), spec.StringValue("run"), spec.StringValue("engine")))},
		{Name: "interpreter", Model: dense, Config: config, Attrs: one("python", spec.StringValue("/opt/engine/bin/python"))},
		{Name: "virtual environment", Model: dense, Config: config, Attrs: one("venv", spec.StringValue("engine"))},
		{Name: "image", Model: dense, Config: config, Attrs: one("image", spec.StringValue("registry.example/engine"))},
		{Name: "image and local checkpoint", Model: dense, Path: "/mnt/data/models/none", Config: config, Attrs: one("image", spec.StringValue("registry.example/engine"))},
		{Name: "image and cache", Model: dense, Config: config, Attrs: spec.Attrs{"image": spec.StringValue("registry.example/engine"), "cache_dir": spec.StringValue("/srv/hub")}},
		{Name: "without a GPU", Model: dense, Attrs: one("device", spec.StringValue("cpu"))},
		{Name: "random weights and further flags", Model: dense, Config: config, Attrs: spec.Attrs{
			"load_format": spec.StringValue("dummy"),
			"args":        spec.MapValue(spec.Field{Name: "trust_remote_code", Value: spec.BoolValue(true)}, spec.Field{Name: "seed", Value: spec.IntValue(7)}),
			"env":         spec.MapValue(spec.Field{Name: "HF_TOKEN", Value: spec.SecretValue("HF_TOKEN")}, spec.Field{Name: "OMP_NUM_THREADS", Value: spec.StringValue("4")})}},
	}
}

// Configuration builds a case's configuration.
func (c *Case) Configuration() spec.Configuration {
	var settings []spec.Setting
	for name, text := range c.Config {
		settings = append(settings, spec.Setting{Name: name, Value: value(text)})
	}
	return spec.NewConfiguration(settings...)
}

func value(text string) spec.Value {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return spec.NumberValue(text)
	}
	if text == "true" || text == "false" {
		return spec.BoolValue(text == "true")
	}
	return spec.StringValue(text)
}

// Environment is that of the tests.
func Environment() spec.Env {
	return spec.Env{SuiteDir: "/suite", WorkDir: "/suite/.aicv", Self: "/usr/bin/aicv", Getenv: func(name string) (string, bool) {
		found, ok := map[string]string{"HOME": "/home/user", "PATH": "/usr/bin"}[name]
		return found, ok
	}}
}

// Commands renders every case with a runtime of one kind and version, in the form that
// is recorded.
func Commands(registration spec.Registration, versions ...string) (string, error) {
	var b strings.Builder
	for i, c := range Cases() {
		version := versions[i%len(versions)] // every version gets its share
		if c.Name == "no graphs" || c.Name == "graphs" || strings.HasPrefix(c.Name, "nvfp4") || c.Name == "int8" {
			for _, v := range versions {
				if err := c.write(&b, registration, v); err != nil {
					return "", err
				}
			}
			continue
		}
		if err := c.write(&b, registration, version); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (c *Case) write(b *strings.Builder, registration spec.Registration, version string) error {
	attrs := spec.Attrs{"version": spec.StringValue(version)}
	for name, v := range c.Attrs {
		attrs[name] = v
	}
	made, err := registration.New.Runtime(&spec.Component{Role: spec.RoleRuntime, Kind: registration.Kind, Name: "it", Attrs: attrs}, Environment())
	if err != nil {
		return err
	}
	s, mapping, err := made.Render(spec.RenderRequest{Model: spec.Model{ID: c.Model, Path: c.Path}, Config: c.Configuration()})
	fmt.Fprintf(b, "# %s (%s, %s)\n", c.Name, version, c.Model)
	if err != nil {
		fmt.Fprintf(b, "error: %v\n\n", err)
		return nil
	}
	writeServer(b, &s)
	for _, m := range mapping {
		fmt.Fprintf(b, "  %s: %s", m.Item, m.Fidelity)
		if m.Flag != "" {
			fmt.Fprintf(b, " [%s]", m.Flag)
		}
		if m.Why != "" {
			b.WriteString(", " + m.Why)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return nil
}

func writeServer(b *strings.Builder, s *spec.ServerSpec) {
	if s.Image != "" {
		fmt.Fprintf(b, "image %s, shm %d MiB", s.Image, s.ShmBytes>>20)
		for _, m := range s.Mounts {
			fmt.Fprintf(b, ", %s at %s", m.Source, m.Target)
			if m.ReadOnly {
				b.WriteString(" read-only")
			}
		}
		b.WriteByte('\n')
	}
	for _, v := range s.Env {
		fmt.Fprintf(b, "%s=%s ", v.Name, v.Value)
	}
	fmt.Fprintf(b, "%s\n  %d GPUs\n", strings.Join(s.Command, " "), s.GPUs)
}
