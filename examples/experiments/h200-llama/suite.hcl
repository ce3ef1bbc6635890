# A model whose configuration the predictor does not bundle: it is asked live, with a
# config.json alone. Nothing is deployed. README.md says what comes out.

model "llama" {
  id   = "meta-llama/Llama-3.1-8B-Instruct"
  path = "../../models/Llama-3.1-8B" # a config.json, no weights
}

hardware "h200" {
  system = "h200_sxm"
  gpus   = 8
}

runtime "sglang" "v0_5_6" {
  version = "0.5.6.post2"
}

predictor "aiconfigurator" "live" {
  database_version = "current"
  assume           = { gemm_quant = "fp8_block" } # as the sample states it; the config.json is of the unquantized checkpoint
}

benchmark "recorded" "silicon" {
  file = "measurements.csv"
  match = {
    model           = "model"
    system          = "system"
    runtime         = "engine"
    runtime_version = "engine_version"
    tensor_parallel = "tp"
    concurrency     = "concurrency"
    input_tokens    = "isl"
    output_tokens   = "osl"
  }
  gpus_column = "gpus"
  derive      = ["throughput"]
  metric "ttft" {
    column = "ttft_ms"
    unit   = "ms"
  }
  metric "tpot" {
    column = "tpot_ms"
    unit   = "ms"
  }
}

experiment "llama" {
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = ["tpot within 10%", "throughput within 10%"]
  }

  assert "first_token" {
    expect = ["ttft within 15%"]
  }
}
