package loadgen

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"aicv/spec"
)

// The bounds on a dataset.
const (
	maxPrompts     = 1_000_000
	maxDatasetSize = 1 << 30  // bytes
	maxPrompt      = 16 << 20 // bytes of one line
	maxOutput      = 1 << 24  // tokens
)

// entry is one prompt of a dataset.
type entry struct {
	prompt string
	output int // tokens; 0: the load's
}

// readDataset reads a load's file of prompts. Entries without a prompt are an error: leaving
// them out would change the mix. So is other content than the load is identified by.
func readDataset(s spec.Shape) ([]entry, error) {
	path := s.Dataset
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxDatasetSize { // opening a pipe may never return
		return nil, datasetError(path, cmp.Or(err, fmt.Errorf("it must be a file of at most %d MiB", maxDatasetSize>>20)))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, datasetError(path, err)
	}
	defer file.Close()
	sum := sha256.New()
	entries, err := readEntries(io.TeeReader(file, sum), path)
	if err == nil && len(entries) == 0 {
		err = errors.New("it holds no prompt")
	}
	if err == nil && s.DatasetHash != "" && hex.EncodeToString(sum.Sum(nil)[:16]) != s.DatasetHash {
		return nil, &spec.Error{Kind: spec.ErrUsage, Attribute: spec.LoadDataset, Summary: "the dataset " + filepath.Base(path) + " is another one than it was when the plan was made",
			Fix: "plan anew, or restore the file"}
	}
	if err != nil {
		return nil, datasetError(path, err)
	}
	return entries, nil
}

// readEntries reads a file to its end, in the format that its name says.
func readEntries(source io.Reader, path string) (entries []entry, err error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jsonl":
		entries, err = readJSONLines(source)
	case ".csv":
		entries, err = readCSV(source)
	default:
		entries, err = readShareGPT(source)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, source)
	}
	return entries, err
}

func datasetError(path string, cause error) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: spec.LoadDataset, Summary: "the dataset " + filepath.Base(path) + " can not be used", Cause: cause,
		Fix: `write one {"prompt": "...", "output_tokens": 100} per line (.jsonl), a CSV file with these columns, or a JSON file in ShareGPT's shape`}
}

// unsized is the number of the first prompt that does not say its output length, from 1;
// 0: all do.
func unsized(entries []entry) int {
	return 1 + slices.IndexFunc(entries, func(e entry) bool { return e.output == 0 })
}

// checkOutput refuses prompts without an output length where the load has none either.
func checkOutput(load spec.Load, unsized int) error {
	if unsized == 0 || load.OutputTokens > 0 {
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage, Attribute: spec.LoadDataset, Fix: "set output_tokens",
		Summary: "prompt " + strconv.Itoa(unsized) + " of the dataset does not say its output length, and the workload does not either"}
}

// datasets remembers what came of the files that were looked at: several loads take their
// prompts from one.
type datasets struct {
	mu    sync.Mutex
	known map[string]checkedDataset // by path and content
}

type checkedDataset struct {
	err     error
	unsized int // see unsized
}

// check reads the dataset of a load, each once.
func (d *datasets) check(load spec.Load) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := load.Shape.Dataset + "\x00" + load.Shape.DatasetHash
	got, known := d.known[key]
	if !known {
		entries, err := readDataset(load.Shape)
		got = checkedDataset{err, unsized(entries)}
		if d.known == nil {
			d.known = map[string]checkedDataset{}
		}
		d.known[key] = got
	}
	if got.err != nil {
		return got.err
	}
	return checkOutput(load, got.unsized)
}

var errTooManyPrompts = fmt.Errorf("it holds more than %d prompts", maxPrompts)

func readJSONLines(source io.Reader) ([]entry, error) {
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, maxPrompt)
	var entries []entry
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var line struct {
			Prompt    string `json:"prompt"`
			Text      string `json:"text"`
			Output    int    `json:"output_tokens"`
			MaxTokens int    `json:"max_tokens"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		e := entry{cmp.Or(line.Prompt, line.Text), cmp.Or(line.Output, line.MaxTokens)}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if entries = append(entries, e); len(entries) > maxPrompts {
			return nil, errTooManyPrompts
		}
	}
	return entries, lines.Err()
}

func (e *entry) check() error {
	switch {
	case strings.TrimSpace(e.prompt) == "":
		return errors.New("there is no prompt")
	case e.output < 0 || e.output > maxOutput:
		return fmt.Errorf("%d is no number of output tokens", e.output)
	}
	return nil
}

func readCSV(source io.Reader) ([]entry, error) {
	rows := csv.NewReader(source)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("its header can not be read: %w", err)
	}
	prompt, output := -1, -1
	for i, name := range header {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "prompt":
			prompt = i
		case "output_tokens":
			output = i
		}
	}
	if prompt < 0 {
		return nil, errors.New("it has no column prompt")
	}
	var entries []entry
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		e := entry{prompt: row[prompt]}
		if output >= 0 && row[output] != "" {
			if e.output, err = strconv.Atoi(strings.TrimSpace(row[output])); err != nil {
				return nil, fmt.Errorf("prompt %d: %w", len(entries)+1, err)
			}
		}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("prompt %d: %w", len(entries)+1, err)
		}
		if entries = append(entries, e); len(entries) > maxPrompts {
			return nil, errTooManyPrompts
		}
	}
}

// readShareGPT takes the first turn of each conversation. The length of the answer is
// no token count, so output lengths are the load's.
func readShareGPT(source io.Reader) ([]entry, error) {
	decoder := json.NewDecoder(source)
	if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
		return nil, errors.Join(errors.New("it is no list of conversations"), err)
	}
	var entries []entry
	for decoder.More() {
		var talk struct {
			Conversations []struct {
				From  string `json:"from"`
				Value string `json:"value"`
			} `json:"conversations"`
		}
		if err := decoder.Decode(&talk); err != nil {
			return nil, fmt.Errorf("conversation %d: %w", len(entries)+1, err)
		}
		if len(talk.Conversations) == 0 {
			continue // the published files hold some, and clients skip them
		}
		e := entry{prompt: talk.Conversations[0].Value}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("conversation %d: %w", len(entries)+1, err)
		}
		if entries = append(entries, e); len(entries) > maxPrompts {
			return nil, errTooManyPrompts
		}
	}
	if _, err := decoder.Token(); err != nil { // the list's end
		return nil, errors.New("it breaks off before the end of its list")
	}
	return entries, nil
}
