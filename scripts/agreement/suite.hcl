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
  default = "model"
}
variable "repeats" {
  type    = number
  default = 5
}
# A run of scale 1 takes about a minute.
variable "scale" {
  type    = number
  default = 1
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
# Of each concurrency every client sends the same number of requests, in whole generations:
# over a given time they would send different ones, and the places that stand empty at
# the end of a run would weigh differently.
workload "alone" {
  input_tokens  = 128
  output_tokens = 64
  concurrency   = 1
  requests      = 40 * var.scale
}
workload "few" {
  input_tokens  = 128
  output_tokens = 64
  concurrency   = 4
  requests      = 96 * var.scale
}
workload "many" {
  input_tokens  = 128
  output_tokens = 64
  concurrency   = 16
  requests      = 160 * var.scale
}
guard "busy_machine" {
  severity         = "warn"
  input_length_max = "100%"
}
experiment "agreement" {
  matrix {
    workload  = [workload.alone, workload.few, workload.many]
    benchmark = [benchmark.loadgen.lg, benchmark.genaibench.gb, benchmark.vllmbench.vb]
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
