# Is the predictor right? Two server configurations of a simulated engine, each at
# two loads, against recorded predictions. README.md says what comes out and why.

suite {
  seed = 7
}

model "llama" {
  id = "meta-llama/Llama-3.1-8B-Instruct"
}

hardware "pair" {
  system = "h100_sxm"
  gpus   = 2
}

runtime "sim" "engine" {
  noise = 0.01 # of each step's time
}

predictor "recorded" "sheet" {
  file = "predictions.csv"
  match = {
    model           = "model"
    tensor_parallel = "tp"
    concurrency     = "concurrency"
    input_tokens    = "isl"
    output_tokens   = "osl"
  }
  fixed = { system = "h100_sxm", runtime = "sim" } # what the sheet's figures are of
  metric "throughput" {
    column = "tokens_s_gpu"
    unit   = "tokens/s/GPU"
  }
  metric "tpot" {
    column = "tpot_ms"
    unit   = "ms"
  }
  metric "ttft" {
    column = "ttft_ms"
    unit   = "ms"
  }
}

workload "chat" {
  input_tokens  = 256
  output_tokens = 24
}

experiment "scaling" {
  matrix {
    tensor_parallel = [1, 2]
    concurrency     = [2, 8]
  }

  repeats {
    min = 3
    max = 3
  }

  assert "speed" {
    expect = ["tpot within 10%", "throughput within 10%"]
  }

  assert "first_token" {
    expect = ["ttft within 15%"] # the sheet knows nothing of queueing: this fails by design
  }

  assert "service" {
    severity = "warn"
    expect   = ["error_rate == 0", "ttft_p90 < 1s"]
  }
}
