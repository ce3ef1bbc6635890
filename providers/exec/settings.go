package exec

import (
	"fmt"
	"strings"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// settings are a declaration's checked attributes.
type settings struct {
	address string
	argv    []string
	metrics []metric.Name
	files   []string
	env     []spec.Field // values may be secret references
	timeout time.Duration
}

func parseSettings(c *spec.Component) (settings, error) {
	s := settings{address: c.Address(), metrics: answers(c), files: c.Attrs.Strings(attrFiles), env: c.Attrs[attrEnv].Fields()}
	for _, check := range []func(spec.Attrs) error{s.readCommand, s.readEnv, s.readTimeout} {
		if err := check(c.Attrs); err != nil {
			return s, err
		}
	}
	if len(s.metrics) == 0 {
		return s, s.wrong("metrics lists no metric, so no claim could be checked", `write metrics = ["throughput", "ttft", "tpot"]`)
	}
	return s, nil
}

func (s *settings) wrong(what, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: s.address + ": " + what, Fix: fix}
}

func (s *settings) readCommand(attrs spec.Attrs) error {
	for _, argument := range attrs[attrCommand].Items() {
		if argument.Kind() == spec.Secret {
			return s.wrong("command holds a secret, and every user of the host can read the arguments of a program",
				"pass it in env, where the program can read it")
		}
		s.argv = append(s.argv, argument.Text())
	}
	if len(s.argv) == 0 || s.argv[0] == "" {
		return s.wrong("command names no program", `write command = ["python3", "predict.py"]`)
	}
	for _, argument := range s.argv {
		if strings.ContainsRune(argument, 0) {
			return s.wrong(fmt.Sprintf("command holds a zero byte in %q", argument), "remove it")
		}
	}
	return nil
}

func (s *settings) readEnv(spec.Attrs) error {
	for _, f := range s.env {
		if f.Name == "" || strings.ContainsAny(f.Name, "=\x00") || strings.ContainsRune(f.Value.Text(), 0) {
			return s.wrong(fmt.Sprintf("env has the entry %q, which no environment can hold", f.Name), "write NAME = \"value\"")
		}
	}
	return nil
}

func (s *settings) readTimeout(attrs spec.Attrs) error {
	text := attrs.Text(attrTimeout)
	if text == "" {
		text = defaultTimeout
	}
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		return s.wrong("timeout is "+text, `write a positive duration like "10m"`)
	}
	s.timeout = timeout
	return nil
}
