package lang

import (
	"fmt"
	"strings"
	"testing"
)

const benchHead = `
model "m0" { id = "org/model-0" }
model "m1" { id = "org/model-1" }
hardware "h" {
  system = "h200_sxm"
  gpus   = 8
}
runtime "sim" "r" { version = "1" }
predictor "aiconfigurator" "aic" {}
locals {
  sizes    = [1, 2, 4, 8]
  accuracy = ["throughput within 10%", "tpot within 10%", "ttft within 15%"]
}
workload "w" {
  input_tokens  = 4000
  output_tokens = 1000
}
`

// matrixSuite has n cells in four experiments.
func matrixSuite(n int) string {
	var b strings.Builder
	b.WriteString(benchHead)
	perAxis := n / 4 / 4 // cells per experiment over four sizes
	levels := make([]string, perAxis)
	for i := range levels {
		levels[i] = fmt.Sprint(i + 1)
	}
	for i := range 4 {
		fmt.Fprintf(&b, `
experiment "e%d" {
  model = model.m%d
  matrix {
    tensor_parallel = local.sizes
    concurrency     = [%s]
  }
  configuration { max_batch_tokens = 8192 }
  assert "accuracy" { expect = local.accuracy }
}
`, i, i%2, strings.Join(levels, ", "))
	}
	return b.String()
}

// blockSuite has n cells in n/4 experiments that share everything.
func blockSuite(n int) string {
	var b strings.Builder
	b.WriteString(benchHead)
	for i := range n / 4 {
		fmt.Fprintf(&b, `
experiment "e%d" {
  model     = model.m%d
  workload  = workload.w
  hardware  = hardware.h
  predictor = predictor.aiconfigurator.aic
  matrix {
    tensor_parallel = local.sizes
  }
  configuration {
    max_batch_tokens = %d
  }
  assert "accuracy" { expect = local.accuracy }
}
`, i, i%2, 1024+i)
	}
	return strings.Replace(b.String(), "output_tokens = 1000", "output_tokens = 1000\n  concurrency   = 8", 1)
}

func benchmarkLoad(b *testing.B, text string, cells int) {
	dir := write(b, map[string]string{"suite.hcl": text})
	options := Options{Dir: dir, Registrations: testRegistrations()}
	b.ReportAllocs()
	for b.Loop() {
		loaded, diags := Load(options)
		if len(diags) > 0 {
			b.Fatal(diags[0])
		}
		got := 0
		for _, x := range loaded.Suite.Experiments {
			got += len(x.Cells)
		}
		if got != cells {
			b.Fatalf("%d cells, want %d", got, cells)
		}
	}
}

// BenchmarkLoadMatrix loads cells by matrix in four experiments.
func BenchmarkLoadMatrix(b *testing.B) {
	for _, n := range []int{1000 - 1000%16, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkLoad(b, matrixSuite(n), n) })
	}
}

// BenchmarkLoadBlocks loads cells of many experiment blocks that share their parts.
func BenchmarkLoadBlocks(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkLoad(b, blockSuite(n), n) })
	}
}
