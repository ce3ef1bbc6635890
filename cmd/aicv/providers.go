package main

import (
	"aicv/providers/aiconfigurator"
	"aicv/providers/command"
	"aicv/providers/docker"
	"aicv/providers/endpoint"
	"aicv/providers/exec"
	"aicv/providers/genaibench"
	"aicv/providers/loadgen"
	"aicv/providers/process"
	"aicv/providers/recorded"
	"aicv/providers/sglang"
	"aicv/providers/sim"
	"aicv/providers/vllm"
	"aicv/providers/vllmbench"
	"aicv/spec"
)

// registrations lists every provider. A new one is one package and one line here.
func registrations() []spec.Registration {
	return []spec.Registration{
		process.Registration(),
		docker.Registration(),
		endpoint.Registration(),
		sglang.Registration(),
		vllm.Registration(),
		command.Registration(),
		sim.Registration(),
		aiconfigurator.Registration(),
		recorded.Predictor(),
		exec.Registration(),
		genaibench.Registration(),
		vllmbench.Registration(),
		loadgen.Registration(),
		recorded.Benchmark(),
	}
}
