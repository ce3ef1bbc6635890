package sim

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"aicv/spec"
)

// runtime renders simulated engines and reads them.
type runtime struct {
	component *spec.Component
	env       spec.Env
}

func newRuntime(c *spec.Component, env spec.Env) (spec.Runtime, error) {
	return &runtime{c, env}, nil
}

// Render says how to start the engine: the aicv binary itself, as a server.
func (r *runtime) Render(request spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	s, err := r.declared()
	if err != nil {
		return spec.ServerSpec{}, nil, err
	}
	ready, err := time.ParseDuration(cmp.Or(r.component.Attrs.Text("ready_timeout"), defaultReadyTimeout))
	if err != nil {
		return spec.ServerSpec{}, nil, noDuration("ready_timeout", err)
	}
	s.model = request.Model.ID
	mapping := configure(&s, request.Config)
	argv := append([]string{r.env.Self, "serve", Kind, "--listen", spec.HostPlaceholder + ":" + spec.PortPlaceholder}, s.argv()...)
	argv = append(argv, extraArgs(r.component.Attrs["args"])...)
	rendered := spec.ServerSpec{
		Image:     r.component.Attrs.Text("image"),
		Command:   argv,
		Env:       environment(r.component.Attrs["env"]),
		ModelName: s.model,
		Ready:     spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Timeout: ready + s.faults.slowStart},
		Grace:     5 * time.Second,
		Simulated: true,
	}
	return rendered, mapping, nil
}

// declared reads the component's attributes.
func (r *runtime) declared() (settings, error) {
	var s settings
	s.flags() // sets the defaults
	a := r.component.Attrs
	s.version = cmp.Or(r.component.Version(), defaultVersion)
	if a.Has("kv_cache_tokens") {
		s.kvTokens = a.Int("kv_cache_tokens")
	}
	if path := a.Text("request_log"); path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.env.SuiteDir, path)
		}
		s.requestLog = path
	}
	return s, s.readBlocks(a)
}

// readBlocks reads the nested blocks over the defaults.
func (s *settings) readBlocks(a spec.Attrs) error {
	cost, faults := nested(a, "cost"), nested(a, "faults")
	x := &s.faults
	durations := []struct {
		from spec.Attrs
		name string
		to   *time.Duration
	}{
		{cost, "base", &s.cost.base}, {cost, "weights", &s.cost.weights}, {cost, "prefill_token", &s.cost.prefillToken},
		{cost, "decode_request", &s.cost.decodeRequest}, {cost, "kv_token", &s.cost.kvToken}, {faults, "slow_start", &x.slowStart},
	}
	for _, d := range durations {
		if !d.from.Has(d.name) {
			continue
		}
		value, err := time.ParseDuration(d.from.Text(d.name))
		if err != nil {
			return noDuration(d.name, err)
		}
		*d.to = value
	}
	readNumber(cost, "tp_efficiency", &s.cost.tpEfficiency)
	readNumber(a, "noise", &s.stepNoise)
	readNumber(a, "start_noise", &s.startNoise)
	readNumber(faults, "http_500_share", &x.http500Share)
	readNumber(faults, "stall_share", &x.stallShare)
	readNumber(faults, "truncate_share", &x.truncateShare)
	readNumber(faults, "wrong_usage_share", &x.wrongUsageShare)
	readNumber(faults, "early_stop_share", &x.earlyStopShare)
	s.seed = a.Text("seed")
	x.neverReady, x.crashAtStart = faults.Bool("never_ready"), faults.Bool("crash_at_start")
	x.crashAfterRequests = faults.Int("crash_after_requests")
	x.lowerBatchTokens, x.lowerBatchSize, x.lowerAfter = faults.Int("lower_batch_tokens"), faults.Int("lower_batch_size"), faults.Int("lower_after_requests")
	x.systemPrompt, x.hideConfiguration = faults.Int("system_prompt"), faults.Bool("hide_configuration")
	x.keepCache, x.version = faults.Bool("keep_cache"), faults.Text("version")
	if faults.Has("stall_after") {
		x.stallAfter = faults.Int("stall_after")
	}
	return nil
}

func noDuration(name string, err error) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: name + " is no duration", Cause: err, Fix: `write it like "25us"`}
}

// nested reads a block that stands at most once.
func nested(a spec.Attrs, name string) spec.Attrs {
	fields := a[name].Fields()
	block := make(spec.Attrs, len(fields))
	for _, f := range fields {
		block[f.Name] = f.Value
	}
	return block
}

func readNumber(from spec.Attrs, name string, to *float64) {
	if from.Has(name) {
		*to = from.Float(name)
	}
}

// extraArgs writes the runtime's args attribute as flags; they follow our own, and
// so prevail.
func extraArgs(args spec.Value) []string {
	var argv []string
	for _, f := range args.Fields() {
		argv = append(argv, "--"+f.Name+"="+f.Value.Text())
	}
	return argv
}

func environment(env spec.Value) []spec.EnvVar {
	var vars []spec.EnvVar
	for _, f := range env.Fields() {
		vars = append(vars, spec.EnvVar(f))
	}
	return vars
}

// configure sets what the simulator models and says what became of each item.
func configure(s *settings, config spec.Configuration) []spec.ItemMapping {
	mapping := make([]spec.ItemMapping, 0, len(config))
	for _, item := range config {
		mapping = append(mapping, s.set(item))
	}
	return mapping
}

// set takes one configuration item over.
func (s *settings) set(item spec.Setting) spec.ItemMapping {
	number, _ := item.Value.Int()
	switch item.Name {
	case spec.ItemTensorParallel:
		s.tensorParallel = number
	case spec.ItemMaxBatchSize:
		s.batchSize = number
	case spec.ItemMaxBatchTokens:
		s.batchTokens = number
	case spec.ItemMaxSequenceLength:
		s.maxSequence = number
	case spec.ItemPrefixCache:
		s.prefixCache = item.Value.Bool()
	case spec.ItemChunkedPrefill:
		s.chunked = item.Value.Bool()
	case spec.ItemGEMMQuant:
		if _, known := gemmFactor(item.Value.Text()); !known {
			return unsupported(item, "the cost model has no factor for it")
		}
		s.gemmQuant = item.Value.Text()
	case spec.ItemKVCacheQuant:
		if _, known := kvFactor(item.Value.Text()); !known {
			return unsupported(item, "the cost model has no factor for it")
		}
		s.kvQuant = item.Value.Text()
	case spec.ItemReplicas:
		return spec.ItemMapping{Item: item.Name, Fidelity: spec.FidelityExact, Why: "so many servers behind aicv's own proxy; each is one replica"}
	default:
		return neutral(item)
	}
	return spec.ItemMapping{Item: item.Name, Flag: flagOf(item.Name), Fidelity: spec.FidelityExact}
}

// neutral accepts items that the simulator does not model at the one value that
// changes nothing.
func neutral(item spec.Setting) spec.ItemMapping {
	values := map[string][]string{
		spec.ItemPipelineParallel:      {"1"},
		spec.ItemAttentionDataParallel: {"1"},
		spec.ItemMoETensorParallel:     {"1"},
		spec.ItemMoEExpertParallel:     {"1"},
		spec.ItemSpeculativeTokens:     {"0"},
		spec.ItemSchedulePolicy:        {"fcfs"},
		spec.ItemCUDAGraphs:            {"true"},
		spec.ItemDType:                 {"bfloat16", "auto"},
		spec.ItemAttentionQuant:        {"bfloat16"},
		spec.ItemMoEQuant:              {"bfloat16"},
		spec.ItemCommQuant:             {"half"},
	}
	allowed := values[item.Name]
	if slices.Contains(allowed, item.Value.Text()) {
		return spec.ItemMapping{Item: item.Name, Fidelity: spec.FidelityExact, Why: "what the simulator does anyway"}
	}
	if len(allowed) == 0 {
		return unsupported(item, "the simulator does not model it")
	}
	return unsupported(item, "the simulator models only "+strings.Join(allowed, " or "))
}

func unsupported(item spec.Setting, why string) spec.ItemMapping {
	return spec.ItemMapping{Item: item.Name, Fidelity: spec.FidelityUnsupported, Why: why}
}

// The causes that the engine names in its last log line.
const (
	causeMemory  = "out-of-memory"
	causeConfig  = "bad-configuration"
	causeAddress = "address-in-use"
	causeCrash   = "engine-crash"
)

// Diagnose finds the engine's own fatal line in a log.
func (r *runtime) Diagnose(log string) (*spec.Error, bool) {
	found := regexp.MustCompile(`(?m)^.*aicv-sim fatal \[([a-z-]+)\] (.*?)\r?$`).FindAllStringSubmatch(log, -1)
	if len(found) == 0 {
		return nil, false
	}
	last := found[len(found)-1]
	cause := &spec.Error{Kind: spec.ErrConfiguration, Detail: last[2]}
	switch last[1] {
	case causeMemory:
		cause.Summary = "the engine ran out of GPU memory at start"
		cause.Fix = "raise tensor_parallel, or lower memory_fraction, max_batch_tokens or max_sequence_length"
	case causeConfig:
		cause.Summary = "the engine refuses its configuration"
		cause.Fix = "change the configuration or the runtime block as the message says"
	case causeCrash:
		cause.Summary = "the engine crashed while it served requests"
		cause.Fix = "look at the server's log; the faults block can cause this on demand"
	case causeAddress:
		cause.Kind = spec.ErrInfrastructure
		cause.Summary = "the engine can not listen on its address"
		cause.Fix = "stop what uses the port, or choose another"
	default:
		return nil, false
	}
	return cause, true
}
