package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shape is one way of writing a suite of N cells. Predictions and measurements are
// recorded, so that every command runs on N cells without a server.
type shape struct {
	name        string
	experiments func(cells int) string
}

func shapes() []shape {
	return []shape{
		{"N cells by matrix in four experiments", byMatrix},
		{"N cells from N/4 experiment blocks that share models, workloads and locals", byBlocks},
	}
}

func (s shape) write(dir string, cells int) error {
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(common+s.experiments(cells)), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "predictions.csv"), []byte(points(cells, 1)), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "measured.csv"), []byte(points(cells, 1.02)), 0o600)
}

// columns is the number of concurrencies; input lengths make up the rest.
const columns = 50

// points writes one row per cell of either shape: four groups of input lengths, each
// at the concurrencies 1 to 50.
func points(cells int, factor float64) string {
	var b strings.Builder
	b.WriteString("isl,concurrency,ttft,tpot\n")
	for k := range 4 {
		for c := range cells / 4 {
			fmt.Fprintf(&b, "%d,%d,%.4f,%.4f\n", 1000*(k+1)+c/columns, c%columns+1,
				factor*(100+float64(c)/10), factor*(10+float64(c)/1000))
		}
	}
	return b.String()
}

const common = `
model "llama" { id = "meta-llama/Llama-3.1-8B-Instruct" }
hardware "one" {
  system = "h100_sxm"
  gpus   = 1
}
runtime "vllm" "engine" { version = "0.24.0" }
predictor "recorded" "sheet" {
  file  = "predictions.csv"
  match = { input_tokens = "isl", concurrency = "concurrency" }
  fixed = { output_tokens = 200 }
  metric "ttft" {
    column = "ttft"
    unit   = "ms"
  }
  metric "tpot" {
    column = "tpot"
    unit   = "ms"
  }
}
benchmark "recorded" "bench" {
  file  = "measured.csv"
  match = { input_tokens = "isl", concurrency = "concurrency" }
  fixed = { output_tokens = 200 }
  metric "ttft" {
    column = "ttft"
    unit   = "ms"
  }
  metric "tpot" {
    column = "tpot"
    unit   = "ms"
  }
}
workload "w" {
  output_tokens = 200
}
locals {
  accuracy = ["tpot within 10%", "ttft within 15%"]
}
`

const body = `
  workload = workload.w
  repeats {
    min = 1
    max = 1
  }
  assert "accuracy" { expect = local.accuracy }
}
`

func byMatrix(cells int) string {
	var b strings.Builder
	for k := range 4 {
		first := 1000 * (k + 1)
		fmt.Fprintf(&b, "experiment \"e%d\" {\n  matrix {\n    input_tokens = range(%d, %d)\n    concurrency = range(1, %d)\n  }\n%s",
			k, first, first+cells/4/columns, columns+1, body)
	}
	return b.String()
}

func byBlocks(cells int) string {
	var b strings.Builder
	for c := range cells / 4 {
		r := c / columns
		fmt.Fprintf(&b, "experiment \"e%d\" {\n  matrix {\n    input_tokens = [%d, %d, %d, %d]\n    concurrency = [%d]\n  }\n%s",
			c, 1000+r, 2000+r, 3000+r, 4000+r, c%columns+1, body)
	}
	return b.String()
}
