// Command retabulate-models makes the table of catalog/models: the figures of every
// configuration that aiconfigurator-core bundles, read by catalog/models itself, and of
// the configurations that more.json holds for models which are not bundled. It copies no
// file; each row names its source.
//
//	go run ./scripts/retabulate-models -from FOLDER -release "aiconfigurator-core 0.12.0" -to catalog/models/table.jsonl
//
// FOLDER is the package's model_configs. Without it the rows that come from the package
// are taken over from the present table.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aicv/catalog/models"
)

// The names of the package's files.
const (
	configSuffix = "_config.json"
	quantSuffix  = "_hf_quant_config.json"
)

func main() {
	from := flag.String("from", "", "folder model_configs of aiconfigurator-core")
	release := flag.String("release", "", "name and version of the package that the folder belongs to")
	more := flag.String("more", "scripts/retabulate-models/more.json", "configurations that the package does not bundle")
	to := flag.String("to", "catalog/models/table.jsonl", "table to write")
	flag.Parse()
	if flag.NArg() > 0 || (*from == "") != (*release == "") {
		flag.Usage()
		os.Exit(1)
	}
	if err := retabulate(*from, *release, *more, *to); err != nil {
		fmt.Fprintln(os.Stderr, "retabulate-models:", err)
		os.Exit(1)
	}
}

func retabulate(from, release, more, to string) error {
	typed, err := readMore(more)
	if err != nil {
		return err
	}
	var bundled []models.Row
	if from == "" {
		bundled = others(models.Rows(), typed)
	} else if bundled, err = readFolder(from, release); err != nil {
		return err
	}
	rows := append(others(typed, bundled), bundled...)
	slices.SortFunc(rows, func(a, b models.Row) int { return strings.Compare(a.ID, b.ID) })
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		if err := encoder.Encode(row); err != nil {
			return fmt.Errorf("write row %s: %w", row.ID, err)
		}
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// others are the rows whose id is not among those that go before.
func others(rows, before []models.Row) []models.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r models.Row) bool {
		return slices.ContainsFunc(before, func(b models.Row) bool { return b.ID == r.ID })
	})
}

// readFolder reads the package's files: "ORGANIZATION--MODEL_config.json" and, beside some,
// "ORGANIZATION--MODEL_hf_quant_config.json".
func readFolder(dir, release string) ([]models.Row, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+configSuffix))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var rows []models.Row
	for _, file := range files {
		if strings.HasSuffix(file, quantSuffix) {
			continue
		}
		base := strings.TrimSuffix(file, configSuffix)
		row, err := readBundled(base)
		if err != nil {
			return nil, err
		}
		row.Source = release + ", model_configs/" + filepath.Base(file)
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s holds no *%s", dir, configSuffix)
	}
	return rows, nil
}

func readBundled(base string) (models.Row, error) {
	config, err := os.ReadFile(base + configSuffix)
	if err != nil {
		return models.Row{}, fmt.Errorf("read a configuration: %w", err)
	}
	quant, err := os.ReadFile(base + quantSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return models.Row{}, fmt.Errorf("read a quantization: %w", err)
	}
	a, err := models.Parse(base+configSuffix, config, quant)
	return models.Row{ID: strings.Replace(filepath.Base(base), "--", "/", 1), Architecture: a}, err
}

// readMore reads configurations that were written down by hand.
func readMore(file string) ([]models.Row, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read more configurations: %w", err)
	}
	var entries []struct {
		ID, Source string
		Config     json.RawMessage
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	rows := make([]models.Row, len(entries))
	for i, e := range entries {
		a, err := models.Parse(e.ID, e.Config, nil)
		if err != nil {
			return nil, err
		}
		rows[i] = models.Row{ID: e.ID, Source: e.Source, Architecture: a}
	}
	return rows, nil
}
