package exec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"aicv/spec"
)

// Fingerprint identifies the command, the content of the program, of the arguments that
// name files and of the declared files, and the declared environment; of secrets only
// their variables' names.
func (p *program) Fingerprint(ctx context.Context) (string, error) {
	path, err := p.path()
	if err != nil {
		return "", err
	}
	declared, err := json.Marshal([]any{p.argv, p.env, p.metrics})
	if err != nil {
		return "", p.missing("its declaration can not be written down", err, "this is a defect of aicv, please report it")
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", Protocol, declared)
	if err := hashFile(ctx, hash, path); err != nil {
		return "", p.unreadable(ctx, "the program "+p.argv[0], err)
	}
	for _, argument := range p.argv[1:] {
		if info, err := os.Stat(p.absolute(argument)); argument == "" || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := hashFile(ctx, hash, p.absolute(argument)); err != nil {
			return "", p.unreadable(ctx, "the file "+argument+" of command", err)
		}
	}
	for _, file := range p.files {
		if err := hashTree(ctx, hash, p.absolute(file)); err != nil {
			return "", p.unreadable(ctx, file+" of files", err)
		}
	}
	return Kind + " " + hex.EncodeToString(hash.Sum(nil)), nil
}

func (p *program) unreadable(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return p.missing(what+" can not be read", err, "check the path and its permissions; it starts from the suite's folder")
}

func interrupted(ctx context.Context) error {
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "asking the predictor was interrupted", Cause: context.Cause(ctx)}
}

// unhashed are folders that change without a change of what a program answers.
func unhashed(name string) bool { return name == "__pycache__" || name == ".git" }

// hashTree hashes a file, or all files below a folder with their names, in order. Links
// to files count with what they lead to; links to folders below are not followed.
func hashTree(ctx context.Context, w io.Writer, root string) error {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	found := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && unhashed(d.Name()) {
			return filepath.SkipDir
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return nil // a folder, a link to nothing
		}
		found++
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%q\n", filepath.ToSlash(name))
		return hashFile(ctx, w, path)
	})
	if err == nil && found == 0 {
		return errors.New("it holds no file")
	}
	return err
}

// hashFile writes the hash of a file's content, so that two files never run into each
// other.
func hashFile(ctx context.Context, w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	hash := sha256.New()
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = io.CopyN(hash, file, 16<<20)
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	_, err = w.Write(hash.Sum(nil))
	return err
}
