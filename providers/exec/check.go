package exec

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aicv/spec"
)

// checkTimeout bounds the question that doctor puts.
const checkTimeout = 30 * time.Second

// Check looks for the program, its files and its secrets, and asks it for no points, to
// which it answers with its header alone.
func (p *predictor) Check(ctx context.Context) []spec.Check {
	path, err := p.path()
	if err != nil {
		return []spec.Check{spec.FailedCheck("program", err)}
	}
	checks := []spec.Check{{Name: "program", Status: spec.CheckOK, Found: path}}
	for _, file := range p.files {
		if _, err := os.Stat(p.absolute(file)); err != nil {
			checks = append(checks, spec.FailedCheck("files", p.missing(file+" of files can not be read", err, "correct the path; it starts from the suite's folder")))
		}
	}
	return append(checks, p.checkAnswer(ctx))
}

func (p *predictor) checkAnswer(ctx context.Context) spec.Check {
	const name = "answer"
	request, err := pointsRequest(wireHead{Request: requestPredict, Metrics: p.metrics}, nil)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	quick := p.program
	quick.timeout = min(quick.timeout, checkTimeout)
	c := &conversation{accept: func([]byte) error { return errors.New("no point was asked for") }}
	e, err := quick.run(ctx, request, c)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	unasked := ""
	if c.strays > 0 {
		unasked = "it answers points that nobody asked for"
	}
	if c.header == nil || c.broken != nil || !e.OK() || unasked != "" {
		return spec.FailedCheck(name, p.failure(c, &e, unasked))
	}
	who := strings.TrimSpace(cmp.Or(c.header.Tool, filepath.Base(p.argv[0])) + " " + c.header.Version)
	return spec.Check{Name: name, Status: spec.CheckOK, Found: who + " speaks " + Protocol}
}
