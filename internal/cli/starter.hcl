# A suite that runs as it is: the engine is simulated, nothing is installed.
# aicv plan shows what it would do, aicv apply does it.

model "llama" {
  id = "meta-llama/Llama-3.1-8B-Instruct" # as the predictor and the model hub know it
}

# What runs. `sim` is built into aicv. A real engine that runs elsewhere is named here as
# `vllm` or `sglang`, with a target "endpoint" that says where.
runtime "sim" "engine" {
  noise = 0.02 # of each step's time; a real engine brings its own
}

workload "chat" {
  input_tokens  = 200
  output_tokens = 50
}

experiment "baseline" {
  matrix {
    concurrency = [1, 4] # every combination of the axes is one cell
  }

  repeats {
    min = 3 # runs of each cell before the first look
    max = 5 # and at most
  }

  # Claims are sentences. With a predictor declared they can also compare with it:
  # "throughput within 10%".
  assert "service" {
    expect = ["ttft < 500ms", "tpot < 50ms", "error_rate == 0"]
  }
}
