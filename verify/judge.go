package verify

import (
	"time"

	"aicv/metric"
	"aicv/spec"
	"aicv/verify/checks"
)

// CellInput is what is known of one cell.
type CellInput struct {
	Address     string           // of the cell
	Measurement spec.ID          //
	Prediction  *spec.Prediction // nil: the cell has no predictor
	Runs        []spec.Run       // in index order
	Failure     *spec.Failure    // that stands; nil: none
	Past        []spec.PastRule  // rules that the measurement was judged by once there was data
	Others      []spec.PastRule  // rules of claims that other experiments put on the same measurement now; they explain past rules
	GPUsKnown   bool             // the deployment's GPU count is known
	Requests    int              // measured requests planned per run; 0: unknown
	Withheld    string           // why nothing is measured for the cell; empty: it is, or was

	// What was asked for, to hold runs and prediction against.
	Config   spec.Configuration
	Load     spec.Load
	Version  string        // of the engine; empty: open
	Duration time.Duration // shortest window; 0: requests alone decide
}

// Judge judges the cells of one experiment. It keeps what cells share, and must not
// be used from several goroutines at once. The experiment must not change meanwhile.
type Judge struct {
	experiment *spec.Experiment
	looks      []int  // sizes of sample
	runs       []int  // runs at each look
	rules      []rule // of every claim, in order
	quantiles  map[student]float64
	checks     *checks.Rules // by selfChecks
}

// rule is a claim, prepared for judging many cells.
type rule struct {
	assert *spec.Assert
	claim  *spec.Claim
	metric metric.Metric
	known  bool          // the subject is a metric of the contract
	made   *region       // by bounds
	past   spec.PastRule // the rule that this judging will be in the future
}

// NewJudge prepares the claims of an experiment.
func NewJudge(e *spec.Experiment) *Judge {
	looks := PlannedLooks(e.Repeats)
	j := &Judge{experiment: e, looks: looks, runs: RunsAtLooks(e.Repeats), quantiles: make(map[student]float64)}
	for i := range e.Asserts {
		for k := range e.Asserts[i].Claims {
			j.rules = append(j.rules, j.rule(&e.Asserts[i], &e.Asserts[i].Claims[k]))
		}
	}
	return j
}

func (j *Judge) rule(a *spec.Assert, c *spec.Claim) rule {
	m, known := metric.Lookup(c.Subject)
	return rule{assert: a, claim: c, metric: m, known: known, past: pastOf(j.experiment, c)}
}

// bounds is the claim's region. It is made when it is first needed: most judges only
// look whether there is anything to judge, and exact figures take time.
func (r *rule) bounds() region {
	if r.made == nil {
		made := regionOf(r.claim)
		r.made = &made
	}
	return *r.made
}

func pastOf(e *spec.Experiment, c *spec.Claim) spec.PastRule {
	return spec.PastRule{Subject: c.Subject,
		Rules: spec.ClaimRules{Form: c.Form, Op: c.Op, Amount: c.Amount, Max: e.Repeats.Max, Guards: e.GuardsID()}}
}

// levelAt is the level of intervals at the last completed look; of the first look
// before it. It follows the look and not the size of the sample, which differs where a
// server came up more or less often than was planned.
func (j *Judge) levelAt(v *view) float64 {
	if len(j.looks) == 0 {
		return Level(nil, 0)
	}
	return Level(j.looks, j.looks[max(v.look, 1)-1])
}

// Rules lists the rules of an experiment's claims, as CellInput.Others takes them.
func Rules(e *spec.Experiment) []spec.PastRule {
	var rules []spec.PastRule
	for _, a := range e.Asserts {
		for i := range a.Claims {
			rules = append(rules, pastOf(e, &a.Claims[i]))
		}
	}
	return rules
}

// JudgeExperiment judges every claim of an experiment: for each claim, in the order
// of asserts and claims, one judgement per cell as given, then the one over all
// cells, with Cell empty. All cells given are the denominator, measured or not.
func JudgeExperiment(e *spec.Experiment, cells []CellInput) []spec.Judgement {
	j := NewJudge(e)
	views := make([]view, len(cells))
	for i := range cells {
		views[i] = *j.viewOf(&cells[i])
	}
	judgements := make([]spec.Judgement, 0, len(j.rules)*(len(cells)+1))
	for i := range j.rules {
		first := len(judgements)
		for k := range views {
			judgements = append(judgements, j.cell(&j.rules[i], &views[k]))
		}
		judgements = append(judgements, j.aggregate(&j.rules[i], judgements[first:]))
	}
	return judgements
}

// cell judges one claim on one cell.
func (j *Judge) cell(r *rule, v *view) spec.Judgement {
	o := j.decide(r, v)
	judgement := j.judgement(r, o)
	judgement.Cell, judgement.Measured = v.in.Address, v.in.Measurement
	judgement.Marks = j.marks(r, v, &o)
	if relative(r.claim) && v.look > 0 {
		judgement.Compared = v.likeness.Differing()
	}
	return judgement
}

func (j *Judge) judgement(r *rule, o outcome) spec.Judgement {
	return spec.Judgement{
		Experiment: j.experiment.Name, Assert: r.assert.Name, Severity: r.assert.Severity,
		Claim: r.claim.Text, Subject: r.claim.Subject,
		Verdict: o.verdict, Reason: o.reason, Evidence: o.evidence, Rules: r.past.Rules,
	}
}

// Decided reports whether nothing is left to measure for a cell: its configuration
// failed, its last planned look is complete, or at the last completed look no claim
// is left that further runs could decide. Before the first look it is false.
func (j *Judge) Decided(in CellInput) bool {
	v := j.viewOf(&in)
	if v.refused() || v.look == len(j.looks) {
		return true
	}
	if v.look == 0 {
		return false
	}
	for i := range j.rules {
		if !j.decide(&j.rules[i], v).settled {
			return false
		}
	}
	return true
}

// LookAt describes the last completed look at a cell, as the state keeps it.
func LookAt(e *spec.Experiment, in CellInput) spec.Look {
	j := NewJudge(e)
	v := j.viewOf(&in)
	look := spec.Look{Measurement: in.Measurement, Runs: len(v.runs), Of: len(j.looks), Level: j.levelAt(v), Decided: j.Decided(in)}
	for i := range j.rules {
		r := &j.rules[i]
		look.Claims = append(look.Claims, r.claim.Text+": "+string(j.decide(r, v).verdict))
	}
	return look
}
