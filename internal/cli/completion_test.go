package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := run(t, "completion", shell)
		if code != ExitOK || !strings.Contains(stdout, "aicv") || stderr != "" {
			t.Errorf("%s: exit code %d, %d bytes, %q", shell, code, len(stdout), stderr)
		}
	}
}

// What a shell asks when the user presses the completion key.
func TestCompletions(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string // the proposals, and cobra's directive: :4 proposes no files
	}{
		{[]string{"ap"}, "apply :4"},
		{[]string{"state", ""}, "backup check list orphans rm show :4"},
		{[]string{"completion", ""}, "bash fish powershell zsh :4"},
		{[]string{"plan", "--deta"}, "--detailed-exitcode :4"},
		{[]string{"graph", "--format", ""}, "dot mermaid json :4"},
		{[]string{"graph", "-format", ""}, "dot mermaid json :4"}, // one dash, as flags may be written
		{[]string{"report", "--format", ""}, "text markdown html json csv junit :4"},
		{[]string{"schema", "--format", ""}, "json jsonschema markdown :4"},
		{[]string{"schema", ""}, ":4"},
		{[]string{"version", ""}, ":4"},
		{[]string{"plan", "--log-level", ""}, "off error warn info debug trace :4"},
		{[]string{"apply", ""}, ":0"}, // folders and plan files
	} {
		code, stdout, _ := run(t, append([]string{"__complete"}, test.words...)...)
		var got []string
		for line := range strings.Lines(stdout) {
			proposal, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, proposal)
		}
		if code != ExitOK || strings.Join(got, " ") != test.want {
			t.Errorf("%q: exit code %d, %q, want %q", test.words, code, got, test.want)
		}
	}
}

// Every line of every example is a command line that the command takes.
func TestExamplesParse(t *testing.T) {
	a := &app{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, line := range strings.Split(strings.ReplaceAll(c.Example, " && ", "\n"), "\n") {
			line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "source <("), ")")
			for _, shell := range []string{" | ", " > ", " < "} {
				line, _, _ = strings.Cut(line, shell)
			}
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "aicv" {
				t.Errorf("%s: %q calls no command", c.CommandPath(), line)
				continue
			}
			checkExample(t, a.rootCommand(), words[1:])
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.rootCommand())
}

func checkExample(t *testing.T, root *cobra.Command, args []string) {
	t.Helper()
	c, rest, err := root.Find(normalizeFlags(root, args))
	if err == nil && !c.DisableFlagParsing {
		err = c.ParseFlags(rest)
		rest = c.Flags().Args()
	}
	if err == nil {
		err = c.ValidateArgs(rest)
	}
	if err != nil || !c.Runnable() {
		t.Errorf("aicv %s: %v", strings.Join(args, " "), err)
	}
}
