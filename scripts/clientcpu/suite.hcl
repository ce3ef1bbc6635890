# One client loads a simulated engine that runs already. scripts/clientcpu applies it with
# each client at two lengths.
variable "url" { type = string }
variable "client" { type = string }
variable "concurrency" { type = number }
variable "requests" { type = number }
variable "genai_bench" {
  type    = string
  default = ".tools/genai-bench"
}
variable "vllm" {
  type    = string
  default = ".tools/vllm"
}
variable "tokenizer" {
  type    = string
  default = ".tools/models/tiny"
}
locals {
  clients = {
    loadgen    = benchmark.loadgen.lg
    genaibench = benchmark.genaibench.gb
    vllmbench  = benchmark.vllmbench.vb
  }
}
model "m" { id = "m" }
target "endpoint" "sim" {
  url  = var.url
  gpus = 1
}
runtime "sim" "engine" {}
benchmark "loadgen" "lg" {}
benchmark "genaibench" "gb" {
  venv      = var.genai_bench
  tokenizer = var.tokenizer
}
benchmark "vllmbench" "vb" {
  venv      = var.vllm
  tokenizer = var.tokenizer
}
workload "fixed" {
  input_tokens  = 64
  output_tokens = 64
  requests      = var.requests
  duration      = "1s"
}
guard "other_tokenizer" {
  severity         = "warn"
  input_length_max = "100%"
}
experiment "cpu" {
  benchmark = local.clients[var.client]
  matrix { concurrency = [var.concurrency] }
  repeats {
    min = 1
    max = 1
  }
  assert "answers" { expect = ["error_rate == 0"] }
}
