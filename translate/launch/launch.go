// Package launch translates the commands that start SGLang and vLLM into suites. The way
// back is the runtimes' own: aicv export launch renders what would be started.
package launch

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"aicv/catalog/models"
	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// Format is the name of the format on the command line and in suites.
const Format = "launch"

// starter is how a command names an engine's server.
type starter struct {
	engine string
	words  []string
	model  bool // the next word is the model
}

// starters are the ways to start a server; Dynamo's workers take the engines' own flags.
func starters() []starter {
	return []starter{
		{flags.SGLang, []string{"-m", "sglang.launch_server"}, false},
		{flags.SGLang, []string{"-m", "dynamo.sglang"}, false},
		{flags.SGLang, []string{"sglang", "serve"}, true},
		{flags.VLLM, []string{"vllm", "serve"}, true},
		{flags.VLLM, []string{"-m", "vllm.entrypoints.openai.api_server"}, false},
		{flags.VLLM, []string{"-m", "dynamo.vllm"}, false},
	}
}

// Is recognizes a script that starts an engine.
func Is(data []byte) bool {
	text := string(data)
	for _, s := range starters() {
		if strings.Contains(text, s.words[len(s.words)-1]) && strings.Contains(text, s.words[0]) {
			return true
		}
	}
	return false
}

// special are the flags that are neither items nor arguments of the suite's.
func special() map[string]translate.Rule {
	const none = spec.FidelityUnsupported
	own := "aicv chooses it for each server that it starts"
	return map[string]translate.Rule{
		"host": {Fidelity: none, Why: own}, "port": {Fidelity: none, Why: own}, "served-model-name": {Fidelity: none, Why: "aicv names the served model itself"},
		"api-key":             {Fidelity: none, Why: "a secret is never written; a server that aicv starts is on loopback and asks for none"},
		"enable-metrics":      {Fidelity: none, Why: "aicv switches it on itself, for counters"},
		"disaggregation-mode": {Fidelity: none, Why: pools}, "disaggregation-transfer-backend": {Fidelity: none, Why: pools},
		"disaggregation-bootstrap-port": {Fidelity: none, Why: pools}, "kv-transfer-config": {Fidelity: none, Why: pools},
		"config": {Fidelity: none, Why: "a file of further flags: write them into the command"},
	}
}

// Rules is the format's table, for documentation: the flags of both engines.
func Rules() []translate.Rule {
	var rules []translate.Rule
	for _, engine := range flags.Engines() {
		for _, f := range flags.Of(engine) {
			rules = append(rules, translate.Rule{Field: engine + " --" + strings.Join(f.Names, ", --"), Item: f.Item, Fidelity: f.Fidelity, Values: words(f), Why: f.Why})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(special())) {
		r := special()[name]
		r.Field = "--" + name
		rules = append(rules, r)
	}
	return append(rules, translate.Rule{Field: "any other flag", Item: "runtime.args", Fidelity: spec.FidelityExact, Why: "passed to the engine as it stands; no predictor is told of it"})
}

// words writes a flag's values that change.
func words(f flags.Flag) string {
	var out []string
	for _, v := range f.Values {
		if v.Item != v.Word {
			to := v.Item
			if to == "" {
				to = "(not set)"
			}
			out = append(out, v.Word+" = "+to)
		}
	}
	if f.Kind == flags.Off {
		out = append(out, "given = false")
	}
	return strings.Join(out, ", ")
}

const pools = "of prefill and decode in pools of their own; aicv starts servers that do both"

// command is one command on its way to a suite.
type command struct {
	report *translate.Report
	engine string
	e      translate.Experiment
	run    translate.Runtime
	given  []given
	secret bool // something in it must not be kept
}

// given is one flag with its values.
type given struct {
	name   string
	values []string
}

// Import translates the command of a script that starts an engine.
func Import(s translate.Source, o translate.Options) (*translate.Suite, *translate.Report, error) {
	reader := &script{vars: make(map[string]string)}
	commands, err := reader.commands(string(s.Data))
	if err != nil || len(s.Data) > tree.MaxBytes {
		return nil, nil, translate.Refuse(s.Name, Format, []string{errors.Join(err, errors.New("only plain commands are read, and nothing of them is run")).Error()})
	}
	c := &command{report: &translate.Report{Format: Format, Source: s.Name}}
	if err := c.read(commands, o); err != nil {
		return nil, nil, translate.Refuse(s.Name, Format, strings.Split(err.Error(), "\n"))
	}
	stem := strings.TrimSuffix(s.Name, path.Ext(s.Name))
	c.e.Name = write.Label(stem)
	suite := &translate.Suite{Name: stem, Comment: "Translated from a launch command. aicv import says what became of each of its flags."}
	if !c.secret {
		suite.Files = []translate.File{{Name: "origin/command.sh", Content: s.Data}}
		c.e.Origin = &spec.Imported{Format: Format, File: "origin/command.sh"}
	}
	suite.Experiments = []translate.Experiment{c.e}
	return suite, c.report, nil
}

// read finds the command that starts an engine; a script may have several that are alike.
func (c *command) read(commands [][]string, o translate.Options) error {
	started := 0
	for _, words := range commands {
		for _, s := range starters() {
			at := find(words, s.words)
			if at < 0 {
				continue
			}
			if started++; started > 1 {
				c.add(strings.Join(s.words, " "), "", "", spec.FidelityUnsupported, "a further command that starts an engine: give each in a file of its own")
			} else if err := c.start(s, words[:at], words[at+len(s.words):], o); err != nil {
				return err
			}
		}
	}
	if started > 0 {
		return nil
	}
	return errors.New("no command starts sglang or vllm: sglang.launch_server, sglang serve, vllm serve")
}

func find(words, wanted []string) int {
	for i := 0; i+len(wanted) <= len(words); i++ {
		if slices.Equal(words[i:i+len(wanted)], wanted) {
			return i
		}
	}
	return -1
}

func (c *command) start(s starter, before, after []string, o translate.Options) error {
	c.engine, c.run.Kind = s.engine, s.engine
	c.add(strings.Join(s.words, " "), "runtime."+s.engine, "", spec.FidelityExact, "")
	c.around(before)
	if s.model && len(after) > 0 && !strings.HasPrefix(after[0], "-") {
		after = append([]string{"--model", after[0]}, after[1:]...)
	}
	if err := c.flags(after); err != nil {
		return err
	}
	if err := c.modelled(); err != nil {
		return err
	}
	if err := c.items(); err != nil {
		return err
	}
	c.open(o)
	return nil
}

func (c *command) add(field, item, value string, f spec.Fidelity, why string) {
	c.report.Add(translate.Row{Field: field, Item: item, Value: value, Fidelity: f, Why: why})
}

// around reads what stands before the engine: its environment, and a container's image.
func (c *command) around(words []string) {
	for _, w := range words {
		name, value, ok := assignment(w)
		switch {
		case ok && isSecret(name):
			c.secret = true
			c.run.Env = append(c.run.Env, spec.Setting{Name: name, Value: spec.SecretValue(name)})
			c.add(name, "runtime.env", "(secret)", spec.FidelityApproximate, "a secret is never written: it is taken from the environment of aicv")
		case ok && (name == "CUDA_VISIBLE_DEVICES" || strings.Contains(value, unset)):
			c.add(name, "", "", spec.FidelityUnsupported, "what the script computes for each of its servers; aicv gives its servers GPUs and ports itself")
		case ok:
			c.run.Env = append(c.run.Env, spec.Setting{Name: name, Value: spec.StringValue(value)})
			c.add(name, "runtime.env", value, spec.FidelityExact, "")
		case strings.Contains(w, "sglang:") || strings.Contains(w, "vllm-openai:"):
			c.run.Image = w
			c.add("image", "runtime.image", w, spec.FidelityExact, "")
		}
	}
	if len(words) > 0 && words[0] == "docker" {
		c.add("docker", "target", strings.Join(words[:min(len(words), 2)], " "), spec.FidelityApproximate, "declare target docker; its options for GPUs, mounts and memory are aicv's own")
	}
}

func isSecret(name string) bool {
	upper := strings.ToUpper(name)
	return slices.ContainsFunc([]string{"TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIAL"}, func(s string) bool { return strings.Contains(upper, s) })
}

// flags splits the words into flags and their values.
func (c *command) flags(words []string) error {
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "-")
		if isFlag && (name == "" || name[0] >= '0' && name[0] <= '9') {
			isFlag = false // a negative number
		}
		switch {
		case isFlag:
			name, value, joined := strings.Cut(w, "=")
			g := given{name: flags.Plain(name)}
			if joined {
				g.values = []string{value}
			}
			c.given = append(c.given, g)
		case len(c.given) == 0:
			return fmt.Errorf("%q stands before the first flag", w)
		default:
			last := &c.given[len(c.given)-1]
			last.values = append(last.values, w)
		}
	}
	return nil
}

// modelled finds the model.
func (c *command) modelled() error {
	i := slices.IndexFunc(c.given, func(g given) bool { return (g.name == "model" || g.name == "model-path") && len(g.values) == 1 })
	if i < 0 {
		return errors.New("the command names no model: --model-path, or the word after serve")
	}
	name := c.given[i].values[0]
	if _, variable, open := strings.Cut(name, unset); open {
		return fmt.Errorf("the model is $%s, which the script does not set: write its name", variable)
	}
	fidelity, why := spec.FidelityExact, ""
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") {
		c.e.Model.Path = name
		fidelity, why = spec.FidelityApproximate, "the id is the folder's name; set the one that the predictor knows"
		_, _ = c.e.Model.Find(path.Base(path.Clean(name)))
	} else if _, note := c.e.Model.Find(name); note != "" {
		fidelity, why = spec.FidelityApproximate, note
	}
	c.add("--"+c.given[i].name, "model.id", name, fidelity, why)
	c.given = slices.Delete(c.given, i, i+1)
	return nil
}

func (c *command) isMoE() bool {
	m, found := models.Lookup(c.e.Model.ID)
	return found && m.Architecture.IsMoE()
}

// open says what a command leaves open.
func (c *command) open(o translate.Options) {
	c.e.Hardware = o.Hardware
	c.run.Version = versionOf(c.run.Image)
	c.e.Runtimes = []translate.Runtime{c.run}
	missing := func(item, value, why string) { c.add("", item, value, spec.FidelityApproximate, why) }
	one := func(n int) []spec.Value { return []spec.Value{spec.IntValue(n)} }
	c.e.Add(translate.Axis{Name: schema.ItemInputTokens, Values: one(1000)})
	c.e.Add(translate.Axis{Name: schema.ItemOutputTokens, Values: one(200)})
	c.e.Add(translate.Axis{Name: schema.ItemConcurrency, Values: append(one(1), one(8)[0], one(32)[0])})
	missing("workload", "1000 and 200 tokens, 1, 8, 32 requests", "a command says nothing of the load; these are a start, set your own")
	if c.run.Version == "" {
		missing("runtime.version", "(not given)", "flags and predictions depend on the engine's version: give --runtime-version")
	}
	if o.Hardware.System == "" {
		missing("hardware", "(not given)", "a command does not say which GPUs it runs on; give --system and --gpus")
	}
	if c.e.Axis(spec.ItemPrefixCache) == nil {
		missing(spec.ItemPrefixCache, "(not given)", "the command leaves the engine's prefix cache on; aicv switches it off unless the suite says otherwise, because predictions assume no reuse")
	}
}

// versionOf reads the version from an image's tag.
func versionOf(image string) string {
	_, tag, tagged := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if !tagged {
		return ""
	}
	return flags.VersionOf(tag)
}
