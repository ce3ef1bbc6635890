package aiconf

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/tree"
)

// leading and trailing are the columns of a row around those of its worker.
func leading() []string { return []string{"model", "isl", "osl", "prefix", "concurrency"} }
func trailing() []string {
	return []string{"num_total_gpus", "replicas_needed", "backend", "version", "system"}
}

// ExportResults writes one row for each cell, as a search lists them: of one worker, with
// the number of replicas beside it. Figures are the predictor's, and are not written.
func ExportResults(e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) {
	w := &writing{e: e, doc: tree.NewMap(), report: &translate.Report{Format: Results, Source: x.Suite}}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write(w.header()) // a buffer takes all
	rows := 0
	for _, c := range e.Configurations() {
		row, err := w.row(c)
		if err != nil {
			w.say("cell", "", c.Get(schema.ItemConcurrency).String(), spec.FidelityUnsupported, err.Error())
			continue
		}
		rows++
		_ = out.Write(row)
	}
	out.Flush()
	if rows == 0 {
		return nil, nil, usage("no cell can be written as a row of a search", "give the cells one pair of lengths and a concurrency that their replicas divide")
	}
	w.rest("a row has no column for it")
	w.say("predictor", "ttft, tpot, tokens/s ...", "", spec.FidelityUnsupported, "the figures of a row are the predictor's: aicv plan shows them")
	return b.Bytes(), w.report, nil
}

func (w *writing) header() []string {
	columns := leading()
	for _, f := range workerFields() {
		columns = append(columns, f.column)
		w.column(f.item, f.column, f.fidelity, f.why)
	}
	w.column(schema.ItemTraffic, "isl, osl", spec.FidelityExact, "")
	w.column(schema.ItemConcurrency, "concurrency", spec.FidelityExact, "of one worker: divided by the replicas")
	w.column(spec.ItemReplicas, "replicas_needed", spec.FidelityExact, "")
	w.column(spec.ItemPrefixCache, "prefix", spec.FidelityExact, "0 cached tokens")
	return append(columns, trailing()...)
}

// column reports an item that has a column.
func (w *writing) column(item, column string, f spec.Fidelity, why string) {
	if a := w.e.Axis(item); a != nil {
		w.say(item, column, listOf(a.Values).String(), f, why)
	}
}

// row writes one cell.
func (w *writing) row(c spec.Configuration) ([]string, error) {
	isl, osl, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(c.Get(schema.ItemTraffic).Text(), "D("), ")"), ",")
	concurrency, known := c.Get(schema.ItemConcurrency).Int()
	replicas := c.Size(spec.ItemReplicas)
	switch {
	case !ok || !known:
		return nil, fmt.Errorf("a row has fixed lengths and a concurrency")
	case concurrency%replicas != 0:
		return nil, fmt.Errorf("%d requests are not shared evenly by %d replicas", concurrency, replicas)
	case c.Get(spec.ItemPrefixCache).Bool():
		return nil, fmt.Errorf("a row says how many tokens are cached, which depends on the prompts")
	}
	worker := &worker{items: c}
	row := []string{cmp.Or(w.e.Model.Path, w.e.Model.ID), isl, strings.TrimSpace(osl), "0", strconv.Itoa(concurrency / replicas)}
	for _, f := range workerFields() {
		row = append(row, cell(c, f, concurrency/replicas/worker.ranks(), worker.ranks()))
	}
	r := w.e.Runtimes[0]
	return append(row, strconv.Itoa(worker.gpus()), strconv.Itoa(replicas), r.Kind, r.Version, w.e.Hardware.System), nil
}

// cell is one column of a worker. A batch that is not limited is what the load gives.
func cell(c spec.Configuration, f workerField, batch, ranks int) string {
	n, limited := c.Get(f.item).Int()
	switch {
	case f.item == spec.ItemMaxBatchSize && limited:
		return strconv.Itoa(max(n/ranks, 1))
	case f.item == spec.ItemMaxBatchSize:
		return strconv.Itoa(max(batch, 1))
	case f.kind == size:
		return strconv.Itoa(c.Size(f.item))
	}
	return c.Get(f.item).Text()
}
