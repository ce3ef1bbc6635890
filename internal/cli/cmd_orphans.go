package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aicv/engine/exec"
	"aicv/internal/tty"
	"aicv/spec"
	"aicv/state"
)

func (a *app) stateOrphansCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "orphans [DIR]",
		Short: "List the servers that any aicv left on the suite's targets, and whose they are",
		Long: `Orphans asks every target of the suite for the servers of all suites, running or not,
and says which aicv started each and whether it is still at work. It stops nothing: aicv
destroy does so, run in the suite that owns them. Without a suite every kind of target is
asked that needs no settings: this host for its processes, its Docker daemon for containers.`,
		Example: "  aicv state orphans my-suite",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := a.placeOf(args)
			targets, declared, err := a.orphanTargets(at)
			if err != nil {
				return err
			}
			registry, err := a.registry(at)
			if err != nil {
				return err
			}
			found, err := exec.Orphans(cmd.Context(), registry, targets)
			if err != nil && !declared { // a host need not have everything that a suite could ask for
				_, _ = fmt.Fprintln(a.stdio.Err, tty.Clean("not asked: "+err.Error()))
				err = nil
			}
			return errors.Join(a.printOrphans(found), err)
		},
	}
}

// orphanTargets are the suite's, or, where there is no suite, one of each kind that can be
// used without settings: declared is false then.
func (a *app) orphanTargets(at place) (targets []*spec.Component, declared bool, err error) {
	if hasSuite(at.dir) {
		suite, err := a.loadSuite(at)
		if err != nil {
			return nil, true, err
		}
		return exec.SuiteTargets(suite), true, nil
	}
	for i := range a.config.Registrations {
		r := &a.config.Registrations[i]
		if r.Role == spec.RoleTarget && !slices.ContainsFunc(r.Schema.Attributes, isRequired) {
			targets = append(targets, &spec.Component{Role: spec.RoleTarget, Kind: r.Kind, Name: "default"})
		}
	}
	return targets, false, nil
}

func isRequired(row spec.Attribute) bool { return row.Required }

func (a *app) printOrphans(found []exec.Orphan) error {
	if a.json {
		return writeJSON(a.stdio.Out, map[string]any{"format_version": jsonFormat, "servers": append([]exec.Orphan{}, found...)})
	}
	if len(found) == 0 {
		a.say("No aicv left a server.\n")
		return nil
	}
	table := tabwriter.NewWriter(a.stdio.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tTARGET\tSTATE\tOWNER\tSUITE OF")
	for i := range found {
		o := &found[i]
		running := "ended"
		if o.Running {
			running = "runs"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s@%s, %s\t%s\n", tty.Clean(o.Server.Key), tty.Clean(o.Target), running,
			tty.Clean(o.Owner.User), tty.Clean(o.Owner.Host), atWork(o.Owner), tty.Clean(filepath.Dir(o.Owner.Work)))
	}
	return table.Flush()
}

// atWork says whether the aicv that owns a server still works on its suite.
func atWork(o spec.Owner) string {
	if host, err := os.Hostname(); err != nil || host != o.Host || o.Work == "" {
		return "elsewhere"
	}
	path := filepath.Join(o.Work, "state.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "whose state is gone"
	}
	if holder, locked := state.LockedBy(path); locked {
		return fmt.Sprintf("at work (process %d)", holder.PID)
	}
	return "not at work"
}
