package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aicv/spec"
)

// The bounds on files of a checkpoint that are read.
const (
	maxConfig = 16 << 20
	maxIndex  = 256 << 20
	// leastWeights is what a file of weights has at least, in bytes; less is a pointer to
	// it, as a clone without its large files has.
	leastWeights = 1 << 10
)

// model looks at a local checkpoint.
func model(m *spec.Model) []spec.Check {
	if m.Path == "" {
		return []spec.Check{{Name: "checkpoint", Status: spec.CheckSkip, Found: "no path is set: the model is known by its id"}}
	}
	config := config(m.Path)
	if config.Status == spec.CheckFail {
		return []spec.Check{config}
	}
	return []spec.Check{config, weights(m.Path)}
}

func config(folder string) spec.Check {
	const name = "config.json"
	path := filepath.Join(folder, name)
	var content struct {
		Type          string   `json:"model_type"`
		Architectures []string `json:"architectures"`
	}
	if err := readJSON(path, maxConfig, &content); err != nil {
		return spec.FailedCheck(name, &spec.Error{Summary: path + " can not be read", Cause: err, Fix: "correct the model's path, or download the checkpoint again"})
	}
	said := strings.Join(content.Architectures, ", ")
	if said == "" {
		said = content.Type
	}
	if said == "" {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: path + " names no architecture", Fix: "see whether it is a model's config.json"}
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: path + ": " + said}
}

// readJSON reads a file of bounded size.
func readJSON(path string, most int64, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Size() > most:
		return fmt.Errorf("it has %d bytes, and %d are the most", info.Size(), most)
	}
	if err := json.NewDecoder(io.LimitReader(file, most)).Decode(into); err != nil {
		return fmt.Errorf("it is not what it should be: %w", err)
	}
	return nil
}

// weights looks whether all files of weights are there, and are more than pointers.
func weights(folder string) spec.Check {
	const name = "weights"
	files, err := weightFiles(folder)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	if len(files) == 0 {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: "there are none; predictors need no more than config.json, an engine does", Fix: "download the checkpoint's weights before an apply"}
	}
	var missing []string
	var size int64
	for _, file := range files {
		info, err := os.Stat(filepath.Join(folder, file))
		if err != nil || !info.Mode().IsRegular() || info.Size() < leastWeights {
			missing = append(missing, file)
			continue
		}
		size += info.Size()
	}
	if len(missing) > 0 {
		return spec.Check{Name: name, Status: spec.CheckFail, Found: fmt.Sprintf("%d of %d files are missing or empty, the first: %s", len(missing), len(files), missing[0]),
			Fix: "download the checkpoint again; a clone of the repository alone has pointers in place of its large files"}
	}
	return spec.Check{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("files: %d, %.1f GiB", len(files), float64(size)/(1<<30))}
}

// weightFiles lists the files that an index names, else those that are there.
func weightFiles(folder string) ([]string, error) {
	for _, index := range []string{"model.safetensors.index.json", "pytorch_model.bin.index.json"} {
		var content struct {
			Map map[string]string `json:"weight_map"`
		}
		path := filepath.Join(folder, index)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := readJSON(path, maxIndex, &content); err != nil {
			return nil, &spec.Error{Summary: path + " can not be read", Cause: err, Fix: "download the checkpoint again"}
		}
		return named(path, content.Map)
	}
	var found []string
	for _, pattern := range []string{"*.safetensors", "*.bin", "*.gguf"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			continue // the folder's name is no pattern: nothing is found
		}
		for _, path := range paths {
			found = append(found, filepath.Base(path))
		}
	}
	return found, nil
}

// named lists the files of an index, each once.
func named(index string, weights map[string]string) ([]string, error) {
	var files []string
	for _, file := range weights {
		if !filepath.IsLocal(file) {
			return nil, &spec.Error{Summary: fmt.Sprintf("%s names the file %q, which is outside of the checkpoint", index, file), Fix: "download the checkpoint from a source that you trust"}
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
