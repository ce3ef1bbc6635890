package aiconfigurator

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aicv/kit/subprocess/play"
	"aicv/metric"
	"aicv/spec"
)

// The variables by which this test binary plays the tool's interpreter or its command:
// what it says, and how it ends.
const (
	playSay    = "AICV_TEST_SAY"    // standard output; a file with "@" in front; ";" ends a process and begins the next one's
	playErrors = "AICV_TEST_ERRORS" // standard error
	playEnd    = "AICV_TEST_END"    // exit status, "hang", "flood" or "kill"
	playKeep   = "AICV_TEST_KEEP"   // folder that keeps what each process was asked
)

func TestMain(m *testing.M) {
	if say, plays := os.LookupEnv(playSay); plays {
		perform(say)
		return
	}
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector holds each program for a second
	os.Exit(m.Run())
}

func perform(say string) {
	request, _ := io.ReadAll(os.Stdin)
	turn, turns := 0, strings.Split(say, ";")
	if folder := os.Getenv(playKeep); folder != "" {
		kept, _ := os.ReadDir(folder)
		turn = len(kept)
		_ = os.WriteFile(filepath.Join(folder, strconv.Itoa(turn)), []byte(strings.Join(os.Args[1:], " ")+"\n"+string(request)), 0o600)
	}
	text := turns[min(turn, len(turns)-1)]
	if file, ok := strings.CutPrefix(text, "@"); ok {
		content, _ := os.ReadFile(file)
		text = string(content)
	}
	fmt.Print(text)
	fmt.Fprint(os.Stderr, os.Getenv(playErrors))
	if turn < len(turns)-1 {
		os.Exit(139) // all but the last die
	}
	play.End(os.Getenv(playEnd), "")
}

// venv is a virtual environment in which this test binary plays interpreter and command.
func venv(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	site := filepath.Join(root, "lib", "python3.11", "site-packages", "aiconfigurator-0.12.0.dist-info")
	for _, folder := range []string{filepath.Join(root, "bin"), site} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, content := range map[string]string{
		filepath.Join(root, "pyvenv.cfg"): "include-system-site-packages = false\n",
		filepath.Join(site, "RECORD"):     "aiconfigurator/x.py,sha256=aaa,1\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"python3", "aiconfigurator"} {
		if err := os.Symlink(self, filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// declared is a predictor of the virtual environment; more attributes follow in pairs.
func declared(venv string, more ...string) *spec.Component {
	attrs := spec.Attrs{attrVenv: spec.StringValue(venv), attrTimeout: spec.StringValue("1m")}
	for i := 0; i < len(more); i += 2 {
		attrs[more[i]] = spec.StringValue(more[i+1])
	}
	return &spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "aic", Attrs: attrs}
}

func made(t testing.TB, c *spec.Component) *predictor {
	t.Helper()
	made, err := Registration().New.Predictor(c, spec.Env{SuiteDir: t.TempDir(), Getenv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := made.(*predictor)
	if !ok {
		t.Fatalf("made a %T", made)
	}
	return p
}

// point is a point of Qwen3-32B-FP8 on two GPUs; items follow in pairs.
func point(concurrency int, items ...any) spec.Point {
	config := spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)})
	for i := 0; i < len(items); i += 2 {
		name, _ := items[i].(string)
		switch v := items[i+1].(type) {
		case int:
			config = config.With(name, spec.IntValue(v))
		case float64:
			config = config.With(name, spec.NumberValue(strconv.FormatFloat(v, 'f', -1, 64)))
		case bool:
			config = config.With(name, spec.BoolValue(v))
		case string:
			config = config.With(name, spec.StringValue(v))
		}
	}
	return spec.Point{ModelID: "Qwen/Qwen3-32B-FP8", System: "h200_sxm", Runtime: "sglang", RuntimeVersion: "0.5.14", Config: config,
		Load: spec.Load{Concurrency: concurrency, InputTokens: 2048, OutputTokens: 512}}
}

func points(n int) []spec.Point {
	list := make([]spec.Point, n)
	for i := range list {
		list[i] = point(i + 1)
	}
	return list
}

const hello = `{"aicv":1,"version":"0.12.0","core":"0.12.0","python":"3.11.7","memo":"","unusable":""}` + "\n"

// said is an answer for a point, as our program prints it.
func said(at int) string {
	return fmt.Sprintf(`{"point":%d,"answer":{"version":"0.5.14","model":"Qwen/Qwen3-32B-FP8","config":"bundled","moe":false,"assumed":[],`+
		`"values":{"ttft":356.866,"tpot":21.591,"request_latency":11389.653,"tokens/s":2905.15,"tokens/s/gpu":1452.57,"tokens/s/user":46.32,"seq/s":5.685,"concurrency":null,"memory":30.83},`+
		`"gpus":2,"sizes":{"tp":2,"pp":1},"modes":{"gemm":"fp8_block","moe":"fp8_block","kvcache":"fp8","fmha":"fp8","comm":"half"},"memory_fraction":0.88,`+
		`"kv_cache_warning":"","fallbacks":[],"sources":{"silicon":9000,"empirical":1000}},"warnings":[],"loading":[]}`+"\n", at)
}

func value(p *spec.Prediction, name metric.Name) float64 {
	v, _ := p.Values.Get(name)
	return v
}

// found looks for a finding whose message holds a text.
func found(findings []spec.Finding, check, text string) bool {
	for i := range findings {
		if findings[i].Check == check && strings.Contains(findings[i].Message, text) {
			return true
		}
	}
	return false
}

// fixture is a folder beside the repository with recorded outputs of the tool.
func fixture(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "fixtures", "aiconfigurator", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the recorded outputs are not beside the repository: %v", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}
