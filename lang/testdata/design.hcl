variable "models" {
  type    = string
  default = "/mnt/data/models"
}

locals {
  accuracy = ["throughput within 10%", "tpot within 10%", "ttft within 15%"]
}

model "qwen3_32b" {
  id   = "Qwen/Qwen3-32B-FP8"          # as the predictor and the model hub know it
  path = "${var.models}/Qwen3-32B-FP8" # optional local checkpoint: its config.json is read at plan time
}

hardware "h200x8" {
  system = "h200_sxm" # aiconfigurator's name; checked against the GPUs that are really there
  gpus   = 8
}

target "docker" "local" {} # where servers run: process (default), docker, endpoint, later kubernetes and slurm

runtime "sglang" "v0_5_14" { # what runs: sglang, vllm, command (any other server), sim
  version = "0.5.14"
  image   = "lmsysorg/sglang:v0.5.14"
  args    = { "schedule-policy" = "fcfs" }
}

predictor "aiconfigurator" "aic" { # aiconfigurator, recorded, exec
  database_version = "0.5.14"
}

benchmark "genaibench" "gb" {} # loadgen (default), genaibench, recorded

workload "long" {
  input_tokens  = 4000 # or traffic = "D(4000,1000)"
  output_tokens = 1000
  concurrency   = [8, 32, 128]
}

experiment "scaling" {
  model     = model.qwen3_32b
  hardware  = hardware.h200x8
  target    = target.docker.local
  runtime   = runtime.sglang.v0_5_14
  predictor = predictor.aiconfigurator.aic
  benchmark = benchmark.genaibench.gb
  workload  = workload.long

  matrix {                         # an axis named like an item of the configuration, the workload or the experiment sets it;
    tensor_parallel = [1, 2, 4, 8] # any other is read as matrix.NAME. `include` and `exclude` rows; capped at 4,096 cells
    kv_cache_quant  = ["bfloat16", "fp8"]
  }
  configuration {
    max_batch_tokens = 8192
  }
  recommended { top = 5 } # adds the rows that the predictor recommends, each at its own load

  slo {
    ttft = "1s"
    tpot = "30ms"
  } # the one place for limits: recommended, goodput, regret, capacity and feasibility read it
  repeats {
    min = 3
  }

  assert "accuracy" { expect = local.accuracy }
  assert "slo" {
    severity = "warn"
    expect   = ["ttft_p99 < 2s", "error_rate == 0"]
  }
}
