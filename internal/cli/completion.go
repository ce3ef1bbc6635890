package cli

import "github.com/spf13/cobra"

// addCompletion adds the command that prints completion scripts, with an example for
// each shell.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	examples := map[string]string{
		"completion": "  source <(aicv completion bash)",
		"bash":       "  aicv completion bash > ~/.local/share/bash-completion/completions/aicv",
		"zsh":        "  aicv completion zsh > \"${fpath[1]}/_aicv\"",
		"fish":       "  aicv completion fish > ~/.config/fish/completions/aicv.fish",
		"powershell": "  aicv completion powershell | Out-String | Invoke-Expression",
	}
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Example = examples[c.Name()]
		for _, shell := range c.Commands() {
			shell.Example = examples[shell.Name()]
		}
	}
}

// choices completes a flag's value.
func choices(c *cobra.Command, flag string, values ...string) {
	// It fails only where the command has no such flag, and then nothing is completed.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
