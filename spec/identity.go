package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// ID identifies content: the first 16 bytes of a SHA-256 in hex.
type ID string

// HashOf hashes canonical bytes to an ID.
func HashOf(canonical []byte) ID {
	sum := sha256.Sum256(canonical)
	return ID(hex.EncodeToString(sum[:16]))
}

// Address is the cell's canonical address:
// experiment.scaling["concurrency=32,tensor_parallel=4"].
func (c *Cell) Address() string {
	var b strings.Builder
	b.WriteString("experiment.")
	b.WriteString(c.Experiment)
	if len(c.Axes) == 0 {
		return b.String()
	}
	b.WriteString(`["`)
	b.WriteString(c.Key())
	b.WriteString(`"]`)
	return b.String()
}

// Key is the row's content inside its experiment: axes in sorted order.
func (c *Cell) Key() string {
	var b strings.Builder
	for i, axis := range c.Axes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(axis.Name)
		b.WriteByte('=')
		b.WriteString(axis.Value.String())
	}
	return b.String()
}

// DeploymentID identifies the server that the cell needs: cells that differ only in
// load share it. It covers model, configuration, runtime, hardware and target.
func (c *Cell) DeploymentID() ID { return HashOf(c.appendDeployment(nil, appendComponent)) }

// MeasurementID identifies what is measured: the deployment, the load and the
// benchmark with its options. Names, claims, repeats and the predictor are left
// out, so an edited claim or a renamed experiment keeps its runs.
func (c *Cell) MeasurementID() ID {
	return HashOf(c.appendMeasurement(make([]byte, 0, 1024), appendComponent))
}

// componentAppender encodes a component, afresh or from a cache.
type componentAppender = func([]byte, *Component) []byte

func appendComponent(b []byte, c *Component) []byte { return c.appendIdentity(b) }

func (c *Cell) appendMeasurement(b []byte, component componentAppender) []byte {
	b = c.appendDeployment(b, component)
	b = append(b, '|')
	b = c.Load.appendCanonical(b)
	b = append(b, '|')
	b = c.Sampling.appendCanonical(b)
	b = append(b, '|')
	return component(b, c.Benchmark)
}

func (c *Cell) appendDeployment(b []byte, component componentAppender) []byte {
	b = append(b, c.Model.ID...)
	b = append(b, '|')
	b = append(b, c.Model.ConfigHash...)
	b = append(b, '|')
	b = c.Config.AppendCanonical(b)
	b = append(b, '|')
	b = component(b, c.Runtime)
	b = append(b, '|')
	if c.Hardware != nil {
		b = append(b, c.Hardware.System...)
		b = append(b, 'x')
		b = strconv.AppendInt(b, int64(c.Hardware.GPUs), 10)
	}
	b = append(b, '|')
	return component(b, c.Target)
}

// GuardsID identifies the experiment's guards and accepted items: the part of the rules
// of its claims that decides what counts. It is empty where there are none.
func (e *Experiment) GuardsID() ID {
	if len(e.Guards) == 0 && len(e.Accept) == 0 {
		return ""
	}
	var b []byte
	text := func(s string) { b = append(append(b, s...), 0) }
	for _, g := range e.Guards {
		text(g.Name)
		text(string(g.Severity))
		for _, t := range g.Thresholds {
			text(t.Name)
			text(t.Limit.String())
		}
		b = append(b, 1)
	}
	for _, item := range e.Accept {
		text(item)
	}
	return HashOf(b)
}

// AppendCanonical appends the configuration's canonical form.
func (c Configuration) AppendCanonical(b []byte) []byte {
	for i, s := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s.Name...)
		b = append(b, '=')
		b = s.Value.AppendCanonical(b)
	}
	return b
}

// appendIdentity leaves out the component's label, so that renaming it changes
// nothing, and its incidental attributes.
func (c *Component) appendIdentity(b []byte) []byte {
	if c == nil {
		return append(b, '-')
	}
	b = append(b, c.Kind...)
	b = append(b, ':')
	return c.Content().AppendCanonical(b)
}

func (l Load) appendCanonical(b []byte) []byte {
	b = strconv.AppendInt(b, int64(l.Concurrency), 10)
	b = append(b, ',')
	b = append(b, l.RequestRate.String()...)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(l.InputTokens), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(l.OutputTokens), 10)
	return l.Shape.appendCanonical(b)
}

func (s Sampling) appendCanonical(b []byte) []byte {
	for i, n := range []int64{int64(s.Requests), int64(s.Duration), int64(s.Warmup), s.Seed} {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	if s.WarmupTime > 0 {
		b = strconv.AppendInt(append(b, ",w"...), int64(s.WarmupTime), 10)
	}
	return b
}
