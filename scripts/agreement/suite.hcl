# Three clients measure one real vLLM on this machine's processors, interleaved, over the
# same window. scripts/agreement judges whether they agree.
variable "venv" {
  type    = string
  default = ".tools/vllm"
}
variable "genai_bench" {
  type    = string
  default = ".tools/genai-bench"
}
variable "model" {
  type    = string
  default = ".tools/models/tiny"
}
variable "repeats" {
  type    = number
  default = 5
}
variable "requests" {
  type    = number
  default = 200
}
variable "window" {
  type    = string
  default = "100s"
}
target "process" "here" { share_host = true }
model "tiny" {
  id   = "tiny"
  path = var.model
}
runtime "vllm" "cpu" {
  version     = "0.32.0"
  venv        = var.venv
  device      = "cpu"
  load_format = "dummy"
  args        = { "enforce-eager" = true }
  # One processor is the engine's, so that the clients do not wait for its threads and it not for theirs.
  env = { VLLM_CPU_KVCACHE_SPACE = "1", VLLM_CPU_OMP_THREADS_BIND = "0", HF_HUB_OFFLINE = "1" }
}
benchmark "loadgen" "lg" { window = "whole_run" }
benchmark "genaibench" "gb" {
  venv      = var.genai_bench
  tokenizer = var.model
}
benchmark "vllmbench" "vb" {
  venv      = var.venv
  tokenizer = var.model
}
workload "fixed" {
  input_tokens  = 128
  output_tokens = 64
  requests      = var.requests
  duration      = var.window
}
guard "busy_machine" {
  severity         = "warn"
  input_length_max = "100%"
}
experiment "agreement" {
  matrix {
    concurrency = [1, 4, 16]
    benchmark   = [benchmark.loadgen.lg, benchmark.genaibench.gb, benchmark.vllmbench.vb]
  }
  configuration {
    max_batch_size      = 32
    max_batch_tokens    = 2048
    max_sequence_length = 1024
  }
  repeats {
    min = var.repeats
    max = var.repeats
  }
  assert "answers" { expect = ["error_rate == 0"] }
}
