package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"aicv/kit/pep440"
	"aicv/kit/pytool"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// helpTimeout bounds the question for an engine's flags: it imports half of Python.
const helpTimeout time.Duration = 3 * time.Minute

// Check looks at an engine that runs as a process: its version, and whether it knows the
// flags that the table gives. In images only the declaration can be looked at.
func (r *Runtime) Check(ctx context.Context) []spec.Check {
	a := r.Component.Attrs
	version, note, err := r.Engine.ReadVersion(r.Component.Address(), r.Component.Version(), a.Text(attrImage))
	if err != nil {
		return []spec.Check{spec.FailedCheck("version", err)}
	}
	declared := spec.Check{Name: "table", Status: spec.CheckOK, Found: "knows the flags of " + r.Engine.Engine + " " + version.String()}
	if note != nil {
		declared.Status, declared.Found = spec.CheckWarn, note.Why
	}
	checks := []spec.Check{declared}
	if a.Text(attrImage) != "" {
		return checks
	}
	head, err := r.outside(&spec.ServerSpec{})
	if err != nil {
		return append(checks, spec.FailedCheck("command", err))
	}
	if !a.Has(attrCommand) {
		checks = append(checks, r.checkInstalled(version, head))
	}
	return append(checks, r.checkFlags(ctx, version, head))
}

// checkInstalled compares the installed version with the declared one.
func (r *Runtime) checkInstalled(declared pep440.Version, head []string) spec.Check {
	const name = "installation"
	a := r.Component.Attrs
	query := pytool.Query{Script: r.Launch.Program[0], Distributions: []string{r.Engine.Kind}, Python: a.Text(attrPython), Venv: a.Text(attrVenv), Dir: r.Env.SuiteDir,
		Install: "install it: pip install " + r.Engine.Kind + "==" + declared.String()}
	if query.Python == "" && query.Venv == "" && filepath.Base(head[0]) != r.Engine.Kind {
		query.Python = head[0]
	}
	tool, err := pytool.Find(query)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	if len(tool.Distributions) == 0 {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: "its version can not be read beside " + tool.Command}
	}
	found := tool.Distributions[0].Version
	v, err := pep440.Parse(found)
	if err != nil || v.Public().Compare(declared.Public()) != 0 {
		return spec.Check{Name: name, Status: spec.CheckFail, Found: fmt.Sprintf("%s %s is installed, the suite declares %s", r.Engine.Kind, found, declared),
			Fix: "declare the version that is installed, or install the one that is declared"}
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: r.Engine.Kind + " " + found + " in " + tool.Distributions[0].Site}
}

// checkFlags asks the engine for its flags.
func (r *Runtime) checkFlags(ctx context.Context, version pep440.Version, head []string) spec.Check {
	const name = "flags"
	limit := helpTimeout
	if end, limited := ctx.Deadline(); limited {
		limit = min(limit, time.Until(end)*3/4) // whoever asks must hear in time that the engine did not answer
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var page strings.Builder
	ended, err := subprocess.Run(ctx, subprocess.Command{Args: append(slices.Clone(head), r.Launch.Help...), Line: func(line []byte) {
		page.Write(line)
		page.WriteByte('\n')
	}})
	if err == nil && !ended.OK() {
		err = fmt.Errorf("%s", ended)
	}
	if err != nil {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: "the engine can not be asked for its flags: " + err.Error(), Fix: "try: " + strings.Join(append(slices.Clone(head), r.Launch.Help...), " ")}
	}
	lacking := r.Lacking(version, KnownFlags(page.String()))
	if len(lacking) > 0 {
		return spec.Check{Name: name, Status: spec.CheckFail, Found: "the engine does not know " + strings.Join(lacking, ", "), Fix: "declare the version that is installed, and correct args"}
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: "the engine knows all flags of the table"}
}

// KnownFlags lists the flags that a page of help names, without dashes.
func KnownFlags(help string) map[string]bool {
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:^|[\s,\[(|])--([a-zA-Z0-9][\w-]*)`).FindAllStringSubmatch(help, -1) {
		known[strings.ReplaceAll(m[1], "_", "-")] = true
	}
	return known
}

// Lacking lists the flags that a server of this runtime may be given in a version, by
// the table, by the launch or by args, and that are not among the known ones.
func (r *Runtime) Lacking(version pep440.Version, known map[string]bool) []string {
	flags := append(r.Engine.Flags(Context{Version: version}), flagsOf(r.always("", ""))...)
	for _, f := range r.Component.Attrs[attrArgs].Fields() {
		flags = append(flags, "--"+strings.ReplaceAll(strings.TrimLeft(f.Name, "-"), "_", "-"))
	}
	slices.Sort(flags)
	return slices.DeleteFunc(slices.Compact(flags), func(flag string) bool {
		name := strings.TrimPrefix(flag, "--")
		return known[name] || name == strings.TrimPrefix(r.Launch.Model, "--") && r.Launch.Bare
	})
}
