package fit

import (
	"fmt"
	"slices"

	"aicv/catalog/hardware"
	"aicv/catalog/models"
	"aicv/spec"
)

// Verdict says whether something fits.
type Verdict string

// The verdicts.
const (
	Fits       Verdict = "fits"
	Tight      Verdict = "tight"        // it starts, but the load will not run at once as asked
	DoesNotFit Verdict = "does_not_fit" // the engine would refuse it, or run out of memory
	Unknown    Verdict = "unknown"      // what would be needed to say is not known
)

// String is the verdict for people: "does not fit".
func (v Verdict) String() string {
	if v == DoesNotFit {
		return "does not fit"
	}
	return string(v)
}

// Reason is why something does not fit, is tight, or can not be told.
type Reason struct {
	Item string `json:"item,omitempty"` // configuration item that is concerned; empty: several, or none
	Why  string `json:"why"`
}

// Result is whether a configuration fits at a load.
type Result struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []Reason `json:"reasons,omitempty"` // none where it fits
	Memory  *Memory  `json:"memory,omitempty"`  // nil where it can not be computed
}

// Why is the reasons in one line; empty where it fits.
func (r *Result) Why() string {
	text := ""
	for i, reason := range r.Reasons {
		if i > 0 {
			text += "; "
		}
		if reason.Item != "" {
			text += reason.Item + ": "
		}
		text += reason.Why
	}
	return text
}

// Question is a server that would be deployed.
type Question struct {
	Model models.Description // its Architecture is nil where the model is not known
	// ModelUnknown says why the model is not known; empty: it is.
	ModelUnknown string
	Hardware     *spec.Hardware // nil: not declared
	Runtime      string         // kind of the runtime: "vllm"
	Config       spec.Configuration
	Assumed      spec.Configuration // what the engine takes for items that Config leaves open
}

// Server is a question that was looked into as far as it does not depend on the load.
// Cells that differ in load share one.
type Server struct {
	q         Question
	setup     models.Setup
	structure []Reason // why it can not be laid out
	unknown   []Reason // why memory can not be told
	footprint models.Footprint
	engine    engine
	system    hardware.System // the zero System where it is not known
	fraction  fraction
}

// Inspect looks into a server.
func Inspect(q Question) *Server {
	s := &Server{q: q, engine: engineOf(q.Runtime)}
	s.setup = models.SetupOf(s.items())
	s.fraction = s.memoryFraction()
	if q.Hardware != nil {
		s.system, _ = hardware.Lookup(q.Hardware.System)
	}
	s.gpus()
	s.model()
	return s
}

// items are the configuration with what the engine assumes for the rest.
func (s *Server) items() spec.Configuration {
	all := slices.Clone(s.q.Config)
	for _, a := range s.q.Assumed {
		if all.Get(a.Name).IsNull() {
			all = all.With(a.Name, a.Value)
		}
	}
	return all
}

// item finds an item as set, else as assumed.
func (s *Server) item(name string) spec.Value {
	if v := s.q.Config.Get(name); !v.IsNull() {
		return v
	}
	return s.q.Assumed.Get(name)
}

// whole is an item that is a whole number; 0 where it is not known.
func (s *Server) whole(name string) int64 {
	n, _ := s.item(name).Int()
	return int64(n)
}

// gpus compares the GPUs needed with those there.
func (s *Server) gpus() {
	h := s.q.Hardware
	switch need := s.q.Config.GPUs(); {
	case h == nil:
		s.unknown = append(s.unknown, Reason{Why: "the experiment declares no hardware"})
	case h.GPUs > 0 && need > h.GPUs:
		s.structure = append(s.structure, Reason{Why: fmt.Sprintf(
			"it takes %d GPUs (replicas x tensor x pipeline x attention data parallel), and hardware.%s has %d", need, h.Name, h.GPUs)})
	}
	if h != nil && h.Memory == 0 {
		s.unknown = append(s.unknown, Reason{Why: fmt.Sprintf("the memory of the GPUs of system %q is not known; hardware.%s can declare it", h.System, h.Name)})
	}
}

// model lays the model out.
func (s *Server) model() {
	a := s.q.Model.Architecture
	if a == nil {
		s.unknown = append(s.unknown, Reason{Why: s.q.ModelUnknown})
		return
	}
	for _, p := range a.Problems(s.setup) {
		s.structure = append(s.structure, Reason{p.Item, p.Why})
	}
	longest, set := s.whole(spec.ItemMaxSequenceLength), !s.q.Config.Get(spec.ItemMaxSequenceLength).IsNull()
	if set && longest > a.Context {
		s.structure = append(s.structure, Reason{spec.ItemMaxSequenceLength,
			fmt.Sprintf("%d tokens are more than the model's context of %d", longest, a.Context)})
	}
	footprint, err := a.Footprint(s.setup)
	if err != nil {
		s.unknown = append(s.unknown, Reason{Why: err.Error()})
		return
	}
	s.footprint = footprint
}

// At says whether the server fits at a load.
func (s *Server) At(load spec.Load) Result {
	r := Result{Verdict: Fits}
	if len(s.unknown) == 0 {
		r.Memory = s.memory(load)
	}
	r.Reasons = append(slices.Clone(s.structure), s.length(load)...)
	if r.Memory != nil {
		r.Reasons = append(r.Reasons, r.Memory.tooMuch()...)
	}
	if len(r.Reasons) > 0 {
		r.Verdict = DoesNotFit
		return r
	}
	if len(s.unknown) > 0 {
		r.Verdict, r.Reasons = Unknown, s.unknown
		return r
	}
	if r.Reasons = r.Memory.queueing(); len(r.Reasons) > 0 {
		r.Verdict = Tight
	}
	return r
}

// length compares the sequences of a load with what the server takes.
func (s *Server) length(load spec.Load) []Reason {
	tokens := int64(load.InputTokens) + int64(load.OutputTokens)
	longest := s.whole(spec.ItemMaxSequenceLength)
	switch a := s.q.Model.Architecture; {
	case longest > 0 && tokens > longest:
		return []Reason{{spec.ItemMaxSequenceLength, fmt.Sprintf("sequences of %d + %d tokens are longer than %d", load.InputTokens, load.OutputTokens, longest)}}
	case longest == 0 && a != nil && tokens > a.Context:
		return []Reason{{"", fmt.Sprintf("sequences of %d + %d tokens are longer than the model's context of %d", load.InputTokens, load.OutputTokens, a.Context)}}
	}
	return nil
}
