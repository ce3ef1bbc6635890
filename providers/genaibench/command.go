package genaibench

import (
	"cmp"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/spec"
)

// order is one call of the tool.
type order struct {
	benchtool.Call
	folder   string       // of this run, absolute
	seen     string       // the same folder as the tool sees it
	mounts   []spec.Mount // of a container
	image    string       // content that ran; empty: on this host
	model    string       // as requests name it
	label    string       // of the model, in the tool's own pages
	scenario string
	requests int
	minutes  int
	load     spec.Load
}

// name is the tool's.
const name = "genai-bench"

// The parts of a run's folder.
const (
	resultsName = "results"
	logsName    = "logs"
)

// keyVariable hands the server's key to the tool.
const keyVariable = "AICV_GENAI_BENCH_KEY"

// placeholderKey stands in the tool's arguments, which it demands a key in.
const placeholderKey = "aicv"

// withKey starts the tool with the key from its environment in place of the one in its
// arguments, which it writes into its log and its metadata.
const withKey = `
import os, sys
key = os.environ.pop("` + keyVariable + `")
from genai_bench.auth.openai.auth import OpenAIAuth
def init(self, api_key=None):
    self.api_key = key
OpenAIAuth.__init__ = init
from genai_bench.cli.cli import cli
sys.argv[0] = "genai-bench"
sys.exit(cli())
`

// argv is the call in the order that the tool needs: it checks each option against those
// before it.
func (b *benchmark) argv(o *order) []string {
	args := []string{"benchmark",
		"--api-backend", b.backend, "--api-base", o.URL, "--api-key", placeholderKey, "--api-model-name", o.model,
		"--model-tokenizer", o.Tokenizer, "--model", o.label, "--task", "text-to-text",
		"--max-time-per-run", strconv.Itoa(o.minutes), "--max-requests-per-run", strconv.Itoa(o.requests),
		"--num-concurrency", strconv.Itoa(o.load.Concurrency), "--traffic-scenario", o.scenario, "--metrics-time-unit", "s",
		"--experiment-base-dir", o.seen, "--experiment-folder-name", resultsName, "--log-dir", filepath.Join(o.seen, logsName),
	}
	if len(b.Params.Fields()) > 0 {
		args = append(args, "--additional-request-params", b.Params.String())
	}
	if b.workers > 0 {
		args = append(args, "--num-workers", strconv.Itoa(b.workers))
	}
	return append(o.program(), args...)
}

// program starts the tool. In an image it is looked for on the PATH that the image sets.
func (o *order) program() []string {
	tool := cmp.Or(o.Tool, &pytool.Tool{Command: name, Python: "python3"})
	switch {
	case o.Key != "":
		return []string{tool.Python, "-c", withKey}
	case tool.Command != "":
		return []string{tool.Command}
	}
	return []string{tool.Python, "-m", "genai_bench.cli.cli"}
}

// settings are the variables of the tool's environment that are its own.
func (o *order) settings() []string {
	return []string{"ENABLE_UI=false", "MPLBACKEND=Agg", "MPLCONFIGDIR=" + filepath.Join(o.seen, logsName)}
}

// environment is that of a process.
func (o *order) environment() []string {
	env := benchtool.Environment(o.URL, o.settings()...)
	if o.Key != "" {
		env = append(env, keyVariable+"="+o.Key)
	}
	return env
}

// variables are the environment of a container. The key stays a reference.
func (b *benchmark) variables(o *order) []spec.EnvVar {
	all := benchtool.Variables(o.URL, o.settings()...)
	if o.Key != "" {
		all = append(all, spec.EnvVar{Name: keyVariable, Value: b.APIKey})
	}
	return all
}

// minutes is a time limit in the tool's unit, at least one.
func minutes(limit time.Duration) int { return max(1, int(math.Ceil(limit.Minutes()))) }

// enough is how many requests fill the shortest window, when one takes latency, and not
// fewer than were asked for.
func enough(s spec.Sampling, concurrency int, latency time.Duration) int {
	if latency <= 0 {
		return s.Requests
	}
	return max(s.Requests, int(math.Ceil(s.Duration.Seconds()/latency.Seconds()*float64(concurrency))))
}
