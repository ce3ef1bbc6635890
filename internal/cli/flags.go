package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
