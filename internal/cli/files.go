package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aicv/spec"
)

// notWritten says which file could not be written; a temporary name beside it helps
// nobody.
func notWritten(what, path string, err error) error {
	var reason *fs.PathError
	if errors.As(err, &reason) {
		err = reason.Err
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: what + " can not be written to " + path, Cause: err,
		Fix: "name a file in a folder that is there and can be written"}
}

// replaceFile writes beside the file and renames, so that a crash or a full disk leaves
// the old content or the new. A file that is there keeps its permissions; what is no
// regular file (a terminal, /dev/stdout, a pipe) is written to as it is.
func replaceFile(path string, content []byte) error {
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return writeInto(path, content)
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".aicv-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, writeErr := temporary.Write(content)
	syncErr := temporary.Sync()
	if err := errors.Join(writeErr, syncErr, temporary.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Chmod(temporary.Name(), mode); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

func writeInto(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, writeErr := file.Write(content)
	return errors.Join(writeErr, file.Close())
}
