package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

type versionInfo struct {
	FormatVersion string `json:"format_version"`
	Version       string `json:"version"`
	Revision      string `json:"revision,omitempty"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  aicv version --json",
		Args:    cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			info := versionInfo{jsonFormat, Version, revision(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if a.json {
				return writeJSON(a.stdio.Out, info)
			}
			_, err := fmt.Fprintf(a.stdio.Out, "aicv %s (%s, %s)\n", info.Version, info.Go, info.Platform)
			return err
		},
	}
}

// revision is the commit that the binary was built from, where Go recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
