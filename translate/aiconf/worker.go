package aiconf

import (
	"fmt"
	"slices"
	"strconv"

	"aicv/catalog/models"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
)

// worker is how one kind of worker is set up: its items, sorted by name.
type worker struct {
	items spec.Configuration
	cp    int // context parallel size; 0 or 1: none
}

// gpus is the number of GPUs of one worker by aicv's own count.
func (w *worker) gpus() int {
	return w.items.With(spec.ItemReplicas, spec.IntValue(1)).GPUs() * max(w.cp, 1)
}

// ranks is by how much a worker's concurrency is above one rank's batch.
func (w *worker) ranks() int {
	return w.items.Size(spec.ItemPipelineParallel) * w.items.Size(spec.ItemAttentionDataParallel)
}

// readWorker builds a worker from what lookup finds for each field; empty texts are
// fields that are not there. The error names the field.
func readWorker(moe bool, lookup func(workerField) string) (*worker, error) {
	w := &worker{}
	for _, f := range workerFields() {
		text := lookup(f)
		if text == "" || f.experts && !moe {
			continue
		}
		if f.kind == word {
			w.items = w.items.With(f.item, spec.StringValue(text))
			continue
		}
		n, err := whole(text)
		if err != nil {
			return nil, err
		}
		switch {
		case f.item == "":
			w.cp = n
		case f.item == spec.ItemMaxBatchSize:
			w.items = w.items.With(f.item, spec.IntValue(n*w.ranks()))
		case f.kind != size || n != 1 || f.item == spec.ItemTensorParallel:
			w.items = w.items.With(f.item, spec.IntValue(n))
		}
	}
	return w, nil
}

// whole reads a whole number from 1, which tables may write as 4000.0.
func whole(text string) (int, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int(f)) || f < 1 || f > 1e9 {
		return 0, fmt.Errorf("expected a whole number from 1, got %q", text)
	}
	return int(f), nil
}

// isMoE decides what the columns of experts mean: as the model is known, else by whether
// experts are spread at all.
func isMoE(a *models.Architecture, spread bool) bool {
	if a != nil {
		return a.IsMoE()
	}
	return spread
}

// engineOf is aicv's runtime for a backend; false for those that it has none for.
func engineOf(backend string) (string, bool) {
	return backend, slices.Contains(flags.Engines(), backend)
}

const noTRTLLM = "aicv has no runtime for this backend: sglang and vllm"

// standIn is an aggregated deployment on the same GPUs as prefill and decode workers:
// what aicv can deploy and measure in place of them, as a baseline.
func standIn(w *worker, gpus int) spec.Configuration {
	return w.items.With(spec.ItemReplicas, spec.IntValue(max(gpus/max(w.gpus(), 1), 1)))
}

const standInWhy = "stands in: aggregated servers with the same parallel sizes and quantization on as many GPUs; the prediction is of separate pools, so none of its figures is compared"

// rowOf sorts an include row by name, as all cells' axes are.
func rowOf(c spec.Configuration) []spec.Setting { return slices.Clone([]spec.Setting(c)) }

// addRow appends a row that is not there yet.
func addRow(e *translate.Experiment, row []spec.Setting) bool {
	if slices.ContainsFunc(e.Rows, func(known []spec.Setting) bool {
		return slices.EqualFunc(known, row, func(a, b spec.Setting) bool { return a.Name == b.Name && a.Value.Equal(b.Value) })
	}) {
		return false
	}
	e.Rows = append(e.Rows, row)
	return true
}
