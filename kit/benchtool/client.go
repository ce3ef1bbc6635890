package benchtool

import (
	"slices"
	"time"

	"aicv/kit/pytool"
	"aicv/spec"
)

// The names of the attributes that all clients have.
const (
	AttrTokenizer = "tokenizer"
	AttrParams    = "params"
	AttrMaxTime   = "max_time"
	AttrAPIKey    = "api_key"
	AttrCommand   = "command"
	AttrVenv      = "venv"
)

const defaultMaxTime = "30m"

// Words are where the documentation of the common attributes differs from tool to tool.
type Words struct {
	Since   string // version of aicv that brought the tool
	Params  string // an example of further parameters
	MaxTime string // what the longest time means
	Command string // an example
	Venv    string // an example
	Has     string // what the virtual environment has
}

// Attributes are the rows of a client, with its own behind the tokenizer's.
func Attributes(w Words, own ...spec.Attribute) []spec.Attribute {
	rows := []spec.Attribute{{Name: AttrTokenizer, Type: spec.TypeString, Since: w.Since, Example: `"/models/qwen3-32b"`,
		Doc: "Folder of the tokenizer that shapes the prompts, or an id that the local Hugging Face cache holds; nothing is downloaded. The model's path where it is not set, else its id."}}
	return append(append(rows, own...),
		spec.Attribute{Name: AttrParams, Type: spec.TypeMap, Public: true, Since: w.Since, Example: w.Params,
			Doc: "Further parameters of every request."},
		spec.Attribute{Name: AttrMaxTime, Type: spec.TypeDuration, Default: spec.StringValue(defaultMaxTime), Incidental: true, Since: w.Since, Example: `"10m"`, Doc: w.MaxTime},
		spec.Attribute{Name: AttrAPIKey, Type: spec.TypeString, Secret: true, Incidental: true, Since: w.Since, Example: `env("API_KEY")`,
			Doc: "Bearer token that requests carry. It is handed over in the tool's environment and never stored."},
		spec.Attribute{Name: AttrCommand, Type: spec.TypeString, Incidental: true, Since: w.Since, Example: w.Command,
			Doc: "The tool's command, by name or path. It is looked for on PATH where neither this nor venv is set."},
		spec.Attribute{Name: AttrVenv, Type: spec.TypePath, Incidental: true, Since: w.Since, Example: w.Venv,
			Doc: "Virtual environment that has " + w.Has + "."})
}

// Client is what the declaration of a tool's benchmark says, as far as all have it.
type Client struct {
	Address   string
	Tokenizer string // empty: the model's
	Params    spec.Value
	MaxTime   time.Duration // of one run's traffic
	APIKey    spec.Value
	Query     pytool.Query
	Image     string // that the tool runs in; empty: it is installed here
	Env       spec.Env
}

// NewClient reads a declaration. The query names the tool; decided are the parameters that
// the load decides, which a suite must not set.
func NewClient(c *spec.Component, env spec.Env, query pytool.Query, decided ...string) (*Client, error) {
	a := c.Attrs
	query.Command, query.Venv, query.Dir = a.Text(AttrCommand), a.Text(AttrVenv), env.SuiteDir
	made := &Client{Address: c.Address(), Tokenizer: a.Text(AttrTokenizer), Params: a[AttrParams], MaxTime: a.Duration(AttrMaxTime), APIKey: a[AttrAPIKey],
		Query: query, Image: spec.ClientImageOf(c), Env: env}
	switch {
	case made.Image != "" && (query.Command != "" || query.Venv != ""):
		return nil, &spec.Error{Kind: spec.ErrUsage, Attribute: spec.AttrImage, Summary: "image is set beside command or venv",
			Fix: "keep one: image is for a tool in a container, command and venv are for one that is installed here"}
	case query.Command != "" && query.Venv != "":
		return nil, made.Wrong("command and venv are both set", "keep one of them")
	case made.MaxTime < 0:
		return nil, made.Wrong("max_time is negative", `write a duration like "10m"`)
	case made.MaxTime == 0:
		made.MaxTime = 30 * time.Minute
	}
	for _, f := range made.Params.Fields() {
		if slices.Contains(decided, f.Name) {
			return nil, made.Wrong("params sets "+f.Name+", which the load decides", "remove it")
		}
	}
	return made, nil
}

// Wrong is an error of the declaration.
func (c *Client) Wrong(problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: c.Address + ": " + problem, Fix: fix}
}

// Call is what a client needs for one run.
type Call struct {
	Tool      *pytool.Tool // nil: in an image
	URL       string       // of the server, without the version's path
	Key       string       // bearer token; empty: none
	Tokenizer string
}

// Call finds what a run needs. tool names it in errors.
func (c *Client) Call(tool string, request *spec.RunRequest) (Call, error) {
	var call Call
	var err error
	if c.Image == "" {
		if call.Tool, err = pytool.Find(c.Query); err != nil {
			return call, err
		}
	}
	if call.URL, err = baseURL(tool, request.Server.URL); err != nil {
		return call, err
	}
	if call.Key, err = c.Env.APIKey(c.Address, c.APIKey); err != nil {
		return call, err
	}
	call.Tokenizer, err = tokenizer(c.Address, c.Tokenizer, request.Model, c.Env)
	if err == nil && c.Image != "" {
		err = c.checkContained(&call, request.RunClient)
	}
	return call, err
}

// Check is what doctor asks: it looks for the tool in a release like the tested one, the tokenizer and the key.
// compared is the tool's release as far as it is compared; nil: as the tool says it. A tool
// in an image is the target's to look for.
func (c *Client) Check(name, tested string, compared func(version string) string) []spec.Check {
	var checks []spec.Check
	if c.Image == "" {
		tool, err := pytool.Find(c.Query)
		if err != nil {
			return []spec.Check{spec.FailedCheck(name, err)}
		}
		release := tool.Version()
		if compared != nil {
			release = compared(release)
		}
		checks = append(checks, checkRelease(name, tool, release, tested, c.Query.Install))
	}
	if c.Tokenizer != "" {
		found := checkTokenizer(c.Address, c.Tokenizer, c.Env)
		if c.Image != "" && found.Status == spec.CheckWarn {
			found.Status, found.Fix = spec.CheckFail, "a tool in an image sees no cache of this host: name a folder"
		}
		checks = append(checks, found)
	}
	if !c.APIKey.IsNull() {
		checks = append(checks, c.Env.CheckAPIKey(c.Address, c.APIKey))
	}
	return checks
}
