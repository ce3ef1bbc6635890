package genaibench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
		Source: b.shown(o.folder) + ": " + strings.Join(quoted(b.argv(o)), " ")}
	result.Findings = append(result.Findings, b.doubts(o, c, ended, result.Requests)...)
	return result, nil
}

// shown is the folder as people look for it: relative to the suite's where it lies below.
func (b *benchmark) shown(folder string) string {
	base, err := filepath.Abs(b.env.SuiteDir)
	if err != nil {
		return folder
	}
	if short, err := filepath.Rel(base, folder); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return folder
}

// quoted writes a command line as people would type it; the shim that hands over the key
// is left out.
func quoted(argv []string) []string {
	words := make([]string, 0, len(argv))
	for i, a := range argv {
		switch {
		case i > 0 && argv[i-1] == "-c":
			a = "(genai-bench)"
		case strings.ContainsAny(a, " ()\"'{}$&|;<>*"):
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return words
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
	last := strings.TrimSpace(ended.Stderr)
	if o.key != "" {
		last = strings.ReplaceAll(last, o.key, "(secret)")
	}
	detail := strings.Join(append(c.words, pytool.LastLine(last)), "\n")
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: "genai-bench measured nothing: " + why + " (" + ended.String() + ")", Cause: cause, Detail: strings.TrimSpace(detail),
		Fix: "see " + b.shown(filepath.Join(o.folder, logsName)) + " and the server's log"}
}

// doubts are the findings on the call itself.
func (b *benchmark) doubts(o *order, c *conversation, ended subprocess.Ended, requests int) []spec.Finding {
	var found []spec.Finding
	if !ended.OK() {
		found = append(found, spec.Finding{Check: "tool_exit", Severity: spec.FindingNote,
			Message: "genai-bench wrote its result and then ended with " + ended.String() + ": " + pytool.LastLine(strings.Join(c.words, "\n"))})
	}
	if c.counted == 0 && requests < o.requests {
		found = append(found, spec.Finding{Check: "time_limit", Severity: spec.FindingWarn,
			Message: fmt.Sprintf("the run ended at its limit of %d min with %d of %d requests", o.minutes, requests, o.requests)})
	}
	return found
}

// scrub makes sure that the key stands in no file that the tool wrote.
func scrub(o *order) error {
	if len(o.key) < 4 {
		return nil // too short to be told from other text
	}
	err := filepath.WalkDir(o.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(content, []byte(o.key)) {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(content, []byte(o.key), []byte("(secret)")), 0o644)
	})
	if err != nil {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "genai-bench's files could not be searched for the key", Cause: errors.Unwrap(err), Fix: "remove " + o.folder}
	}
	return nil
}
