#!/usr/bin/env python3
"""Asks AISimulate's command line, `aisimulate predict`, once for each point.

It was written and tested on AISimulate's documentation of its experimental schema only,
not on the tool. Names of models, systems and backends are passed on as they are.
"""
import json
import os
import subprocess
import sys
import tempfile

PARALLELISM = {"replicas": "replicas", "tensor": "tensor_parallel", "pipeline": "pipeline_parallel",
               "attention_data": "attention_data_parallel", "moe_tensor": "moe_tensor_parallel", "moe_expert": "moe_expert_parallel"}
SCHEDULER = {"max_batched_tokens": "max_batch_tokens", "max_sequences": "max_batch_size"}
ENDS = {1: "nothing was predicted", 2: "it does not accept the configuration", 3: "it refuses, for want of resources", 124: "it ran out of time"}


def configuration(point, items):
    """The prediction's configuration, and the items that it has no place for."""
    load = point["load"]
    worker = {
        "parallelism": {theirs: items[ours] for theirs, ours in PARALLELISM.items() if ours in items},
        "scheduler": {theirs: items[ours] for theirs, ours in SCHEDULER.items() if ours in items},
        "kv_cache": {"prefix_caching": items.get("prefix_cache", False)},
    }
    engine = {"mode": "aggregated", "model": point.get("model_path", point["model"]), "hardware": point.get("system"),
              "backend": point["runtime"], "backend_version": point.get("runtime_version"),
              "context_length": items.get("max_sequence_length"), "workers": {"aggregated": worker}}
    told = {*PARALLELISM.values(), *SCHEDULER.values(), "prefix_cache", "max_sequence_length"}
    return {
        "traffic": {
            "source": {"type": "synthetic", "input_tokens": load["input_tokens"], "output_tokens": load["output_tokens"]},
            "load": {"type": "concurrency", "concurrency": load["concurrency"]},
            "stop": {"requests": 20 * load["concurrency"]},
        },
        "engine": {key: value for key, value in engine.items() if value is not None},
    }, sorted(set(items) - told)


def predict(point, folder):
    if "concurrency" not in point["load"]:
        return {"missing": "this adapter asks for a concurrency only"}
    items = {**point.get("assumed", {}), **point["configuration"]}
    config, untold = configuration(point, items)
    path, output = os.path.join(folder, "prediction.yaml"), os.path.join(folder, "output")
    with open(path, "w") as file:
        json.dump(config, file)  # JSON is YAML
    ended = subprocess.run(["aisimulate", "predict", "-c", path, "--output-dir", output, "--format", "json"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or [""])[-1]
        return {"missing": f"aisimulate ended with {ended.returncode}, {ENDS.get(ended.returncode, 'which it does not document')}: {last}"}
    with open(os.path.join(output, "prediction.json")) as file:
        told = json.load(file)
    return answer(told, items, untold)


def answer(told, items, untold):
    gpus = 1
    for size in ("replicas", "tensor_parallel", "pipeline_parallel", "attention_data_parallel"):
        gpus *= items.get(size, 1)
    total, tpot = told["output_throughput_tok_s"], told["mean_tpot_ms"]
    values = {"total_throughput": total, "throughput": total / gpus, "request_throughput": told["request_throughput_rps"],
              "ttft": told["mean_ttft_ms"], "tpot": tpot, "latency": told["mean_e2e_latency_ms"], "user_throughput": 1000 / tpot}
    findings = []
    if untold:
        findings.append({"check": "untold_items", "severity": "warn", "message": "AISimulate's configuration has no place for " + ", ".join(untold)})
    if told["completed_requests"] != told["num_requests"]:
        findings.append({"check": "lost_requests", "severity": "warn",
                         "message": f"{told['completed_requests']} of {told['num_requests']} simulated requests were completed"})
    return {"values": values, "derived": ["throughput", "user_throughput"], "findings": findings,
            "modelled": {"prefix_cache": False, **{name: value for name, value in items.items() if name not in untold}}}


request = json.load(sys.stdin)
print(json.dumps({"protocol": "aicv-predictor/1", "tool": "aisimulate"}), flush=True)
for point in request["points"]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            text = predict(point, folder)
        except (OSError, KeyError, TypeError, ValueError, ZeroDivisionError) as wrong:  # the next point may go well
            text = {"missing": f"{type(wrong).__name__}: {wrong}"}
    print(json.dumps({"point": point["point"], **text}), flush=True)
