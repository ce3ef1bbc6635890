package aiconfigurator

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
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
