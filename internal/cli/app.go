package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"aicv/engine"
	"aicv/spec"
)

// app is one invocation: the streams, the global flags and what follows from them.
type app struct {
	config Config
	stdio  Stdio
	getenv func(string) (string, bool)

	state    string
	vars     []string
	varFiles []string
	json     bool
	events   string
	noColor  bool
	quiet    bool
	logLevel string

	sources map[string][]byte // of the suite that was read last, by file
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aicv",
		Short: "Check LLM-serving performance predictions against measurements",
		Long: `aicv answers one question with evidence: can I trust this performance prediction
on my hardware? A suite of HCL files declares models, hardware, a prediction
source, runtimes and claims such as "throughput within 10%". aicv deploys exactly
the configuration that was predicted, measures it, and judges the claims.

Exit codes: 0 all claims pass; 1 error; 2 changes are pending (plan
--detailed-exitcode); 3 a claim failed; 4 a claim is undecided; 130 interrupted.`,
		Example: `  aicv init my-suite
  aicv plan my-suite
  aicv apply my-suite
  aicv report my-suite --format markdown`,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkGlobals() },
		SilenceUsage:      true,
		SilenceErrors:     true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.state, "state", "", "state database (default: .aicv/state.db beside the suite)")
	flags.StringArrayVar(&a.vars, "var", nil, "set a variable, NAME=VALUE; may be repeated")
	flags.StringArrayVar(&a.varFiles, "var-file", nil, "read variables from a file; may be repeated")
	flags.BoolVar(&a.json, "json", false, "print machine-readable JSON")
	flags.StringVar(&a.events, "events", "", "also write the event stream to a file, as JSON lines")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no plan, no progress and no advice: results and errors only")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour, even on a terminal (also: NO_COLOR)")
	flags.StringVar(&a.logLevel, "log-level", "off", "log to stderr: off, error, warn, info, debug or trace")
	choices(root, "log-level", "off", "error", "warn", "info", "debug", "trace")
	root.SetIn(a.stdio.In)
	root.SetOut(a.stdio.Out)
	root.SetErr(a.stdio.Err)
	root.AddCommand(
		a.initCommand(), a.fmtCommand(), a.validateCommand(),
		a.planCommand(), a.applyCommand(), a.judgeCommand(), a.destroyCommand(),
		a.showCommand(), a.reportCommand(), a.graphCommand(),
		a.modelsCommand(),
		a.hardwareCommand(),
		a.doctorCommand(),
		a.importCommand(), a.exportCommand(),
		a.schemaCommand(), a.stateCommand(), a.versionCommand(), a.serveCommand(),
	)
	addCompletion(root)
	root.SetFlagErrorFunc(wrongFlag)
	refuseStrangers(root)
	return root
}

// checkGlobals refuses global flags that could not be obeyed, before any work.
func (a *app) checkGlobals() error {
	if a.logLevel != "off" && hclog.LevelFromString(a.logLevel) == hclog.NoLevel {
		return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("unknown log level %q", a.logLevel), Fix: "use off, error, warn, info, debug or trace"}
	}
	for _, v := range a.vars {
		if name, _, set := strings.Cut(v, "="); !set || name == "" {
			return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("--var wants NAME=VALUE, not %q", name), Fix: "for example: --var gpus=8"}
		}
	}
	if a.events == "" {
		return nil
	}
	file, err := openEvents(a.events)
	if err != nil {
		return err
	}
	return file.Close()
}

// shortLived lets the heap grow before it is collected, for commands that only read: they
// end soon, and nearly all that they read stays until then. GOGC has the last word.
func (a *app) shortLived() {
	if _, set := a.getenv("GOGC"); !set {
		debug.SetGCPercent(300)
	}
}

func (a *app) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "aicv", Level: hclog.LevelFromString(a.logLevel), Output: a.stdio.Err})
}

// color reports whether w may be coloured: a terminal, and nobody said no.
func (a *app) color(w any) bool {
	if _, set := a.getenv("NO_COLOR"); a.noColor || set {
		return false
	}
	return isTerminal(w)
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width is the terminal's, 100 where there is none.
func width(w any) int {
	if file, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 40 {
			return columns
		}
	}
	return 100
}

// place is where a suite and what belongs to it lie.
type place struct {
	dir     string // the suite's folder, as given
	work    string // .aicv beside the state
	state   string
	cache   string
	lock    string
	display string
}

func (a *app) placeOf(args []string) place {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	state := a.state
	if state == "" {
		state = filepath.Join(dir, ".aicv", "state.db")
	}
	work := filepath.Dir(state)
	return place{dir: dir, work: work, state: state, display: dir,
		cache: filepath.Join(work, "predictions.db"), lock: filepath.Join(dir, ".aicv.lock")}
}

// registry makes providers for a suite at its place.
func (a *app) registry(p place) (*engine.Registry, error) {
	work, err := filepath.Abs(p.work)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", p.work, err)
	}
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", p.dir, err)
	}
	return engine.NewRegistry(a.config.Registrations, spec.Env{
		SuiteDir: dir, WorkDir: work, Self: self(), Getenv: a.getenv,
	}), nil
}

// self is the path by which this binary can be started again. The name it was
// started under counts, not the file behind it.
func self() string {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		if absolute, err := filepath.Abs(path); err == nil {
			return absolute
		}
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
