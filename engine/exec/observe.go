package exec

import (
	"context"
	"errors"

	"aicv/spec"
	"aicv/verify/checks"
)

// observeBefore empties the server's prefix cache where it can, and reads what the
// server says of itself before a run. Somebody else's server is only read.
func (x *executor) observeBefore(ctx context.Context, g *group) *spec.ServerReport {
	report := &spec.ServerReport{Version: g.up.version, Effective: g.up.effective, Mapping: inexact(g.mapping)}
	if g.target.Managed() {
		report.Flushed = x.flush(ctx, g)
	}
	report.Before = x.counters(ctx, g)
	return report
}

// observeAfter reads the server again after the run, and adds all that was seen to the
// result.
func (x *executor) observeAfter(ctx context.Context, g *group, report *spec.ServerReport, result *spec.RunResult, load spec.Load) {
	report.After = x.counters(ctx, g)
	report.Changed = changed(report.Effective, x.effective(ctx, g))
	if result.Seen == nil {
		result.Seen = &spec.Observation{}
	}
	result.Seen.Server = report
	if facts := checks.Facts(result, load); facts != nil {
		result.Seen.Requests = facts
	}
}

// inexact keeps the mapping rows that are not exact.
func inexact(mapping []spec.ItemMapping) []spec.ItemMapping {
	var kept []spec.ItemMapping
	for _, m := range mapping {
		if m.Fidelity != spec.FidelityExact {
			kept = append(kept, m)
		}
	}
	return kept
}

// changed lists the items that are reported otherwise than before.
func changed(before, after spec.Configuration) spec.Configuration {
	var c spec.Configuration
	for _, s := range after {
		if old := before.Get(s.Name); !old.IsNull() && spec.Agree(s.Name, old, s.Value) == spec.AgreeDifferent {
			c = append(c, s)
		}
	}
	return c
}

// flush reports whether the prefix cache was emptied. Where it could not be, the
// counters tell whether that matters.
func (x *executor) flush(ctx context.Context, g *group) bool {
	flusher, ok := g.runtime.(spec.CacheFlusher)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var err error
	for _, server := range each(g.up.server) {
		err = errors.Join(err, flusher.FlushCache(ctx, server))
	}
	x.warnUnread(ctx, g, "its prefix cache could not be emptied: ", err)
	return err == nil
}

// counters are nil where the runtime can not read them, or the server does not answer.
func (x *executor) counters(ctx context.Context, g *group) *spec.Counters {
	reader, ok := g.runtime.(spec.CounterReader)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var all []spec.Counters
	for _, server := range each(g.up.server) {
		c, err := reader.Counters(ctx, server)
		if err != nil {
			x.warnUnread(ctx, g, "its counters could not be read: ", err)
			return nil
		}
		all = append(all, c)
	}
	return new(summed(all))
}

// version is what the server says; empty where nobody knows.
func (x *executor) version(ctx context.Context, g *group) string {
	reader, ok := g.runtime.(spec.VersionReader)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	version, err := reader.Version(ctx, g.up.server)
	if err != nil {
		x.warnUnread(ctx, g, "its version could not be read: ", err)
		return ""
	}
	return version
}

// effectiveAtStart adds to what the engine says when it is asked what its log tells beyond
// that. The log is read once: by the end of a run its beginning may be gone.
func (x *executor) effectiveAtStart(ctx context.Context, g *group) spec.Configuration {
	all := x.asked(ctx, g)
	reader, ok := g.runtime.(spec.LogReader)
	if !ok {
		return together(all)
	}
	servers := each(g.up.server)
	if all == nil {
		all = make([]spec.Configuration, len(servers))
	}
	for i, server := range servers {
		log, err := ask(ctx, func(ctx context.Context) (string, error) { return g.target.Log(ctx, server, startLog) })
		x.warnUnread(ctx, g, "its log could not be read for its configuration: ", err)
		if err == nil {
			all[i] = over(reader.EffectiveFromLog(log), all[i])
		}
	}
	return together(all)
}

// over lays one configuration over another.
func over(below, above spec.Configuration) spec.Configuration {
	for _, s := range above {
		below = below.With(s.Name, s.Value)
	}
	return below
}

// effective reads what the engine says of its own configuration when it is asked. Items
// that it does not tell stay unknown; that is no reason not to measure.
func (x *executor) effective(ctx context.Context, g *group) spec.Configuration {
	return together(x.asked(ctx, g))
}

// asked has one configuration for each server, or none where one could not be read.
func (x *executor) asked(ctx context.Context, g *group) []spec.Configuration {
	ctx, cancel := context.WithTimeout(ctx, effectiveTimeout)
	defer cancel()
	var all []spec.Configuration
	for _, server := range each(g.up.server) {
		c, err := g.runtime.Effective(ctx, server)
		if err != nil {
			x.warnUnread(ctx, g, "its effective configuration could not be read: ", err)
			return nil
		}
		all = append(all, c)
	}
	return all
}

// together is what all servers report.
func together(all []spec.Configuration) spec.Configuration {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return agreed(all)
}

// warnUnread says what is not known. Nothing is said of abilities that a runtime does
// not have, nor once the apply is stopped.
func (x *executor) warnUnread(ctx context.Context, g *group, what string, err error) {
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(ctx.Err(), context.Canceled) && !x.interrupted() {
		x.warn(g.address(), what+err.Error())
	}
}
