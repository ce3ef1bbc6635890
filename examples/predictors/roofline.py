#!/usr/bin/env python3
"""A roofline: decoding waits for memory, prefill for arithmetic. Values are in ms and tokens/s/GPU."""
import json
import sys

WEIGHTS = 8.03e9  # parameters of Llama-3.1-8B, two bytes each
SYSTEMS = {"a100_sxm": (2.04e12, 312e12), "h100_sxm": (3.35e12, 989e12), "h200_sxm": (4.8e12, 989e12)}  # bytes/s, FLOP/s


def predict(point):
    if point.get("system") not in SYSTEMS:
        return {"missing": f"no figures of the system {point.get('system')}"}
    bandwidth, flops = SYSTEMS[point["system"]]
    load, gpus = point["load"], point["configuration"].get("tensor_parallel", 1)
    users, tokens = load["concurrency"], load["output_tokens"]
    ttft = 2 * WEIGHTS * load["input_tokens"] / flops / gpus
    tpot = 2 * WEIGHTS / bandwidth / gpus + 2 * WEIGHTS * users / flops / gpus
    latency = ttft + (tokens - 1) * tpot
    return {
        "values": {"ttft": 1000 * ttft, "tpot": 1000 * tpot, "throughput": users * tokens / latency / gpus},
        "modelled": {"tensor_parallel": gpus, "dtype": "bfloat16"},
    }


def support(point):
    known = point.get("system") in SYSTEMS
    return {"supported": known} if known else {"supported": False, "why": "no figures of the system", "nearest": ", ".join(SYSTEMS)}


request = json.load(sys.stdin)
print(json.dumps({"protocol": "aicv-predictor/1", "tool": "roofline", "version": "1"}))
for point in request["points"]:
    answer = support(point) if request["request"] == "support" else predict(point)
    print(json.dumps({"point": point["point"], **answer}))
