package engine

import (
	"strings"
	"testing"

	"aicv/spec"
)

// TestSharedSignatures: each failure is known by the lines that engines write.
func TestSharedSignatures(t *testing.T) {
	lines := map[string]string{
		"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB": "memory ran out",
		"OSError: [Errno 98] Address already in use":                                                                 "port is taken",
		"error while attempting to bind on address ('0.0.0.0', 8000): address already in use":                        "port is taken",
		"ValueError: port 30000 is in use":                                                                           "port is taken",
		"huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url":                  "without an account",
		"nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0, please update your driver":      "driver is older",
		"RuntimeError: CUDA driver version is insufficient for CUDA runtime version":                                 "driver is older",
		"RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 803: system has unsupported display driver": "driver is older",
		`Error response from daemon: could not select device driver "" with capabilities: [[gpu]]`:                   "can not hand out GPUs",
		"RuntimeError: CUDA error: no kernel image is available for execution on the device":                         "not built for this GPU",
		"torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp, unhandled system error":            "NCCL",
		"ncclInternalError: Internal check failed.":                                                                  "NCCL",
		"[Rank 3] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=5)":                                  "NCCL",
		"RuntimeError: CUDA error: peer access is not supported between these two devices":                           "each other's memory",
		"Bus error (core dumped)": "shared memory ran out",
		"OSError: [Errno 28] No space left on device: '/dev/shm/psm_1'":                                                   "shared memory ran out",
		"OSError: [Errno 28] No space left on device":                                                                     "disk is full",
		"RuntimeError: Failed to infer device type":                                                                       "finds no GPU",
		"ImportError: libcuda.so.1: cannot open shared object file: No such file or directory":                            "finds no GPU",
		"RuntimeError: Rank 0 scheduler died during initialization (exit code: -9).":                                      "was killed",
		"ValueError: Total number of attention heads (40) must be divisible by tensor parallel size (16).":                "can not be divided",
		"ValueError: Model architectures ['FooForCausalLM'] are not supported for now.":                                   "does not know the model's architecture",
		"OSError: /models/x does not appear to have a file named config.json.":                                            "files were not found",
		"RuntimeError: Cannot find any model weights with `/models/x`":                                                    "files were not found",
		"safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered": "damaged",
		"ModuleNotFoundError: No module named 'vllm'":                                                                     "lacks a Python package",
		"vllm: error: unrecognized arguments: --no-such-flag 3":                                                           "does not know one of its flags",
		"launch_server.py: error: argument --kv-cache-dtype: invalid choice: 'fp8' (choose from 'auto')":                  "refuses the value",
	}
	for line, want := range lines {
		e, known := Diagnose("INFO starting\n"+line+"\nINFO leaving\n", Failures())
		if !known || !strings.Contains(e.Summary, want) {
			t.Errorf("%q: %v, want %q", line, e, want)
			continue
		}
		if e.Fix == "" || e.Detail != line || e.Kind == "" {
			t.Errorf("%q: fix %q, evidence %q, kind %q", line, e.Fix, e.Detail, e.Kind)
		}
	}
}

// TestWrappersLookUpward: a message that only wraps counts where nothing else is found,
// and shows what was raised first.
func TestWrappersLookUpward(t *testing.T) {
	signatures := append([]Signature{{Pattern: "core failed", Kind: spec.ErrConfiguration, Summary: "wrapped", Fix: "look", Wrapper: true}}, Failures()...)
	log := "(EngineCore pid=7) ERROR 11-23 22:12:44 [core.py:1] ValueError: bad thing 7\nRuntimeError: core failed. See above\n"
	e, known := Diagnose(log, signatures)
	if !known || e.Summary != "wrapped" || e.Detail != "ValueError: bad thing 7" {
		t.Errorf("%+v", e)
	}
	e, known = Diagnose("core failed\nCUDA out of memory\n", signatures)
	if !known || !strings.Contains(e.Summary, "memory ran out") {
		t.Errorf("the cause behind a wrapper: %+v", e)
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("Total number of attention heads (40) must be divisible by\n\x00error: argument --x: invalid choice: \xff")
	f.Fuzz(func(t *testing.T, log string) {
		if e, known := Diagnose(log, Failures()); known && (e.Summary == "" || len(e.Detail) > maxEvidence+8) {
			t.Errorf("%+v", e)
		}
	})
}
