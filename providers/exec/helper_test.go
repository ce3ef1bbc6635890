package exec

import (
	"fmt"
	"io"
	"os"
	"testing"

	"aicv/kit/subprocess/play"
	"aicv/metric"
	"aicv/spec"
)

// The variables by which this test binary plays a program: what it says, and how it
// ends.
const (
	playSay    = "EXEC_TEST_SAY"    // standard output
	playErrors = "EXEC_TEST_ERRORS" // standard error
	playEnd    = "EXEC_TEST_END"    // exit status, "hang", "flood" or "kill"
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
	if path := os.Getenv("EXEC_TEST_KEEP"); path != "" {
		_ = os.WriteFile(path, request, 0o600)
	}
	fmt.Print(os.ExpandEnv(say))
	fmt.Fprint(os.Stderr, os.ExpandEnv(os.Getenv(playErrors)))
	play.End(os.Getenv(playEnd), "\n")
}

const hello = `{"protocol":"aicv-predictor/1","tool":"roof","version":"1.2"}` + "\n"

// playing declares the test binary as a predictor that says something.
func playing(t *testing.T, say string, env ...string) *spec.Component {
	t.Helper()
	fields := []spec.Field{{Name: playSay, Value: spec.StringValue(say)}}
	for i := 0; i < len(env); i += 2 {
		fields = append(fields, spec.Field{Name: env[i], Value: spec.StringValue(env[i+1])})
	}
	return &spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "mine", Attrs: spec.Attrs{
		attrCommand: spec.ListValue(spec.StringValue(os.Args[0])),
		attrMetrics: spec.ListValue(spec.StringValue("ttft"), spec.StringValue("tpot"), spec.StringValue("throughput")),
		attrEnv:     spec.MapValue(fields...),
		attrTimeout: spec.StringValue("1m"),
	}}
}

func made(t *testing.T, c *spec.Component) spec.Predictor {
	t.Helper()
	p, err := Registration().New.Predictor(c, spec.Env{SuiteDir: t.TempDir(), Getenv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// points are n points that differ in their concurrency.
func points(n int) []spec.Point {
	list := make([]spec.Point, n)
	for i := range list {
		list[i] = spec.Point{ModelID: "meta-llama/Llama-3.1-8B-Instruct", System: "h100_sxm", Runtime: "vllm", RuntimeVersion: "0.24.0",
			Config:  spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}, spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")}),
			Assumed: spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(8192)}),
			Load:    spec.Load{Concurrency: i + 1, InputTokens: 1000, OutputTokens: 200}}
	}
	return list
}

func ask(t *testing.T, c *spec.Component, n int) ([]spec.Prediction, error) {
	t.Helper()
	return made(t, c).Predict(t.Context(), points(n))
}

func value(p *spec.Prediction, name metric.Name) float64 {
	v, _ := p.Values.Get(name)
	return v
}
