package launch

import (
	"errors"
	"strings"
	"testing"

	"aicv/spec"
	"aicv/translate"
)

func TestCommands(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // of the cell
		args []string
	}{
		"sglang": {"# comment\nHF_TOKEN=geheim python3 -m sglang.launch_server --model-path Qwen/Qwen3-30B-A3B \\\n  --tp-size 8 --dp-size=2 --enable-dp-attention --ep-size 8 --chunked-prefill-size 8192 --disable-radix-cache --attention-backend fa3 --cuda-graph-bs 1 2 4 2>&1 | tee log",
			[]string{"tensor_parallel=4", "attention_data_parallel=2", "moe_expert_parallel=8", "max_batch_tokens=4096", "prefix_cache=false"},
			[]string{"attention-backend=fa3", "cuda-graph-bs=[1,2,4]"}},
		"vllm": {"docker run --gpus all -e A=b vllm/vllm-openai:v0.24.0 vllm serve Qwen/Qwen3-30B-A3B -tp 2 -dp 2 --enable-expert-parallel --max-num-seqs 32 --kv-cache-dtype fp8_e5m2 --gpu-memory-utilization .9 --enforce-eager --port 80",
			[]string{"tensor_parallel=2", "attention_data_parallel=2", "moe_expert_parallel=4", "max_batch_size=64", "kv_cache_quant=fp8_e5m2", "memory_fraction=0.9", "cuda_graphs=false", "0.24.0"}, nil},
		"script": {"export MODEL=${MODEL:-\"Qwen/Qwen3-8B\"}\nfor i in 1; do\n python3 -m dynamo.vllm --model \"$MODEL\" --tensor-parallel-size \"1\" --kv-cache-dtype \"auto\" --max-model-len '2700' &\ndone",
			[]string{"tensor_parallel=1", "max_sequence_length=2700"}, nil},
		"dense": {"vllm serve Qwen/Qwen3-8B --data-parallel-size 2 --compilation-config '{\"a\": \"${x}\"}' --seed ${SEED}", nil, nil},
	} {
		suite, report, err := Import(translate.Source{Name: "c.sh", Data: []byte(c.text)}, translate.Options{})
		if name == "dense" {
			if err == nil || !strings.Contains(detail(err), "which the script does not set") {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v %s", name, err, detail(err))
			continue
		}
		e := &suite.Experiments[0]
		cell := e.Cells()[0]
		for _, want := range c.want {
			if !strings.Contains(cell, want) {
				t.Errorf("%s: no %s in %s", name, want, cell)
			}
		}
		var args []string
		for _, a := range e.Runtimes[0].Args {
			args = append(args, a.Name+"="+a.Value.String())
		}
		if strings.Join(args, " ") != strings.Join(c.args, " ") {
			t.Errorf("%s: args %v, want %v", name, args, c.args)
		}
		source, err := suite.Render()
		if err != nil || strings.Contains(string(source), "geheim") || name == "sglang" && len(suite.Files) != 0 {
			t.Errorf("%s: error %v, or a secret is kept: %s", name, err, source)
		}
		for _, row := range report.Rows {
			if row.Fidelity != spec.FidelityExact && row.Why == "" || strings.Contains(row.Value, "geheim") {
				t.Errorf("%s: %+v", name, row)
			}
		}
	}
}

func detail(err error) string {
	var e *spec.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Detail
}

func TestWrongCommands(t *testing.T) {
	for text, want := range map[string]string{
		"echo hello":                   "no command starts",
		"vllm serve":                   "names no model",
		"vllm serve m --seed $(id -u)": "is $(a command), which the script does not set",
		"vllm serve 'm":                "a quote that does not end",
		"vllm serve $M":                "which the script does not set",
		"vllm serve m -tp 2 --tensor-parallel-size 4": "both",
		"vllm serve m --foo 1 --foo 2":                "stands twice",
		"python -m sglang.launch_server --model-path Qwen/Qwen3-30B-A3B --tp 3 --dp 2 --enable-dp-attention": "no multiple of the 2 ranks",
	} {
		_, _, err := Import(translate.Source{Name: "c.sh", Data: []byte(text)}, translate.Options{})
		if err == nil || !strings.Contains(detail(err), want) {
			t.Errorf("%s: error %v: %s", text, err, detail(err))
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("A=b vllm serve Qwen/Qwen3-8B -tp 2 --max-num-seqs \"${X:-3}\" # c\n"))
	f.Add([]byte("python3 -m sglang.launch_server --model-path m --tp 2 --cuda-graph-bs 1 2 \\\n --x='y'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		suite, report, err := Import(translate.Source{Name: "c.sh", Data: data}, translate.Options{})
		if err != nil {
			return
		}
		for _, row := range report.Rows {
			if row.Fidelity != spec.FidelityExact && row.Why == "" {
				t.Fatalf("no reason: %+v", row)
			}
		}
		if _, err := suite.Render(); err != nil && !strings.Contains(err.Error(), "UTF-8") {
			t.Fatal(err)
		}
	})
}

// Credentials stand in many flags: none of them comes into the suite, the report or the
// kept copy of the command.
func TestSecretsInFlags(t *testing.T) {
	for _, flag := range []string{"--hf-token geheim", "--admin-api-key=geheim", "--token geheim", "-e OPENAI_API_KEY=geheim", "--redis-password geheim"} {
		suite, report, err := Import(translate.Source{Name: "run.sh", Data: []byte("vllm serve m " + flag + " --tensor-parallel-size 2\n")}, translate.Options{})
		if err != nil {
			t.Errorf("%s: %v", flag, err)
			continue
		}
		source, err := suite.Render()
		if err != nil || strings.Contains(string(source), "geheim") || len(suite.Files) != 0 {
			t.Errorf("%s: error %v, or the secret is kept: %s", flag, err, source)
		}
		for _, row := range report.Rows {
			if strings.Contains(row.Value, "geheim") {
				t.Errorf("%s: %+v", flag, row)
			}
		}
	}
}
