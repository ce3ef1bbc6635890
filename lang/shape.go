package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"aicv/lang/schema"
	"aicv/spec"
)

// The forms in which lengths are written.
const (
	lengthsExample = `"normal(4000,400)", "lognormal(4000,2000)" or "uniform(3000,5000)"`
	trafficExample = `"D(4000,1000)", "N(480,240)/(300,150)" or "U(100,500)/(50,200)"`
)

// longestLength bounds lengths that can be written, in tokens.
const longestLength = 100_000_000

// setTraffic reads genai-bench's notation: D(in,out), N(mean,deviation)/(mean,deviation),
// U(min,max)/(min,max), and U(max,max) with lengths from 1 on.
func (w *workload) setTraffic(text string) *mismatch {
	m := regexp.MustCompile(`^([DNU])\((\d{1,9}),\s*(\d{1,9})\)(?:/\((\d{1,9}),\s*(\d{1,9})\))?$`).FindStringSubmatch(text)
	if m == nil {
		return &mismatch{expected: "genai-bench's notation, such as " + trafficExample, got: quoted(shorten(text))}
	}
	n := numbers(m[2:])
	paired := m[4] != ""
	input, output := spec.Spread{}, spec.Spread{}
	switch {
	case m[1] == "D" && !paired:
		w.load.InputTokens, w.load.OutputTokens = n[0], n[1]
	case m[1] == "N" && paired:
		w.load.InputTokens, w.load.OutputTokens = n[0], n[2]
		input, output = spec.Spread{Kind: spec.SpreadNormal, Deviation: n[1]}, spec.Spread{Kind: spec.SpreadNormal, Deviation: n[3]}
	case m[1] == "U":
		if !paired {
			n = []int{1, n[0], 1, n[1]}
		}
		input, output = uniform(n[0], n[1]), uniform(n[2], n[3])
		w.load.InputTokens, w.load.OutputTokens = (n[0]+n[1])/2, (n[2]+n[3])/2
	default:
		return &mismatch{expected: "genai-bench's notation, such as " + trafficExample, got: quoted(text)}
	}
	w.load.Shape.Input, w.load.Shape.Output = plainIfFixed(input), plainIfFixed(output)
	if w.load.InputTokens < 1 || w.load.OutputTokens < 1 || input.Low > input.High || output.Low > output.High {
		return &mismatch{expected: "lengths of at least 1 token, the smaller first", got: quoted(text)}
	}
	return nil
}

func uniform(low, high int) spec.Spread {
	return spec.Spread{Kind: spec.SpreadUniform, Low: low, High: high}
}

// plainIfFixed drops a spread that does not vary, so that it is the same load as a fixed one.
func plainIfFixed(s spec.Spread) spec.Spread {
	if s.Deviation == 0 && s.Low == s.High {
		return spec.Spread{}
	}
	return s
}

func numbers(texts []string) []int {
	var list []int
	for _, t := range texts {
		if n, err := strconv.Atoi(t); err == nil { // at most nine digits, or empty
			list = append(list, n)
		}
	}
	return list
}

// setLengths reads a distribution of lengths into their mean and their spread.
func setLengths(text string, mean *int, spread *spec.Spread) *mismatch {
	m := regexp.MustCompile(`^(normal|lognormal|uniform)\((\d{1,9}),\s*(\d{1,9})\)$`).FindStringSubmatch(text)
	if m == nil {
		return &mismatch{expected: "lengths such as " + lengthsExample, got: quoted(shorten(text))}
	}
	n := numbers(m[2:])
	*mean, *spread = n[0], spec.Spread{Kind: spec.SpreadKind(m[1]), Deviation: n[1]}
	if spread.Kind == spec.SpreadUniform {
		*mean, *spread = (n[0]+n[1])/2, uniform(n[0], n[1])
	}
	*spread = plainIfFixed(*spread)
	if n[0] < 1 || spread.Low > spread.High || n[0] > longestLength || n[1] > longestLength {
		return &mismatch{expected: "lengths of at least 1 token, the smaller first", got: quoted(text)}
	}
	return nil
}

// setShape gives the workload an item of its shape.
func (w *workload) setShape(name string, v spec.Value) *mismatch {
	s := &w.load.Shape
	switch name {
	case schema.ItemInputLengths:
		return setLengths(v.Text(), &w.load.InputTokens, &s.Input)
	case schema.ItemOutputLengths:
		return setLengths(v.Text(), &w.load.OutputTokens, &s.Output)
	case schema.ItemArrivals:
		s.Arrivals = spec.Arrivals(v.Text())
	case schema.ItemBurstiness:
		b, err := v.Decimal()
		if err != nil || b.Sign() <= 0 {
			return &mismatch{expected: "a number above 0 with at most 18 digits"}
		}
		s.Burstiness = b
	case schema.ItemSharedPrefix:
		share, err := v.Decimal()
		if err != nil {
			return &mismatch{expected: `a share such as "50%" with at most 18 digits`}
		}
		s.SharedPrefix = share
	case schema.ItemDataset:
		s.Dataset, s.DatasetHash = v.Text(), ""
	case schema.ItemBatch:
		s.Static = v.Text() == schema.BatchStatic
	}
	return nil
}

// maxDataset bounds a dataset, in bytes.
const maxDataset = 4 << 30

// identifyDataset makes the path of a load's dataset absolute and hashes its content.
func (l *loader) identifyDataset(s *spec.Shape) error {
	if s.Dataset == "" || s.DatasetHash != "" {
		return nil
	}
	path := s.Dataset
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.absDir, path)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jsonl", ".json", ".csv":
	default:
		return fmt.Errorf("%s is no dataset: its name ends neither in .jsonl nor in .json nor in .csv", s.Dataset)
	}
	hash, known := l.datasets[path]
	if !known {
		var err error
		if hash, err = hashDataset(path); err != nil {
			return fmt.Errorf("the dataset can not be read: %w", err)
		}
		l.datasets[path] = hash
		l.inputs["dataset "+s.Dataset] = hash
	}
	s.Dataset, s.DatasetHash = path, hash
	return nil
}

func hashDataset(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular(): // opening a pipe may never return
		return "", fmt.Errorf("%s is no file", path)
	case info.Size() > maxDataset:
		return "", fmt.Errorf("%s is larger than %d GiB", path, maxDataset>>30)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// loadFault names what in a load contradicts itself.
func loadFault(l *spec.Load) *cellFault {
	s := &l.Shape
	open := l.RequestRate.Sign() != 0
	switch {
	case s.Arrivals != "" && !open:
		return &cellFault{"Arrivals without a rate", "arrivals says how the requests of a request_rate follow each other, and the load has a concurrency", "Remove arrivals, or set request_rate."}
	case s.Burstiness.Sign() != 0 && s.Arrivals != spec.ArrivalsGamma:
		return &cellFault{"Burstiness without gamma arrivals", "burstiness is the shape of gamma arrivals", `Set arrivals = "gamma", or remove burstiness.`}
	case s.Static && open:
		return &cellFault{"A static batch at a rate", "A static batch is a number of requests that start together", "Set concurrency in place of request_rate."}
	case s.Dataset != "" && (s.Input.Kind != "" || s.SharedPrefix.Sign() != 0):
		return &cellFault{"A dataset with generated prompts", "The dataset gives the prompts, so neither their lengths nor what they share can be chosen", "Remove input_lengths and shared_prefix, or dataset."}
	}
	return nil
}
