# Measurements that others published, against aiconfigurator's predictions for them.
# Nothing is deployed. README.md says what comes out, SOURCE.md where the figures are from.

hardware "h100" {
  system = "h100_sxm"
  gpus   = 8
}

hardware "h200" {
  system = "h200_sxm"
  gpus   = 8
}

runtime "vllm" "v0_12_0" {
  version = "0.12.0"
}

runtime "vllm" "v0_18_0" {
  version = "0.18.0"
}

runtime "sglang" "v0_5_6" {
  version = "0.5.6.post2"
}

runtime "sglang" "v0_5_9" {
  version = "0.5.9"
}

variable "predictor" {
  type        = string
  default     = "recorded"
  description = "recorded: aiconfigurator's answers in predictions.csv; live: ask aiconfigurator itself"
}

locals {
  predictor = {
    recorded = predictor.recorded.aic
    live     = predictor.aiconfigurator.live
  }
  predictor_fp8 = merge(local.predictor, { live = predictor.aiconfigurator.live_fp8 })

  point = {
    model               = "model"
    system              = "system"
    runtime             = "engine"
    runtime_version     = "engine_version"
    tensor_parallel     = "tp"
    moe_tensor_parallel = "moe_tp"
    moe_expert_parallel = "moe_ep"
    concurrency         = "concurrency"
    input_tokens        = "isl"
    output_tokens       = "osl"
  }

  speed       = ["tpot within 10%", "throughput within 10%"]
  first_token = ["ttft within 15%"]
  half        = [for c in concat(local.speed, local.first_token) : "${c} for 50% of cells"]
}

predictor "recorded" "aic" {
  file            = "predictions.csv"
  tool            = "aiconfigurator"
  version         = "0.12.0"
  database_column = "tables"
  reason_column   = "no_answer"
  match           = local.point
  modelled = {
    gemm_quant     = "gemm"
    moe_quant      = "moe"
    kv_cache_quant = "kv_cache"
  }
  derive = ["throughput"]
  metric "ttft" {
    column = "ttft_ms"
    unit   = "ms"
  }
  metric "tpot" {
    column = "tpot_ms"
    unit   = "ms"
  }
}

predictor "aiconfigurator" "live" {
  database_version = "current" # the tables behind predictions.csv
}

predictor "aiconfigurator" "live_fp8" {
  database_version = "current"
  assume           = { gemm_quant = "fp8", moe_quant = "fp8_block" } # so the sample states it, and the checkpoints do not
}

benchmark "recorded" "silicon" {
  file        = "measurements.csv"
  match       = local.point
  gpus_column = "gpus" # layouts that contradict it are set aside
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

model "qwen3_32b" {
  id = "Qwen/Qwen3-32B"
}

experiment "qwen3_32b" {
  model       = model.qwen3_32b
  hardware    = hardware.h100
  runtime     = runtime.vllm.v0_12_0
  predictor   = local.predictor[var.predictor]
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = local.speed
  }

  assert "first_token" {
    expect = local.first_token
  }

  assert "half" {
    severity = "info"
    expect   = local.half
  }
}

model "gpt_oss_120b" {
  id = "openai/gpt-oss-120b"
}

experiment "gpt_oss_120b" {
  model       = model.gpt_oss_120b
  hardware    = hardware.h200
  runtime     = runtime.vllm.v0_18_0
  predictor   = local.predictor[var.predictor]
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = local.speed
  }

  assert "first_token" {
    expect = local.first_token
  }

  assert "half" {
    severity = "info"
    expect   = local.half
  }
}

model "qwen3_235b" {
  id = "Qwen/Qwen3-235B-A22B-FP8"
}

experiment "qwen3_235b" {
  model       = model.qwen3_235b
  hardware    = hardware.h200
  runtime     = runtime.sglang.v0_5_6
  predictor   = local.predictor[var.predictor]
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = local.speed
  }

  assert "first_token" {
    expect = local.first_token
  }

  assert "half" {
    severity = "info"
    expect   = local.half
  }
}

model "deepseek_r1" {
  id = "deepseek-ai/DeepSeek-R1"
}

experiment "deepseek_r1" {
  model       = model.deepseek_r1
  hardware    = hardware.h200
  runtime     = runtime.sglang.v0_5_9
  predictor   = local.predictor_fp8[var.predictor]
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = local.speed
  }

  assert "first_token" {
    expect = local.first_token
  }

  assert "half" {
    severity = "info"
    expect   = local.half
  }
}

model "qwen3_5_397b" {
  id = "Qwen/Qwen3.5-397B-A17B"
}

experiment "qwen3_5_397b" {
  model       = model.qwen3_5_397b
  hardware    = hardware.h200
  runtime     = runtime.sglang.v0_5_9
  predictor   = local.predictor_fp8[var.predictor]
  points_from = benchmark.recorded.silicon

  repeats {
    min = 1
    max = 1
  }

  assert "speed" {
    expect = local.speed
  }

  assert "first_token" {
    expect = local.first_token
  }

  assert "half" {
    severity = "info"
    expect   = local.half
  }
}
