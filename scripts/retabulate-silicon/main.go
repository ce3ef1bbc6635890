// Command retabulate-silicon makes the two tables of examples/experiments/h200-recorded
// from a sample of aiconfigurator's published silicon measurements and the tool's own
// predictions for the same rows. SOURCE.md of the example says what it keeps.
//
//	go run ./scripts/retabulate-silicon -from FOLDER -to examples/experiments/h200-recorded
//	go run ./scripts/retabulate-silicon -from FOLDER -to examples/experiments/h200-llama -llama
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// The files that are read and written.
const (
	measuredIn   = "silicon_sample_vllm_sglang_agg.csv"
	predictedIn  = "aic_0_12_0_predictions.csv"
	measuredOut  = "measurements.csv"
	predictedOut = "predictions.csv"
)

func main() {
	from := flag.String("from", "", "folder with "+measuredIn+" and "+predictedIn)
	to := flag.String("to", "", "folder to write "+measuredOut+" and "+predictedOut+" into")
	llama := flag.Bool("llama", false, "the measurements of examples/experiments/h200-llama instead")
	flag.Parse()
	if *from == "" || *to == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(1)
	}
	if err := retabulate(*from, *to, *llama); err != nil {
		fmt.Fprintln(os.Stderr, "retabulate-silicon:", err)
		os.Exit(1)
	}
}

func retabulate(from, to string, llama bool) error {
	measured, err := readRows(filepath.Join(from, measuredIn))
	if err != nil {
		return err
	}
	predicted, err := readRows(filepath.Join(from, predictedIn))
	if err != nil {
		return err
	}
	kept := sources()
	if llama {
		kept = llamaSources()
	}
	tables, err := tabulate(kept, measured, predicted)
	if err != nil {
		return err
	}
	if err := writeRows(filepath.Join(to, measuredOut), measuredColumns(), tables.measured); err != nil {
		return err
	}
	if llama {
		return nil
	}
	return writeRows(filepath.Join(to, predictedOut), predictedColumns(), tables.predicted)
}
