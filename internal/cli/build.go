package cli

import (
	"debug/elf"
	"runtime/debug"

	"aicv/spec"
)

// buildIdentity tells this build of aicv from others: the linker's own mark of what is in
// the binary, and where that can not be read the revision that was built.
func buildIdentity() string {
	identity := Version
	if mark := linkMark("/proc/self/exe"); mark != "" {
		return identity + " " + mark
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				identity += " " + s.Value
			}
		}
	}
	return identity
}

// linkMark is the Go linker's note in a binary; empty where there is none.
func linkMark(path string) string {
	file, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // only read
	section := file.Section(".note.go.buildid")
	if section == nil {
		return ""
	}
	note, err := section.Data()
	if err != nil {
		return ""
	}
	return string(spec.HashOf(note))
}
