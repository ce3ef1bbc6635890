package spec

// The names of a load's items, as suites set them and errors name them.
const (
	LoadInputTokens   = "input_tokens"
	LoadOutputTokens  = "output_tokens"
	LoadConcurrency   = "concurrency"
	LoadRequestRate   = "request_rate"
	LoadInputLengths  = "input_lengths"
	LoadOutputLengths = "output_lengths"
	LoadArrivals      = "arrivals"
	LoadSharedPrefix  = "shared_prefix"
	LoadDataset       = "dataset"
	LoadBatch         = "batch"
)

// Places says where in a suite's files a load is declared.
type Places struct {
	Whole Range            // the workload, or the experiment where there is none
	Items map[string]Range // by item of the workload: "dataset", "request_rate"
}

// Of is where an item of the load is set; the whole where that is nowhere in particular.
func (p *Places) Of(item string) Range {
	if p == nil {
		return Range{}
	}
	if at, known := p.Items[item]; known {
		return at
	}
	return p.Whole
}
