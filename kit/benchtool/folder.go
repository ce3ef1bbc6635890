package benchtool

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aicv/spec"
)

// Hidden stands where a key stood.
const Hidden = "(secret)"

// Folder makes a new folder that keeps what a run of the tool writes, below the work
// folder; label tells runs apart for people. Its path is absolute.
func Folder(env spec.Env, tool, label string) (string, error) {
	base, err := filepath.Abs(filepath.Join(env.WorkDir, tool))
	if err == nil {
		err = os.MkdirAll(base, 0o755)
	}
	var folder string
	if err == nil {
		folder, err = os.MkdirTemp(base, label+"-"+time.Now().UTC().Format("20060102-150405")+"-")
	}
	return folder, unmade(err)
}

// SubFolder makes a folder in a run's folder.
func SubFolder(folder, name string) error {
	return unmade(os.Mkdir(filepath.Join(folder, name), 0o755))
}

func unmade(err error) error {
	if err == nil {
		return nil
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the folder for the tool's results can not be made", Cause: err, Fix: "check the rights and the space of the state's folder"}
}

// Shown is a folder as people look for it: relative to the suite's where it lies below.
func Shown(env spec.Env, folder string) string {
	base, err := filepath.Abs(env.SuiteDir)
	if err != nil {
		return folder
	}
	if short, err := filepath.Rel(base, folder); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return folder
}

// shortestKey is the length, in bytes, from which on a key can be told from other text.
const shortestKey = 4

// Scrub makes sure that the key stands in no file that the tool wrote.
func Scrub(tool, folder, key string) error {
	if len(key) < shortestKey {
		return nil
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(content, []byte(key)) {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(content, []byte(key), []byte(Hidden)), 0o644)
	})
	if err != nil {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: tool + "'s files could not be searched for the key", Cause: err, Fix: "remove " + folder}
	}
	return nil
}
