# Two programs of one's own as predictors of a simulated engine. README.md says more.

model "llama" {
  id = "meta-llama/Llama-3.1-8B-Instruct"
}

hardware "pair" {
  system = "h100_sxm"
  gpus   = 2
}

runtime "sim" "engine" {}

predictor "exec" "roofline" {
  command = ["python3", "roofline.py"]
  metrics = ["throughput", "ttft", "tpot"]
  support = true
}

predictor "exec" "closed_form" {
  command = ["./closed-form.sh"]
  metrics = ["total_throughput", "ttft", "tpot"]
}

workload "chat" {
  input_tokens  = 256
  output_tokens = 24
  requests      = 32
  concurrency   = [2, 8]
}

experiment "python" {
  predictor = predictor.exec.roofline
  workload  = workload.chat
  matrix {
    tensor_parallel = [1, 2]
  }
  repeats {
    min = 3
    max = 3
  }
  assert "speed" {
    expect = ["tpot within 50%", "throughput within 50%"]
  }
}

experiment "shell" {
  predictor = predictor.exec.closed_form
  workload  = workload.chat
  repeats {
    min = 3
    max = 3
  }
  assert "speed" {
    expect = ["tpot within 10%", "total_throughput within 10%"]
  }
}
