package results

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aicv/spec"
)

// Read reads a file or a folder of a format. Of a folder every file with one of the
// format's endings is read; one that is no result is an error.
func Read(name, path string) ([]Record, error) {
	all := Formats()
	i := slices.IndexFunc(all, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("no results of a format %q can be read", name), Fix: "formats are " + strings.Join(Names(), ", ")}
	}
	records, err := all[i].from(path)
	return setAside(path, records, err)
}

// setAside takes out what was refused and says so on the rest. It is an error where
// nothing is left.
func setAside(path string, records []Record, err error) ([]Record, error) {
	if err != nil {
		return nil, err
	}
	kept, why := parted(records)
	if len(kept) == 0 {
		return nil, refused(path, "it holds no result that can be taken: "+strings.Join(append(why, "it is empty")[:1], ""), "measure again as the message says")
	}
	kept[0].Caveats = append(slices.Clone(kept[0].Caveats), why...)
	return kept, nil
}

// parted tells what is taken from why the rest is not.
func parted(records []Record) (kept []Record, why []string) {
	for _, r := range records {
		if r.Refused == "" {
			kept = append(kept, r)
		} else {
			why = append(why, strings.TrimSpace(r.Source+" is set aside: "+r.Refused))
		}
	}
	return kept, why
}

func (f *Format) from(path string) ([]Record, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, refused(path, "it can not be read: "+errors.Unwrap(err).Error(), "correct the path")
	}
	switch {
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, refused(path, "it is no regular file", "name a file that the tool wrote, or its folder")
	case f.folder != nil && info.IsDir():
		return f.folder(path)
	case f.folder != nil:
		return f.folder(filepath.Dir(path))
	case info.IsDir():
		return f.fromFiles(path)
	}
	return f.fromFile(filepath.Dir(path), filepath.Base(path))
}

func (f *Format) fromFiles(dir string) ([]Record, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refused(dir, err.Error(), "")
	}
	defer root.Close()
	names, err := plainFiles(root, cmp.Or(f.file, ".json"), cmp.Or(f.file, ".jsonl"))
	if err != nil {
		return nil, refused(dir, err.Error(), "")
	}
	if f.file != "" && len(names) == 0 {
		return f.fromSweep(root, dir)
	}
	var all []Record
	for _, name := range names {
		if slices.Contains(f.skip, name) {
			continue
		}
		records, err := f.fromFile(dir, name)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	if len(all) == 0 {
		return nil, refused(dir, "it holds no "+cmp.Or(f.file, "file that ends in .json or .jsonl"), "name the file, or its folder")
	}
	return all, nil
}

// fromSweep reads the runs of a sweep, whose folders lie in a folder of it, at any depth. What
// lies below a run is of its parts. Links are not followed.
func (f *Format) fromSweep(root *os.Root, dir string) ([]Record, error) {
	var all []Record
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir() || path == ".":
			return nil
		case strings.Count(path, "/") >= deepestRun:
			return fs.SkipDir
		}
		if info, err := root.Lstat(filepath.Join(path, f.file)); err != nil || info.IsDir() {
			return nil
		}
		records, err := f.fromFile(filepath.Join(dir, path), f.file)
		if err != nil {
			return err
		}
		for i := range records {
			records[i].Source = path + "/" + records[i].Source
		}
		all = append(all, records...)
		return fs.SkipDir
	})
	if e := (*spec.Error)(nil); errors.As(err, &e) {
		return nil, e
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("it holds no %s, and neither does a folder in it", f.file)
	}
	if err != nil {
		return nil, refused(dir, err.Error(), "name the file, or its folder")
	}
	return all, nil
}

// deepestRun bounds how deep the folders of a sweep are looked through.
const deepestRun = 6

func (f *Format) fromFile(dir, name string) ([]Record, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refused(dir, err.Error(), "")
	}
	defer root.Close()
	data, err := readBounded(root, name)
	if err != nil {
		return nil, refused(name, err.Error(), "")
	}
	records, err := f.read(data)
	if e := (*spec.Error)(nil); errors.As(err, &e) {
		return nil, e
	}
	if err != nil {
		return nil, refused(name, err.Error(), "remove it, or measure again as the message says")
	}
	for i := range records {
		records[i].Source = strings.TrimSpace(name + " " + records[i].Source)
	}
	return records, f.beside(root, records)
}

// beside recomputes a single result from the file of its requests, where that lies beside
// it.
func (f *Format) beside(root *os.Root, records []Record) error {
	if f.requests == nil || len(records) != 1 || records[0].Refused != "" {
		return nil
	}
	data, err := readBounded(root, f.requestsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.requests(data, &records[0])
	}
	if err != nil {
		return refused(f.requestsFile, err.Error(), "move it away to import the aggregates alone")
	}
	return nil
}

// genaiRecords reads a folder of genai-bench.
func genaiRecords(dir string) ([]Record, error) {
	folder, err := ReadGenAIBench(dir)
	if err != nil {
		return nil, err
	}
	var all []Record
	for i := range folder.Runs {
		r, err := folder.record(i)
		if err != nil {
			return nil, refused(folder.Files[i], err.Error(), "")
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, refused(dir, "none of its runs got an answer", "measure again")
	}
	return all, nil
}

func (f *GenAIBenchFolder) record(i int) (Record, error) {
	run, m := &f.Runs[i], &f.Metadata
	result, err := run.Result(0, 0, nil)
	if err != nil {
		return Record{}, err
	}
	r := Record{Source: f.Files[i], Tool: "genai-bench", Version: m.Version, Model: m.ServedModel, Runtime: strings.ToLower(text(m.Engine)), Engine: text(m.EngineVer),
		Requests: result.Requests, Window: result.Window, Figures: run.Rows.Durations()}
	for _, v := range result.Values {
		r.Figures[v.Metric] = v.Value
	}
	r.Caveats = warnings(result.Findings)
	if n, err := strconv.Atoi(text(m.GPUCount)); err == nil && n > 0 {
		r.GPUs = n
	}
	r.Load.Concurrency = run.Concurrency
	if _, err := fmt.Sscanf(run.Scenario, "D(%d,%d)", &r.Load.InputTokens, &r.Load.OutputTokens); err != nil {
		return Record{}, fmt.Errorf("its scenario %s has no fixed lengths, and cells have", run.Scenario)
	}
	return r, nil
}

// warnings are the messages of findings that are more than a note.
func warnings(findings []spec.Finding) []string {
	var list []string
	for _, f := range findings {
		if f.Severity != spec.FindingNote {
			list = append(list, f.Message)
		}
	}
	return list
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
