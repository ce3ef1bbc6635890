package aiconfigurator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// Support asks, in one process, whether the tool has tables of each point's system and
// engine and can use its model.
func (p *predictor) Support(ctx context.Context, points []spec.Point) ([]spec.Support, error) {
	answers := make([]spec.Support, len(points))
	var wire []wirePoint
	for i := range points {
		q := p.ask(i, &points[i])
		switch {
		case q.wire.System == "":
			answers[i] = spec.Support{Why: "the experiment names no hardware, and the tool predicts for a system"}
		case !slices.Contains(backends(), q.wire.Backend):
			answers[i] = spec.Support{Why: "it has no tables of the runtime " + q.wire.Backend, Nearest: strings.Join(backends(), ", ")}
		default:
			wire = append(wire, q.wire)
		}
	}
	if len(wire) == 0 {
		return answers, nil
	}
	tool, err := p.find()
	if err != nil {
		return nil, err
	}
	if tool.Python == "" {
		return nil, p.wrong("the tool can not be asked what it has data for: the command "+tool.Command+" is no Python script", "name its interpreter: python = \"/path/to/python\"")
	}
	s := sdk{settings: &p.settings, tool: tool, stall: stall}
	outcomes, _, err := s.ask(ctx, "support", wire)
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		o := &outcomes[i]
		switch {
		case !o.done:
			return nil, p.wrong(fmt.Sprintf("it did not say of %s on %s whether it has data: %s", wire[i].Model, wire[i].System, o.lost), "aicv doctor looks at the installation")
		case o.line.Support == nil:
			answers[wire[i].Point] = spec.Support{Why: tidy(o.line.Error)}
		default:
			answers[wire[i].Point] = spec.Support{Supported: o.line.Support.Supported, Why: tidy(o.line.Support.Why), Nearest: tidy(o.line.Support.Nearest)}
		}
	}
	return answers, nil
}
