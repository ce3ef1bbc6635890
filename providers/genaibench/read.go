package genaibench

import (
	"fmt"
	"path/filepath"
	"strings"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/kit/results"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// read makes the run's result from what the tool wrote, whatever its exit status: it is
// 0 after a server died, and 1 where only a plot failed.
func (b *benchmark) read(o *order, c *conversation, ended subprocess.Ended, request spec.RunRequest) (spec.RunResult, error) {
	folder, err := results.ReadGenAIBench(filepath.Join(o.folder, resultsName))
	if err != nil {
		return spec.RunResult{}, b.failed(o, c, ended, "it wrote no result", err)
	}
	if len(folder.Runs) != 1 {
		return spec.RunResult{}, b.failed(o, c, ended, whyNone(folder), nil)
	}
	run := &folder.Runs[0]
	if run.Concurrency != o.load.Concurrency || run.Scenario != o.scenario {
		return spec.RunResult{}, b.failed(o, c, ended, fmt.Sprintf("its result is of %s at concurrency %d, and %s at %d was asked for", run.Scenario, run.Concurrency, o.scenario, o.load.Concurrency), nil)
	}
	result, err := run.Result(request.GPUs, max(0, c.counted-run.Total), request.SLO)
	if err != nil {
		return spec.RunResult{}, err
	}
	result.Provenance = spec.Provenance{Tool: "genai-bench", Version: folder.Metadata.Version,
		Source: benchtool.Shown(b.Env, o.folder) + ": " + b.shown(o)}
	result.Findings = append(result.Findings, b.doubts(o, c, ended, result.Requests)...)
	return result, nil
}

// shown is the call as people read it, with the image that it ran in.
func (b *benchmark) shown(o *order) string {
	line := benchtool.Quoted(b.argv(o))
	if b.Image == "" {
		return line
	}
	return "in " + b.Image + " (" + o.image + "): " + line
}

// whyNone explains a folder without the one run that was asked for.
func whyNone(folder *results.GenAIBenchFolder) string {
	if len(folder.Runs) > 1 {
		return fmt.Sprintf("it wrote %d results in place of one", len(folder.Runs))
	}
	return whyUnanswered(folder.Failed.Rows)
}

func whyUnanswered(rows results.Rows) string {
	for i := range rows {
		if e := rows[i].Error; e != "" {
			return fmt.Sprintf("none of its %d requests was answered, the first with: %s", len(rows), e)
		}
	}
	return "it could not aggregate its requests"
}

func (b *benchmark) failed(o *order, c *conversation, ended subprocess.Ended, why string, cause error) error {
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: "genai-bench measured nothing: " + why + " (" + ended.String() + ")", Cause: cause, Detail: c.Detail(ended.Stderr),
		Fix: "see " + benchtool.Shown(b.Env, filepath.Join(o.folder, logsName)) + " and the server's log"}
}

// doubts are the findings on the call itself.
func (b *benchmark) doubts(o *order, c *conversation, ended subprocess.Ended, requests int) []spec.Finding {
	var found []spec.Finding
	if !ended.OK() {
		found = append(found, spec.Finding{Check: "tool_exit", Severity: spec.FindingNote,
			Message: "genai-bench wrote its result and then ended with " + ended.String() + ": " + pytool.LastLine(strings.Join(c.Words(), "\n"))})
	}
	if c.counted == 0 && requests < o.requests {
		found = append(found, spec.Finding{Check: "time_limit", Severity: spec.FindingWarn,
			Message: fmt.Sprintf("the run ended at its limit of %d min with %d of %d requests", o.minutes, requests, o.requests)})
	}
	return found
}
