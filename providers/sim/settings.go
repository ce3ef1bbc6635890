package sim

import (
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"aicv/spec"
)

// The defaults of limits that a configuration leaves open.
const (
	defaultVersion     = "0.1"
	defaultKVTokens    = 400_000
	defaultBatchTokens = 8192
	defaultBatchSize   = 256
	defaultMaxSequence = 32_768
)

// settings are everything that one simulated engine is started with. They travel
// from the runtime to the server as flags.
type settings struct {
	listen, model, version, requestLog string

	tensorParallel       int
	gemmQuant, kvQuant   string
	batchSize            int // 0: the default, or the token budget where that is smaller
	batchTokens          int
	maxSequence          int // 0: as much as the other limits allow, at most the default
	kvTokens             int // at bfloat16
	prefixCache, chunked bool

	cost                  costModel
	stepNoise, startNoise float64
	seed                  string // decimal; empty: another one at every start
	faults                faults
}

// faults are what goes wrong on demand. Shares are of the requests.
type faults struct {
	slowStart          time.Duration
	neverReady         bool
	crashAtStart       bool
	crashAfterRequests int
	http500Share       float64
	stallShare         float64
	stallAfter         int // tokens
	truncateShare      float64
	wrongUsageShare    float64
	earlyStopShare     float64
	lowerBatchTokens   int // 0: not
	lowerBatchSize     int // 0: not
	lowerAfter         int // completed requests
	systemPrompt       int // tokens
	hideConfiguration  bool
	keepCache          bool
	version            string // empty: the one that was asked for
}

// flags binds the settings to their flags, with the defaults set. It is the one
// list of them: Render writes what differs from the defaults, Serve reads it.
func (s *settings) flags() *flag.FlagSet {
	f := flag.NewFlagSet("sim", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&s.listen, "listen", "127.0.0.1:8000", "address")
	f.StringVar(&s.model, "model", "sim", "served model name")
	f.StringVar(&s.version, "engine-version", defaultVersion, "version that /version reports")
	f.StringVar(&s.requestLog, "request-log", "", "file for each request's true timestamps, JSON lines")
	f.IntVar(&s.tensorParallel, "tensor-parallel", 1, "GPUs that share a layer")
	f.StringVar(&s.gemmQuant, "gemm-quant", "bfloat16", "quantization of matrix multiplications")
	f.StringVar(&s.kvQuant, "kv-cache-quant", "bfloat16", "data type of the KV cache")
	f.IntVar(&s.batchSize, "max-batch-size", 0, "most requests that run at once")
	f.IntVar(&s.batchTokens, "max-batch-tokens", defaultBatchTokens, "most tokens of one step")
	f.IntVar(&s.maxSequence, "max-sequence-length", 0, "longest sequence in tokens")
	f.IntVar(&s.kvTokens, "kv-cache-tokens", defaultKVTokens, "size of the KV cache in tokens at bfloat16")
	f.BoolVar(&s.prefixCache, "prefix-cache", false, "reuse the KV cache of equal prefixes")
	f.BoolVar(&s.chunked, "chunked-prefill", true, "compute long prompts in pieces")
	s.costFlags(f)
	f.Float64Var(&s.stepNoise, "noise-step", 0, "coefficient of variation of each step's time")
	f.Float64Var(&s.startNoise, "noise-start", 0, "coefficient of variation between starts")
	f.StringVar(&s.seed, "seed", "", "seed of noise and faults")
	s.faults.flags(f)
	return f
}

func (s *settings) costFlags(f *flag.FlagSet) {
	d := defaultCost()
	f.DurationVar(&s.cost.base, "cost-base", d.base, "time of each step")
	f.DurationVar(&s.cost.weights, "cost-weights", d.weights, "time of each step for reading the weights")
	f.DurationVar(&s.cost.prefillToken, "cost-prefill-token", d.prefillToken, "time of each prompt token")
	f.DurationVar(&s.cost.decodeRequest, "cost-decode-request", d.decodeRequest, "time of each decoding request")
	f.DurationVar(&s.cost.kvToken, "cost-kv-token", d.kvToken, "time of each cached token attended to")
	f.Float64Var(&s.cost.tpEfficiency, "cost-tp-efficiency", d.tpEfficiency, "efficiency of each doubling of the tensor parallel size")
}

func (x *faults) flags(f *flag.FlagSet) {
	f.DurationVar(&x.slowStart, "fault-slow-start", 0, "time until the server is ready")
	f.BoolVar(&x.neverReady, "fault-never-ready", false, "never become ready")
	f.BoolVar(&x.crashAtStart, "fault-crash-at-start", false, "run out of memory at start")
	f.IntVar(&x.crashAfterRequests, "fault-crash-after-requests", 0, "die after so many requests")
	f.Float64Var(&x.http500Share, "fault-http-500-share", 0, "share of requests answered with HTTP 500")
	f.Float64Var(&x.stallShare, "fault-stall-share", 0, "share of requests that stall")
	f.IntVar(&x.stallAfter, "fault-stall-after", 1, "tokens after which they stall")
	f.Float64Var(&x.truncateShare, "fault-truncate-share", 0, "share of streams that break off")
	f.Float64Var(&x.wrongUsageShare, "fault-wrong-usage-share", 0, "share of requests with wrong token counts")
	f.Float64Var(&x.earlyStopShare, "fault-early-stop-share", 0, "share of requests that end early, whatever they ask for")
	f.IntVar(&x.lowerBatchTokens, "fault-lower-batch-tokens", 0, "run with no more tokens in a step, whatever is asked for")
	f.IntVar(&x.lowerBatchSize, "fault-lower-batch-size", 0, "run with no more requests at once, whatever is asked for")
	f.IntVar(&x.lowerAfter, "fault-lower-after-requests", 0, "lower the limits only after so many requests")
	f.IntVar(&x.systemPrompt, "fault-system-prompt", 0, "tokens that the chat template puts before every prompt")
	f.BoolVar(&x.hideConfiguration, "fault-hide-configuration", false, "do not report the configuration")
	f.BoolVar(&x.keepCache, "fault-keep-cache", false, "refuse to empty the prefix cache")
	f.StringVar(&x.version, "fault-version", "", "report another version than the one asked for")
}

// parseSettings reads the server's arguments.
func parseSettings(args []string) (settings, error) {
	var s settings
	f := s.flags()
	if err := f.Parse(args); err != nil {
		return s, badConfiguration("read the arguments: %w", err)
	}
	if f.NArg() > 0 {
		return s, badConfiguration("unexpected argument %q", f.Arg(0))
	}
	return s, s.check()
}

// argv writes the settings that differ from the defaults as flags.
func (s *settings) argv() []string {
	current := *s
	var bound settings
	f := bound.flags() // defaults; then the values of current
	bound = current
	var argv []string
	f.VisitAll(func(x *flag.Flag) {
		value := x.Value.String()
		if value == x.DefValue || x.Name == "listen" {
			return
		}
		if b, ok := x.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			argv = append(argv, "--"+x.Name+"="+value)
			return
		}
		argv = append(argv, "--"+x.Name, value)
	})
	return argv
}

// badConfiguration is an error that the engine refuses to start with.
func badConfiguration(format string, args ...any) error {
	return &spec.Error{Kind: spec.ErrConfiguration, Summary: "bad configuration", Cause: fmt.Errorf(format, args...)}
}

// check refuses what no engine could run, and fills in the limits left open.
func (s *settings) check() error {
	if err := s.checkRanges(); err != nil {
		return err
	}
	if _, ok := gemmFactor(s.gemmQuant); !ok {
		return badConfiguration("gemm quantization %q is unknown", s.gemmQuant)
	}
	kv, ok := kvFactor(s.kvQuant)
	if !ok {
		return badConfiguration("KV cache data type %q is unknown", s.kvQuant)
	}
	return s.checkLimits(int(float64(s.kvTokens) / kv))
}

func (s *settings) checkRanges() error {
	for _, positive := range []struct {
		name  string
		value int
	}{
		{"tensor-parallel", s.tensorParallel}, {"max-batch-tokens", s.batchTokens}, {"kv-cache-tokens", s.kvTokens},
	} {
		if positive.value < 1 {
			return badConfiguration("%s is %d, and must be at least 1", positive.name, positive.value)
		}
	}
	for _, share := range []struct {
		name  string
		value float64
	}{
		{"fault-http-500-share", s.faults.http500Share}, {"fault-stall-share", s.faults.stallShare},
		{"fault-truncate-share", s.faults.truncateShare}, {"fault-wrong-usage-share", s.faults.wrongUsageShare},
		{"fault-early-stop-share", s.faults.earlyStopShare},
		{"cost-tp-efficiency", s.cost.tpEfficiency},
	} {
		if !(share.value >= 0 && share.value <= 1) { // refuses NaN too
			return badConfiguration("%s is %v, and must lie between 0 and 1", share.name, share.value)
		}
	}
	if s.cost.tpEfficiency == 0 {
		return badConfiguration("cost-tp-efficiency must be above 0")
	}
	return s.checkSigns()
}

func (s *settings) checkSigns() error {
	c := s.cost
	if c.base < 0 || c.weights < 0 || c.prefillToken < 0 || c.decodeRequest < 0 || c.kvToken < 0 {
		return badConfiguration("a cost is negative")
	}
	if c.base+c.weights == 0 {
		return badConfiguration("a step takes no time: cost-base and cost-weights are both 0")
	}
	if !(s.stepNoise >= 0 && s.stepNoise <= 2 && s.startNoise >= 0 && s.startNoise <= 2) {
		return badConfiguration("noise must lie between 0 and 2")
	}
	if s.batchSize < 0 || s.maxSequence < 0 || s.faults.crashAfterRequests < 0 || s.faults.stallAfter < 0 || s.faults.slowStart < 0 ||
		s.faults.lowerBatchTokens < 0 || s.faults.lowerBatchSize < 0 || s.faults.lowerAfter < 0 || s.faults.systemPrompt < 0 {
		return badConfiguration("a limit is negative")
	}
	return nil
}

// checkLimits compares the limits with each other, as real engines do at start.
func (s *settings) checkLimits(kvCapacity int) error {
	if s.batchSize == 0 {
		s.batchSize = min(defaultBatchSize, s.batchTokens)
	}
	if s.batchSize > s.batchTokens {
		return badConfiguration("max batch tokens (%d) is smaller than max batch size (%d): a decode step would not fit", s.batchTokens, s.batchSize)
	}
	if s.maxSequence == 0 {
		s.maxSequence = min(defaultMaxSequence, kvCapacity)
		if !s.chunked {
			s.maxSequence = min(s.maxSequence, s.batchTokens)
		}
	}
	if s.maxSequence > kvCapacity {
		return badConfiguration("max sequence length (%d) is larger than the KV cache (%d tokens): not even one request fits", s.maxSequence, kvCapacity)
	}
	if !s.chunked && s.maxSequence > s.batchTokens {
		return badConfiguration("max batch tokens (%d) is smaller than max sequence length (%d), which needs chunked prefill", s.batchTokens, s.maxSequence)
	}
	return nil
}

// kvCapacity is the size of the KV cache in tokens of its data type.
func (s *settings) kvCapacity() int {
	factor, ok := kvFactor(s.kvQuant)
	if !ok || factor == 0 {
		return s.kvTokens
	}
	return int(float64(s.kvTokens) / factor)
}

// seedValue is the declared seed, hashed to 64 bits. Without one, each start draws
// another.
func (s *settings) seedValue() uint64 {
	if s.seed == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
		return binary.LittleEndian.Uint64(b[:])
	}
	return hashText(s.seed)
}

// lowered are the limits with the fault of lowered ones in force.
func (s *settings) lowered(l limits) limits {
	if n := s.faults.lowerBatchTokens; n > 0 && l.chunked { // a whole prompt must fit where it is not computed in pieces
		l.batchTokens = min(l.batchTokens, n)
	}
	if n := s.faults.lowerBatchSize; n > 0 {
		l.batchSize = min(l.batchSize, n)
	}
	return l
}

// effective is the configuration as the running engine has it, under the limits that
// are in force. What the simulator does not model stands at its one value.
func (s *settings) effective(l limits) spec.Configuration {
	number := func(name string, n int) spec.Setting { return spec.Setting{Name: name, Value: spec.IntValue(n)} }
	text := func(name, v string) spec.Setting { return spec.Setting{Name: name, Value: spec.StringValue(v)} }
	flag := func(name string, b bool) spec.Setting { return spec.Setting{Name: name, Value: spec.BoolValue(b)} }
	return spec.NewConfiguration(
		number(spec.ItemReplicas, 1), number(spec.ItemPipelineParallel, 1), number(spec.ItemAttentionDataParallel, 1),
		number(spec.ItemMoETensorParallel, 1), number(spec.ItemMoEExpertParallel, 1), number(spec.ItemSpeculativeTokens, 0),
		number(spec.ItemTensorParallel, s.tensorParallel), text(spec.ItemGEMMQuant, s.gemmQuant), text(spec.ItemKVCacheQuant, s.kvQuant),
		text(spec.ItemAttentionQuant, "bfloat16"), text(spec.ItemMoEQuant, "bfloat16"), text(spec.ItemCommQuant, "half"), text(spec.ItemDType, "bfloat16"),
		number(spec.ItemMaxBatchSize, l.batchSize), number(spec.ItemMaxBatchTokens, l.batchTokens),
		number(spec.ItemMaxSequenceLength, s.maxSequence), flag(spec.ItemPrefixCache, s.prefixCache),
		flag(spec.ItemChunkedPrefill, s.chunked), flag(spec.ItemCUDAGraphs, true), text(spec.ItemSchedulePolicy, "fcfs"),
	)
}

// flagOf is the flag of a configuration item.
func flagOf(item string) string { return "--" + strings.ReplaceAll(item, "_", "-") }
