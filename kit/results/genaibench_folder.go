package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a genai-bench folder that are no run files.
const (
	genaiMetadata    = "experiment_metadata.json"
	genaiDebugPrefix = "debug_for_run_"
)

// GenAIBenchFolder is what one call of genai-bench wrote.
type GenAIBenchFolder struct {
	Metadata GenAIBenchMetadata
	Runs     []GenAIBench // in the order of their file names
	Files    []string     // of the runs, relative to the folder
	Failed   *GenAIBench  // a run of which nothing could be aggregated; nil: none
}

// GenAIBenchMetadata is what experiment_metadata.json says, without the command line:
// that one holds every credential the tool was given.
type GenAIBenchMetadata struct {
	Version     string  `json:"benchmark_version"`
	Backend     string  `json:"api_backend"`
	ServedModel string  `json:"api_model_name"`
	Tokenizer   *string `json:"server_model_tokenizer"`
	Task        string  `json:"task"`
	Engine      *string `json:"server_engine"`
	EngineVer   *string `json:"server_version"`
	GPUType     *string `json:"server_gpu_type"`
	GPUCount    *string `json:"server_gpu_count"`
}

// ParseGenAIBenchMetadata reads experiment_metadata.json of any release.
func ParseGenAIBenchMetadata(data []byte) (GenAIBenchMetadata, error) {
	var m GenAIBenchMetadata
	err := decode(data, &m)
	return m, err
}

// ReadGenAIBench reads a folder. Links are not followed, and files of other kinds are
// left alone. A folder without any run is an error that says why.
func ReadGenAIBench(dir string) (*GenAIBenchFolder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refused(dir, "the folder can not be read: "+err.Error(), "name a folder that genai-bench wrote")
	}
	defer root.Close()
	names, err := plainFiles(root, ".json")
	if err != nil {
		return nil, refused(dir, err.Error(), "name a folder that genai-bench wrote")
	}
	folder := &GenAIBenchFolder{}
	started := false
	for _, name := range names {
		data, err := readBounded(root, name)
		if err != nil {
			return nil, refused(filepath.Join(dir, name), err.Error(), "")
		}
		started = started || name == genaiMetadata
		if err := folder.take(name, data); err != nil {
			return nil, refused(filepath.Join(dir, name), err.Error(), "remove it, or export it again")
		}
	}
	switch {
	case len(folder.Runs) > 0 || folder.Failed != nil:
		return folder, nil
	case started:
		return nil, refused(dir, "it has the metadata of an experiment and no run: the experiment was ended before its first run did", "take the measurement again")
	}
	return nil, refused(dir, "it holds no run of genai-bench", "name the folder that holds experiment_metadata.json")
}

// take reads one file of the folder.
func (f *GenAIBenchFolder) take(name string, data []byte) (err error) {
	if name == genaiMetadata {
		f.Metadata, err = ParseGenAIBenchMetadata(data)
		return err
	}
	run, err := ParseGenAIBench(data)
	switch {
	case strings.HasPrefix(name, genaiDebugPrefix):
		f.Failed = run // what can not be read of it says no less
		return nil
	case err != nil:
		return err
	}
	f.Runs, f.Files = append(f.Runs, *run), append(f.Files, name)
	return nil
}

// maxFiles bounds what is looked at in one folder.
const maxFiles = 10_000

// plainFiles lists the folder's own regular files with one of the endings, or that have
// one of them as their name, sorted.
func plainFiles(root *os.Root, endings ...string) ([]string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("it holds more than %d files", maxFiles)
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && (slices.Contains(endings, filepath.Ext(entry.Name())) || slices.Contains(endings, entry.Name())) {
			names = append(names, entry.Name())
		}
	}
	return sortedNames(names), nil
}

// readBounded reads a regular file that is not larger than any result can be: opening a
// pipe or a device may never return.
func readBounded(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return data, nil
}
