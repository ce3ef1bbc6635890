package aiconfigurator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aicv/kit/pytool"
	"aicv/spec"
)

// checkTimeout bounds the question that doctor puts: the tool takes seconds to load.
const checkTimeout = time.Minute

// known is the version whose SDK and outputs were tried.
const known = "0.12.0"

// Check finds the tool, says its version, and asks it for no points, to which our program
// answers with its header alone.
func (p *predictor) Check(ctx context.Context) []spec.Check {
	tool, err := p.find()
	if err != nil {
		return []spec.Check{spec.FailedCheck("tool", err)}
	}
	checks := []spec.Check{checkTool(tool)}
	if p.driver == driverCLI || tool.Python == "" {
		return append(checks, p.checkCommand(tool))
	}
	return append(checks, p.checkSDK(ctx, tool))
}

func checkTool(tool *pytool.Tool) spec.Check {
	c := spec.Check{Name: "tool", Status: spec.CheckOK, Found: tool.Python}
	if c.Found == "" {
		c.Found = tool.Command
	}
	switch version := tool.Version(); {
	case version == "":
		c.Status, c.Fix = spec.CheckWarn, "install "+Kind+" "+known+" as a package, so that its version and content are known"
		c.Found += " has no installed package of " + Kind
	case version != known:
		c.Status, c.Fix = spec.CheckWarn, "aicv was tried with "+known
		c.Found += fmt.Sprintf(" has %s %s", tool.Distributions[0].Name, version)
	default:
		c.Found += fmt.Sprintf(" has %s %s", tool.Distributions[0].Name, version)
	}
	return c
}

func (p *predictor) checkCommand(tool *pytool.Tool) spec.Check {
	if tool.Command == "" {
		return spec.FailedCheck("command", p.wrong("there is no command beside "+tool.Python, install))
	}
	return spec.Check{Name: "command", Status: spec.CheckOK, Found: tool.Command}
}

func (p *predictor) checkSDK(ctx context.Context, tool *pytool.Tool) spec.Check {
	const name = "sdk"
	quick := p.settings
	quick.timeout = min(quick.timeout, checkTimeout)
	s := sdk{settings: &quick, tool: tool, stall: stall}
	header, err := s.greet(ctx)
	var unusable *errUnusable
	switch {
	case errors.As(err, &unusable) && p.driver == driverAuto && tool.Command != "":
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: unusable.Error() + "; the command " + tool.Command + " is asked instead", Fix: "install " + Kind + " " + known}
	case errors.As(err, &unusable):
		return spec.FailedCheck(name, p.wrong(unusable.Error(), install))
	case err != nil:
		return spec.FailedCheck(name, err)
	case header.Memo != "":
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: header.Memo, Fix: "predictions are right but slow; install " + Kind + " " + known}
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: "answers under Python " + header.Python}
}
