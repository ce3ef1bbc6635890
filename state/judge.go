package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// pastRule is a rule as it is stored; several of them make a rule set.
type pastRule struct {
	Subject metric.Name     `json:"subject"`
	Rules   spec.ClaimRules `json:"rules"`
}

// Judge appends the judgements of an apply, or of a judging without one (apply
// empty). Judgements that equal those of the judging before are noted, not repeated.
func (s *Store) Judge(ctx context.Context, apply string, judgements []spec.Judgement) error {
	contents, hash, err := encodeJudgements(judgements)
	if err != nil {
		return err
	}
	return s.writer.change(ctx, "record the judgements", true, func(t *transaction) error {
		judging, same, err := t.addJudging(apply, hash)
		if err != nil {
			return err
		}
		for i := range judgements {
			j := &judgements[i]
			if same {
				break
			}
			if _, err := t.exec(insertJudgement, judging, j.Experiment, j.Claim, j.Cell, j.Verdict, contents[i]); err != nil {
				return err
			}
		}
		return t.addJudged(judging, judgements)
	})
}

func encodeJudgements(judgements []spec.Judgement) ([]string, string, error) {
	contents := make([]string, len(judgements))
	hash := sha256.New()
	for i := range judgements {
		content, err := json.Marshal(&judgements[i])
		if err != nil {
			return nil, "", fmt.Errorf("judgement: %w", err)
		}
		contents[i] = string(content)
		hash.Write(append(content, '\n'))
	}
	return contents, hex.EncodeToString(hash.Sum(nil)), nil
}

func (t *transaction) addJudging(apply, hash string) (id int64, same bool, err error) {
	num, err := t.applyNum(apply)
	if err != nil {
		return 0, false, err
	}
	var last, source int64
	var lastHash string
	same, err = t.first(lastJudging, nil, &last, &source, &lastHash)
	if err != nil {
		return 0, false, err
	}
	same = same && lastHash == hash
	id, err = t.insert(insertJudging, num, nanos(time.Now()), hash, sql.NullInt64{Int64: source, Valid: same})
	return id, same, err
}

// basis is what one measurement was judged by.
type basis struct {
	rules []pastRule
	bases []string
}

// addJudged keeps, per measurement, under which rules it was judged and whether
// there were runs by then: rules that are changed afterwards are edited after data.
func (t *transaction) addJudged(judging int64, judgements []spec.Judgement) error {
	ids, by := judgedBy(judgements)
	for _, id := range ids {
		m, err := t.measurement(id)
		if err != nil {
			return err
		}
		if err := t.addBasis(judging, m, by[id]); err != nil {
			return err
		}
	}
	return nil
}

func judgedBy(judgements []spec.Judgement) ([]spec.ID, map[spec.ID]*basis) {
	var ids []spec.ID
	by := map[spec.ID]*basis{}
	for i := range judgements {
		j := &judgements[i]
		if j.Measured == "" || j.Cell == "" {
			continue
		}
		b, ok := by[j.Measured]
		if !ok {
			b = &basis{}
			by[j.Measured] = b
			ids = append(ids, j.Measured)
		}
		b.rules = addOnce(b.rules, pastRule{j.Subject, j.Rules})
		if j.Basis != "" {
			b.bases = addOnce(b.bases, string(j.Basis))
		}
	}
	return ids, by
}

func addOnce[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

func (t *transaction) addBasis(judging int64, m measurement, b *basis) error {
	content, err := json.Marshal(b.rules)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	rules, err := t.intern(selectRuleSet, insertRuleSet, string(content))
	if err != nil {
		return err
	}
	var runs int
	if _, err := t.first(countRuns, []any{m.num, m.retiredTo}, &runs); err != nil {
		return err
	}
	var lastRules int64
	var lastBases string
	var lastData bool
	found, err := t.first(lastJudged, []any{m.num}, &lastRules, &lastBases, &lastData)
	bases := strings.Join(b.bases, ",")
	if err != nil || (found && lastRules == rules && lastBases == bases && lastData == (runs > 0)) {
		return err
	}
	_, err = t.exec(insertJudged, m.num, judging, rules, bases, runs > 0)
	return err
}

// Rules returns the rules under which each measurement was judged when it had runs,
// oldest first, each once.
func (r *Reader) Rules(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.PastRule, error) {
	ids := unique(measurements)
	set, err := keys(ids)
	if err != nil {
		return nil, err
	}
	sets, err := r.ruleSets(ctx)
	if err != nil {
		return nil, err
	}
	found := map[spec.ID][]spec.PastRule{}
	err = r.each(ctx, "read past rules", selectRules, []any{set}, func(rows *sql.Rows) error {
		var i int
		var id int64
		if err := rows.Scan(&i, &id); err != nil {
			return err
		}
		found[ids[i]] = addRules(found[ids[i]], sets[id])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// addRules adds the rules of a set that are not there yet. The first set stays shared.
func addRules(past, set []spec.PastRule) []spec.PastRule {
	if len(past) == 0 {
		return set
	}
	for _, rule := range set {
		if !slices.Contains(past, rule) {
			past = append(slices.Clip(past), rule)
		}
	}
	return past
}

func (r *Reader) ruleSets(ctx context.Context) (map[int64][]spec.PastRule, error) {
	sets := map[int64][]spec.PastRule{}
	err := r.each(ctx, "read past rules", listRuleSets, nil, func(rows *sql.Rows) error {
		var id int64
		var content string
		if err := rows.Scan(&id, &content); err != nil {
			return err
		}
		var stored []pastRule
		if err := decode("rules", content, &stored); err != nil {
			return err
		}
		rules := make([]spec.PastRule, len(stored))
		for i, s := range stored {
			rules[i] = spec.PastRule(s)
		}
		sets[id] = rules
		return nil
	})
	return sets, err
}

// Judgements returns the last judgements of an apply, or with an empty id those that
// were made last at all, in the order in which they were judged.
func (r *Reader) Judgements(ctx context.Context, apply string) ([]spec.Judgement, error) {
	query, args := lastJudging, []any(nil)
	if apply != "" {
		query, args = lastJudgingOf, []any{apply}
	}
	var id, source int64
	var hash string
	found, err := r.first(ctx, "read judgements", query, args, &id, &source, &hash)
	if err != nil || !found {
		return nil, err
	}
	return collect(ctx, r, "read judgements", listJudgements, []any{source}, func(scan scanner) (spec.Judgement, error) {
		var j spec.Judgement
		var content string
		if err := scan(&content); err != nil {
			return j, err
		}
		return j, decode("judgement", content, &j)
	})
}
