package benchtool

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aicv/spec"
)

// kept lists the variables of our environment that a tool gets: all others could hold
// credentials, and tools write those that they know into logs and metadata.
func kept() []string {
	return []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_CACHE",
		"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// confined is the environment that keeps a Python tool to the server at an address, and to
// files that are there.
func confined(server string) []string {
	host := ""
	if u, err := url.Parse(server); err == nil {
		host = u.Hostname()
	}
	return []string{"HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "TOKENIZERS_PARALLELISM=false", "PYTHONUNBUFFERED=1", "PYTHONNOUSERSITE=1",
		"NO_PROXY=127.0.0.1,localhost," + host}
}

// Environment is the whole environment of a Python tool that may reach the server at an
// address and nothing else, with some variables of its own.
func Environment(server string, own ...string) []string {
	env := confined(server)
	for _, name := range kept() {
		if v, set := os.LookupEnv(name); set {
			env = append(env, name+"="+v)
		}
	}
	return append(env, own...)
}

// baseURL is the server's address as tools want it: without the version's path.
func baseURL(tool, server string) (string, error) {
	base := strings.TrimRight(server, "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "", &spec.Error{Kind: spec.ErrUsage, Summary: tool + " can not call the server: its address is " + strconv.Quote(server), Fix: "give it as http://HOST:PORT"}
	}
	if strings.HasSuffix(u.Path, "/v1") {
		return "", &spec.Error{Kind: spec.ErrUsage, Summary: tool + " can not call the server: its address ends in /v1, which the tool adds itself", Fix: "leave /v1 out"}
	}
	return base, nil
}

// tokenizer finds what shapes the prompts, without any network: the folder of the given
// name, or of the model; else an id, which the tool looks for in its local cache alone.
// address is the benchmark's, for errors.
func tokenizer(address, given string, model spec.Model, env spec.Env) (string, error) {
	name := cmp.Or(given, model.Path, model.ID)
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.SuiteDir, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Abs(path)
	}
	if filepath.IsAbs(name) || strings.HasPrefix(name, ".") || name == "" {
		return "", &spec.Error{Kind: spec.ErrUsage, Summary: address + ": there is no tokenizer folder " + name, Fix: "set tokenizer to a folder with tokenizer.json and tokenizer_config.json"}
	}
	return name, nil
}

// checkTokenizer checks a tokenizer that a benchmark names.
func checkTokenizer(address, given string, env spec.Env) spec.Check {
	path, err := tokenizer(address, given, spec.Model{}, env)
	switch {
	case err != nil:
		return spec.FailedCheck("tokenizer", err)
	case filepath.IsAbs(path):
		return spec.Check{Name: "tokenizer", Status: spec.CheckOK, Found: path}
	}
	return spec.Check{Name: "tokenizer", Status: spec.CheckWarn, Found: path + " is no folder", Fix: "it is looked for in the local Hugging Face cache alone; a folder is safer"}
}

// Quoted writes a command line as people would type it; code that an interpreter gets
// by -c is left out.
func Quoted(argv []string) string {
	words := make([]string, 0, len(argv))
	for i, a := range argv {
		switch {
		case i > 0 && argv[i-1] == "-c":
			a = "(code)"
		case strings.ContainsAny(a, " ()\"'{}$&|;<>*"):
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// Interrupted is the error of a run whose context has ended.
func Interrupted(ctx context.Context, what string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: what + ": the run did not end in time", Cause: context.Cause(ctx), Fix: "ask for fewer requests, or look whether the server stalls"}
	}
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: what, Cause: context.Cause(ctx)}
}

// Limit is how long the traffic of a run may take: several times what the warm-up lets
// expect, so that a server that stalls ends the run, and not above most.
func Limit(requests, concurrency int, latency, most time.Duration) time.Duration {
	expected := time.Duration((requests+concurrency-1)/concurrency) * latency
	return min(most, 5*expected+time.Minute)
}

// Before puts the warm-up before the rows of the tool, which begin when its traffic
// does; their own starts count from then.
func (w *Warmed) Before(rows []spec.RequestRow, traffic time.Time) []spec.RequestRow {
	all := make([]spec.RequestRow, 0, len(w.Rows)+len(rows))
	all = append(append(all, w.Rows...), rows...)
	for i := len(w.Rows); i < len(all); i++ {
		all[i].Index, all[i].Start = i, all[i].Start+max(0, traffic.Sub(w.Began))
	}
	return all
}
