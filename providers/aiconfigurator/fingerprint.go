package aiconfigurator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aicv/spec"
)

// fromEnvironment are the variables that change what the tool answers.
func fromEnvironment() []string {
	return []string{"AIC_ALLOW_UNLISTED_VERSIONS", "AICONFIGURATOR_MODEL_CONFIGS_PATH"}
}

// Fingerprint identifies the tool with its tables, its interpreter, our program, and the
// declaration. It starts no process for a tool that was installed as packages are.
func (p *predictor) Fingerprint(ctx context.Context) (string, error) {
	tool, err := p.find()
	if err != nil {
		return "", err
	}
	installed, err := tool.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%q\n%q\n%q\n%q\n%q\n%q\n%s\n", installed, program, p.database, p.mode, p.driver, p.systems, p.search, p.assume.AppendCanonical(nil))
	for _, name := range fromEnvironment() {
		fmt.Fprintf(hash, "%s=%q\n", name, os.Getenv(name))
	}
	for _, folder := range p.systems {
		if folder == "default" {
			continue
		}
		listing, err := listed(folder)
		if err != nil {
			return "", &spec.Error{Kind: spec.ErrUsage, Summary: p.address + ": the folder " + folder + " of systems_paths can not be read", Cause: err, Fix: "correct the path; it starts from the suite's folder"}
		}
		fmt.Fprintf(hash, "%s\n", listing)
	}
	return Kind + " " + hex.EncodeToString(hash.Sum(nil)), nil
}

// listed identifies the content of a folder by names, sizes and times: tables are large.
func listed(root string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q %d %d\n", filepath.ToSlash(name), info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return b.String(), err
}
