package aiconfigurator

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aicv/kit/pytool"
	"aicv/spec"
)

// envTool names the tool where a declaration does not: a command or a virtual environment.
const envTool = "AICV_AICONFIGURATOR"

// install says how to get the tool.
const install = "pip install aiconfigurator==0.12.0 into a virtual environment, and name it: predictor \"aiconfigurator\" \"aic\" { venv = \"/path/to/venv\" }"

// settings are a declaration's checked attributes.
type settings struct {
	address  string
	query    pytool.Query
	database string
	mode     string
	systems  []string // absolute folders, or "default"
	driver   string
	search   []string           // ways of serving
	assume   spec.Configuration // of items that nobody says
	timeout  time.Duration
}

func parseSettings(c *spec.Component, env spec.Env) (settings, error) {
	a := c.Attrs
	s := settings{
		address: c.Address(), database: a.Text(attrDatabase),
		mode: cmp.Or(a.Text(attrMode), modeSilicon), driver: cmp.Or(a.Text(attrDriver), driverAuto),
		query: pytool.Query{Script: Kind, Distributions: []string{Kind, "aisimulate", "aiconfigurator-core"},
			Command: a.Text(attrCommand), Python: a.Text(attrPython), Venv: a.Text(attrVenv), Dir: env.SuiteDir, Install: install},
	}
	if err := s.readPlace(env); err != nil {
		return s, err
	}
	if s.search = a.Strings(attrSearch); len(s.search) == 0 {
		s.search = []string{servingAggregated, servingDisaggregated}
	}
	if err := s.readAssume(a[attrAssume].Fields()); err != nil {
		return s, err
	}
	for _, folder := range a.Strings(attrSystemsPath) {
		if folder != "default" && !filepath.IsAbs(folder) {
			folder = filepath.Join(env.SuiteDir, folder)
		}
		if strings.Contains(folder, ",") {
			return s, s.wrong(fmt.Sprintf("systems_paths has %q, and the tool can not read a path with a comma", folder), "rename the folder")
		}
		s.systems = append(s.systems, folder)
	}
	return s, s.readTimeout(cmp.Or(a.Text(attrTimeout), defaultTimeout))
}

// readPlace checks that the tool is named once, else takes it from the environment.
func (s *settings) readPlace(env spec.Env) error {
	named := 0
	for _, text := range []string{s.query.Command, s.query.Python, s.query.Venv} {
		if text != "" {
			named++
		}
	}
	switch {
	case named > 1:
		return s.wrong("it names the tool in several ways", "keep one of command, python and venv")
	case named == 1 || env.Getenv == nil:
		return nil
	}
	place, _ := env.Getenv(envTool)
	if info, err := os.Stat(place); place != "" && err == nil && info.IsDir() {
		s.query.Venv = place
	} else {
		s.query.Command = place
	}
	return nil
}

// readAssume checks items against the rows of the configuration.
func (s *settings) readAssume(fields []spec.Field) error {
	counted := []string{spec.ItemReplicas, spec.ItemTensorParallel, spec.ItemPipelineParallel, spec.ItemAttentionDataParallel}
	rows := spec.ConfigurationItems()
	for _, f := range fields {
		at := slices.IndexFunc(rows, func(row spec.Attribute) bool { return row.Name == f.Name })
		switch {
		case at < 0:
			return s.wrong(fmt.Sprintf("assume has %q, which is no item of the configuration", f.Name), "aicv schema configuration lists them")
		case slices.Contains(counted, f.Name):
			return s.wrong("assume has "+f.Name+", which decides the number of GPUs", "set it in the experiment's configuration or matrix")
		case !typed(&rows[at], f.Value):
			return s.wrong(fmt.Sprintf("assume has %s = %s, which must be a %s", f.Name, f.Value, rows[at].Type), "write it as the configuration block takes it")
		}
		s.assume = s.assume.With(f.Name, f.Value)
	}
	return nil
}

// typed reports whether a value is one that a row takes.
func typed(row *spec.Attribute, v spec.Value) bool {
	switch row.Type {
	case spec.TypeBool:
		return v.Kind() == spec.Bool
	case spec.TypeString:
		return v.Kind() == spec.String && v.Text() != ""
	}
	_, whole := v.Int()
	f, number := v.Float()
	return v.Kind() == spec.Number && number && (whole || row.Type != spec.TypeInt) && (row.Min == nil || f >= *row.Min) && (row.Max == nil || f <= *row.Max)
}

func (s *settings) readTimeout(text string) error {
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		return s.wrong("timeout is "+text, `write a positive duration like "15m"`)
	}
	s.timeout = timeout
	return nil
}

func (s *settings) wrong(what, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: s.address + ": " + what, Fix: fix}
}
