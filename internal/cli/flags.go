package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aicv/lang/suggest"
	"aicv/metric"
	"aicv/spec"
)

// wrongFlag names the flag that was most likely meant.
func wrongFlag(c *cobra.Command, err error) error {
	e := &spec.Error{Kind: spec.ErrUsage, Summary: err.Error(), Fix: c.CommandPath() + " --help lists the flags"}
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return e
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if best, ok := suggest.Best(missing.GetSpecifiedName(), names); ok {
		e.Fix = "did you mean --" + best + "? " + e.Fix
	}
	return e
}

// refuseStrangers makes an unknown subcommand an error: without it a group prints its
// help and succeeds. More arguments than a command takes are named.
func refuseStrangers(c *cobra.Command) {
	for _, sub := range c.Commands() {
		refuseStrangers(sub)
	}
	if c.HasParent() && c.HasSubCommands() && !c.Runnable() {
		c.RunE = func(c *cobra.Command, args []string) error { return unknownSubcommand(c, args) }
		return
	}
	if allowed := c.Args; allowed != nil && !c.DisableFlagParsing {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := allowed(c, args); err != nil {
				return wrongArguments(c, args)
			}
			return nil
		}
	}
}

// wrongArguments says how a command wants to be called, and how it was.
func wrongArguments(c *cobra.Command, args []string) error {
	_, wanted, _ := strings.Cut(c.Use, " ")
	if wanted == "" {
		wanted = "no argument"
	}
	example, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n")
	return &spec.Error{Kind: spec.ErrUsage,
		Summary: fmt.Sprintf("%s takes %s, and was given %s", c.CommandPath(), wanted, metric.Count(len(args), "argument")),
		Fix:     suiteFlag(c, args) + "for example: " + example}
}

// suiteFlag tells whoever gives a folder behind the arguments how the command takes it.
func suiteFlag(c *cobra.Command, args []string) string {
	if c.Flags().Lookup("suite") == nil || len(args) < 2 {
		return ""
	}
	return "the suite's folder is given with --suite DIR; "
}

func unknownSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	e := &spec.Error{Kind: spec.ErrUsage, Summary: "unknown command \"" + args[0] + "\" of " + c.CommandPath(), Fix: "there are: " + strings.Join(names, ", ")}
	if best, ok := suggest.Best(args[0], names); ok {
		e.Fix = "did you mean " + best + "? " + upperFirst(e.Fix)
	}
	return e
}

// namedCommand gives an unknown command of the root, which cobra refuses itself, the
// same words as one of a group.
func namedCommand(root *cobra.Command, err error) error {
	var known *spec.Error
	var name string
	if err == nil || errors.As(err, &known) {
		return err
	}
	if _, scanErr := fmt.Sscanf(err.Error(), "unknown command %q for", &name); scanErr != nil {
		return err
	}
	return unknownSubcommand(root, []string{name})
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// normalizeFlags lets long flags be written with one dash, `-out FILE` as in
// Terraform, where the word is a known long flag.
func normalizeFlags(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true}
	collectFlags(root, known)
	normal := make([]string, len(args))
	for i, arg := range args {
		normal[i] = arg
		if arg == "--" {
			copy(normal[i:], args[i:])
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(arg, "-") && known[name] {
			normal[i] = "-" + arg
		}
	}
	return normal
}

func collectFlags(c *cobra.Command, known map[string]bool) {
	add := func(f *pflag.Flag) { known[f.Name] = true }
	c.Flags().VisitAll(add)
	c.PersistentFlags().VisitAll(add)
	for _, sub := range c.Commands() {
		collectFlags(sub, known)
	}
}
