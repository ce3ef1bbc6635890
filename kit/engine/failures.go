package engine

import "aicv/spec"

const (
	configuration  = spec.ErrConfiguration
	infrastructure = spec.ErrInfrastructure
)

// Failures are the signatures that all engines in Python share: of PyTorch, CUDA, NCCL,
// the model hub, the container runtime and the command line.
func Failures() []Signature {
	var all []Signature
	for _, part := range [][]Signature{devices(), hosts(), checkpointFailures(), commandLines()} {
		all = append(all, part...)
	}
	return all
}

func devices() []Signature {
	return []Signature{
		{Pattern: `torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|HIP out of memory`, Kind: configuration,
			Summary: "the GPU's memory ran out",
			Fix:     "raise tensor_parallel, or lower memory_fraction, max_batch_tokens, max_batch_size or max_sequence_length"},
		{Pattern: `CUDA driver version is insufficient|unsatisfied condition: cuda>=|[Ee]rror 80[34]\b|forward compatibility was attempted|NVIDIA driver on your system is too old`, Kind: infrastructure,
			Summary: "the GPU's driver is older than what the engine was built for",
			Fix:     "use an image for an older CUDA (a tag with -cu129), or install a newer driver"},
		{Pattern: `could not select device driver`, Kind: infrastructure,
			Summary: "Docker can not hand out GPUs",
			Fix:     "install the NVIDIA container toolkit on the target's host and restart Docker"},
		{Pattern: `no kernel image is available for execution on the device`, Kind: infrastructure,
			Summary: "the engine was not built for this GPU",
			Fix:     "use an image that is built for the GPU's architecture"},
		{Pattern: `Failed to infer device type|libcuda\.so\.1: cannot open shared object file|No CUDA GPUs are available|Found no NVIDIA driver`, Kind: infrastructure,
			Summary: "the engine finds no GPU",
			Fix:     "check nvidia-smi on the target's host and, for containers, its container toolkit; without GPUs use an engine built for CPUs and device = \"cpu\""},
		{Pattern: `ncclInternalError|ncclUnhandledCudaError|ncclSystemError|unhandled system error|NCCL error|Watchdog caught collective operation timeout`, Kind: infrastructure,
			Summary: "the GPUs could not talk to each other (NCCL)",
			Fix:     "give containers more shm_size, check the links with nvidia-smi topo -m; env = { NCCL_DEBUG = \"INFO\" } names the rank that failed first"},
		{Pattern: `peer access is not supported`, Kind: infrastructure,
			Summary: "the GPUs can not read each other's memory over PCIe",
			Fix:     "SGLang: args = { \"enable-p2p-check\" = true }; vLLM: args = { \"disable-custom-all-reduce\" = true }"},
		{Pattern: `Bus error|No space left on device.*/dev/shm|/dev/shm.*No space left on device`, Kind: infrastructure,
			Summary: "shared memory ran out", Fix: "raise shm_size"},
		{Pattern: `uncorrectable ECC error|Xid .*(?:48|63|64|79|94|95)\b`, Kind: infrastructure,
			Summary: "a GPU reports a hardware error", Fix: "take that GPU out of service: nvidia-smi -q -d ECC, dmesg"},
	}
}

func hosts() []Signature {
	return []Signature{
		{Pattern: `\[Errno 98\]|[Aa]ddress already in use|\bport \d+ is (?:already |not |currently )?in use|port at \d+ is not available`, Kind: infrastructure,
			Summary: "the server's port is taken", Fix: "another process took it; the next attempt gets another one"},
		{Pattern: `exit code: -9\b|exit_?code[ :=]+-9\b|died with <Signals\.SIGKILL|Killed process \d+`, Kind: infrastructure,
			Summary: "one of the engine's processes was killed, most likely because the host's memory ran out",
			Fix:     "free memory on the host, or load fewer weights per process; dmesg tells"},
		{Pattern: `exit code: -4\b|SIGILL|Illegal instruction`, Kind: infrastructure,
			Summary: "the engine was built for a newer CPU", Fix: "use a build for this CPU"},
		{Pattern: `No space left on device`, Kind: infrastructure, Summary: "a disk is full", Fix: "free space on the target's host: df -h"},
		{Pattern: `ModuleNotFoundError: No module named '([\w.]+)'|No module named (?:vllm|sglang)\b`, Kind: infrastructure,
			Summary: "the interpreter lacks a Python package", Fix: "install it where command, python or venv of the runtime point to"},
	}
}

func checkpointFailures() []Signature {
	return []Signature{
		{Pattern: `GatedRepoError|401 Client Error|Cannot access gated repo`, Kind: infrastructure,
			Summary: "the model hub does not give the model out without an account",
			Fix:     "accept its licence on the hub, and set env = { HF_TOKEN = env(\"HF_TOKEN\") } in the runtime"},
		{Pattern: `SafetensorError|Error while deserializing header|incomplete metadata, file not fully covered|PytorchStreamReader failed`, Kind: infrastructure,
			Summary: "a file of the checkpoint is damaged or was not downloaded completely", Fix: "download the checkpoint again"},
		{Pattern: `Cannot find any model weights|does not appear to have a file named|is not a local folder and is not a valid model identifier|RepositoryNotFoundError|LocalEntryNotFoundError|Can't load the configuration of|No such file or directory: '[^']*(?:safetensors|config\.json)|HFValidationError|Invalid repository ID or local directory`, Kind: infrastructure,
			Summary: "the model's files were not found", Fix: "check the model's id and path as the target's host sees them"},
		{Pattern: `(?:heads|head_num|hidden|intermediate|vocab|output_size|input_size|tp_size|size).{0,160}(?:must be|is not|should be) (?:evenly )?divisible by`, Kind: configuration,
			Summary: "the model's sizes can not be divided over the GPUs like that", Fix: "choose another tensor_parallel or moe_tensor_parallel"},
		{Pattern: `Model architectures? .* (?:are|is) not supported|Transformers does not recognize this architecture|Unsupported architectures`, Kind: infrastructure,
			Summary: "the engine does not know the model's architecture", Fix: "use a newer version of the engine, or \"trust-remote-code\" = true in args where the model brings its own code"},
		{Pattern: `contains custom code which must be executed|[Pp]lease pass the argument .?trust_remote_code`, Kind: infrastructure,
			Summary: "the model brings code of its own, which the engine runs only if told to", Fix: `args = { "trust-remote-code" = true }, if you trust its source`},
		{Pattern: `is greater than the derived max_model_len|longer than the model's (?:context|derived)`, Kind: configuration,
			Summary: "max_sequence_length is beyond what the model was made for", Fix: "lower max_sequence_length"},
	}
}

func commandLines() []Signature {
	return []Signature{
		{Pattern: `error: unrecognized arguments: (.+)`, Kind: configuration,
			Summary: "the engine does not know one of its flags", Fix: "correct args, or version: aicv gives the flags of the declared version; unknown are: $1"},
		{Pattern: `error: (argument .+: (?:invalid choice|invalid \w+ value|expected).+)`, Kind: configuration,
			Summary: "the engine refuses the value of a flag", Fix: "correct the item or args: $1"},
	}
}
