"""Asks aiconfigurator's SDK for many points in one process.

Reads one JSON request on standard input, answers with JSON lines on standard output:
a header, then one line per point as soon as it is known. A point that fails says why
and loses no other. Run by the tool's own interpreter; nothing is written anywhere.
"""

import copy
import difflib
import functools
import inspect
import json
import logging
import math
import os
import sys

OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what the tool prints must not stand between our lines


def say(line):
    OUT.write(json.dumps(line, allow_nan=False, separators=(",", ":")) + "\n")
    OUT.flush()


def number(value):
    """A finite float, or None."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def whole(value):
    """An int, or None."""
    value = number(value)
    return None if value is None else int(value)


class Warnings(logging.Handler):
    """Keeps what the tool warns of while a point is computed.

    Messages on tables that are loaded come once, but hold for every point that is
    answered from them, so they are kept by database.
    """

    def __init__(self):
        super().__init__(logging.WARNING)
        self.fresh = []
        self.loading = {}

    def emit(self, record):
        try:
            text = tidy(record.getMessage())
        except Exception:
            return
        if text not in self.fresh and len(self.fresh) < 50:
            self.fresh.append(text)

    def take(self, database):
        fresh, self.fresh = self.fresh, []
        known = self.loading.setdefault(database, [])
        own = []
        for text in fresh:
            if text.startswith("Loading low-fidelity fallback rows for "):
                name = text.removeprefix("Loading low-fidelity fallback rows for ").split(" ")[0]
                if name not in known:
                    known.append(name)
            else:
                own.append(text)
        return own, list(known)


class SDK:
    """The parts of the tool that are used, each found by name so that another version
    is noticed instead of misused."""

    def __init__(self):
        from aiconfigurator.cli import api
        from aiconfigurator.sdk import common, models, perf_database

        self.estimate = api.cli_estimate
        self.databases = perf_database
        self.common = common
        self.models = models
        self.parameters = set(inspect.signature(self.estimate).parameters)
        self.memo = memoise(perf_database)
        self.slots = functools.lru_cache(maxsize=None)(self.find_slots)
        self.configured = functools.lru_cache(maxsize=None)(self.find_config)
        self.fraction = functools.lru_cache(maxsize=None)(self.find_fraction)

    def bundled(self):
        """Ids of the models whose config.json comes with the tool."""
        return self.common.DefaultHFModels

    def find_slots(self, system, backend, paths):
        """Versions that may be asked for, by slot name; None where all may."""
        find = getattr(self.databases, "get_version_slots", None)
        if find is None:
            return None
        return find(system, backend, systems_paths=list(paths)) if paths else find(system, backend)

    def supported(self, paths):
        find = self.databases.get_supported_databases
        found = find(systems_paths=list(paths)) if paths else find()
        return {system: {b: list(v) for b, v in backends.items()} for system, backends in found.items()}

    def find_config(self, model):
        """Whether the model has experts; an error, as text, where its config is unusable."""
        try:
            return bool(self.models.check_is_moe(model)), ""
        except Exception as error:
            return False, text_of(error)

    def find_fraction(self, backend, version):
        """The share of the GPU's memory that the tool assumes by itself."""
        try:
            from aiconfigurator.sdk.backends.factory import get_backend

            return number(get_backend(backend).get_default_free_gpu_memory_fraction(version))
        except Exception:
            return None


def memoise(databases):
    """Remembers which versions of the databases there are: as it is, the look-up of the
    latest re-reads some 500 YAML files, three times a point. The files do not change
    while we run. Functions that are not what we know are left alone."""
    left = []
    for name in ("get_latest_database_version", "get_version_slots"):
        plain = getattr(databases, name, None)
        if plain is None:  # the second came with the slots
            left.extend(["no " + name] if name == "get_latest_database_version" else [])
        elif list(inspect.signature(plain).parameters)[:2] != ["system", "backend"]:
            left.append(name + " has other parameters")
        else:
            remembered = remember(plain)
            setattr(databases, name, remembered)
    return ", ".join(left) + ": versions are looked up anew for every point" if left else ""


def remember(plain):
    known = {}

    @functools.wraps(plain)
    def remembered(*args, **kwargs):
        key = repr((args, sorted(kwargs.items())))
        if key not in known:
            known[key] = plain(*args, **kwargs)
        return copy.copy(known[key])

    return remembered


def tidy(text):
    """One line, without the folder that the tool is installed in."""
    for folder in sys.path:
        if folder.endswith(("site-packages", "dist-packages")):
            text = text.replace(folder + os.sep, "")
    return " ".join(text.split())


def text_of(error):
    text = tidy(str(error))
    if isinstance(error, KeyError):
        text = "it does not know " + text
    return text[:2000] or type(error).__name__


def kind_of(error):
    """What a failure means: memory, data and request are answers, other is none."""
    names = {c.__name__ for c in type(error).__mro__}
    text = str(error)
    if text.startswith("OOM:") or "InsufficientMemoryError" in names or "does not fit in GPU memory" in text:
        return "memory"
    if any("DataNotAvailable" in n for n in names) or "perf data" in text:
        return "data"
    if isinstance(error, (ValueError, KeyError, NotImplementedError, AssertionError)):
        return "request"
    return "other"


class Failure(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def close(word, words):
    """The words that are most like one, best first."""
    folded = {w.lower(): w for w in words}
    return [folded[m] for m in difflib.get_close_matches(word.lower(), list(folded), 3, 0.5)]


def model_of(sdk, point):
    """What the model is known as to the tool, and where its config comes from."""
    path = point.get("path")
    if path:
        return path, "path"
    name = point["model"]
    known = sdk.bundled()
    if name in known:
        return name, "bundled"
    stand_in = point.get("stand_in")
    if stand_in and stand_in in known:
        return stand_in, "stand_in"
    like = close(name, known)
    hint = "; it bundles " + ", ".join(like) if like else ""
    raise Failure("model", "the tool bundles no config.json of " + name + hint)


def version_of(sdk, point, paths):
    """The version of the database to ask: the one wanted, else the one of the runtime
    where there is one, else the tool's own choice (None)."""
    slots = sdk.slots(point["system"], point["backend"], paths)
    if point.get("database"):
        return point["database"]
    if slots and point.get("runtime_version") in slots.values():
        return point["runtime_version"]
    if slots is None:
        versions = sdk.supported(paths).get(point["system"], {}).get(point["backend"], [])
        if point.get("runtime_version") in versions:
            return point["runtime_version"]
    return None


def sources_of(result):
    """Modelled time by where it comes from, in ms of one batch."""
    data, source = result.per_ops_data or {}, result.per_ops_source or {}
    plan = data.get("scheduling") or {}
    total = {}
    for step, count in (("mix_step", "num_mix_steps"), ("genonly_step", "num_genonly_steps")):
        times, steps = data.get(step) or {}, number(plan.get(count)) or 0.0
        for name, tag in (source.get(step) or {}).items():
            spent = number(times.get(name)) or 0.0
            total[str(tag)] = total.get(str(tag), 0.0) + spent * steps
    return {tag: round(spent, 6) for tag, spent in total.items() if spent > 0}


def answer_of(sdk, result, origin, model, moe, assumed):
    raw = result.raw
    names = ("ttft", "tpot", "request_latency", "tokens/s", "tokens/s/gpu", "tokens/s/user", "seq/s", "concurrency", "memory")
    try:
        sources = sources_of(result)
    except Exception:
        sources = {}
    return {
        "version": str(raw.get("version") or result.backend_version),
        "model": model,
        "config": origin,
        "moe": moe,
        "assumed": assumed,
        "values": {name: number(raw.get(name)) for name in names},
        "gpus": whole(raw.get("num_total_gpus")),
        "sizes": {name: whole(raw.get(name)) for name in ("bs", "tp", "pp", "dp", "moe_tp", "moe_ep", "cp", "ctx_tokens", "prefix")},
        "modes": {name: str(raw[name]) for name in ("gemm", "moe", "kvcache", "fmha", "comm") if raw.get(name) is not None},
        "memory_fraction": sdk.fraction(result.backend_name, str(raw.get("version") or result.backend_version)),
        "kv_cache_warning": result.kv_cache_warning or "",
        "fallbacks": [text_of(f) for f in getattr(result, "moe_comm_fallbacks", None) or ()][:10],
        "sources": sources,
    }


def none_of(sdk, point, paths):
    """What there are no tables of, and of what there are."""
    databases = sdk.supported(paths)
    if point["system"] not in databases:
        return "it has no tables of the system %s; it has them of %s" % (point["system"], ", ".join(sorted(databases)))
    return "it has no tables of %s on %s; it has them of %s" % (point["backend"], point["system"], ", ".join(sorted(databases[point["system"]])))


def estimate(sdk, point, paths):
    model, origin = model_of(sdk, point)
    moe, wrong = sdk.configured(model)
    if wrong:
        raise Failure("model", "the config of " + model + " can not be used: " + wrong)
    arguments = {k: v for k, v in point["arguments"].items() if v is not None}
    assumed = []
    if moe and "moe_tp_size" not in arguments and "moe_ep_size" not in arguments:
        # engines without further flags split each expert over all ranks
        arguments["moe_tp_size"] = arguments["tp_size"] * arguments["attention_dp_size"]
        arguments["moe_ep_size"] = 1
        assumed = ["moe_tensor_parallel", "moe_expert_parallel"]
    version = version_of(sdk, point, paths)
    if version:
        arguments["backend_version"] = version
    if paths:
        arguments["systems_paths"] = ",".join(paths)
    unknown = sorted(set(arguments) - sdk.parameters)
    if unknown:
        raise Failure("sdk", "this version can not be passed " + ", ".join(unknown))
    try:
        result = sdk.estimate(model, point["system"], backend_name=point["backend"], **arguments)
    except ValueError as error:
        if str(error).startswith("No database found"):
            raise Failure("request", none_of(sdk, point, paths)) from error
        raise
    return answer_of(sdk, result, origin, model, moe, assumed)


def support(sdk, point, paths, databases):
    """Whether there is data; why not, and the nearest that has."""
    system, backend = point["system"], point["backend"]

    def no(why, nearest=()):
        return {"supported": False, "why": why, "nearest": ", ".join(nearest)}

    if system not in databases:
        return no("it has no tables of the system " + system, close(system, databases) or sorted(databases))
    if backend not in databases[system]:
        return no("it has no tables of " + backend + " on " + system, [b + " " + "/".join(v) for b, v in sorted(databases[system].items())])
    try:
        model, _ = model_of(sdk, point)
    except Failure as failure:
        return no(str(failure), close(point["model"], sdk.bundled()))
    _, wrong = sdk.configured(model)
    if wrong:
        return no("the config of " + model + " can not be used: " + wrong)
    versions = databases[system][backend]
    wanted = point.get("database")
    if wanted and wanted not in versions and wanted not in ("current", "previous", "next"):
        return no("it has no tables of " + backend + " " + wanted + " on " + system, [backend + " " + v for v in versions])
    version = wanted or version_of(sdk, point, paths) or sdk.databases.get_latest_database_version(system, backend)
    found = sdk.common.check_support(model, system, backend, version, architecture=architecture(model))
    tried = found.exact_match or found.agg_total_count > 0
    if tried and not found.agg_supported and (found.exact_match or found.agg_pass_count == 0):
        return no("its support matrix lists no aggregated run of this model on %s with %s %s" % (system, backend, version))
    runtime = point.get("runtime_version")
    if runtime and runtime != version:
        return {"supported": True, "why": "it has no tables of %s %s on %s" % (backend, runtime, system), "nearest": "%s %s" % (backend, version)}
    return {"supported": True}


def architecture(model):
    from aiconfigurator.sdk.utils import get_model_config_from_model_path

    return get_model_config_from_model_path(model)["architecture"]


def answer(sdk, caught, request, databases, point):
    paths = tuple(request.get("systems_paths") or ())
    try:
        if request["want"] == "support":
            return {"support": support(sdk, point, paths, databases)}
        found = {"answer": estimate(sdk, point, paths)}
    except Failure as failure:
        found = {"error": text_of(failure), "kind": failure.kind}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the engine's own panics are no Exception
        found = {"error": text_of(error), "kind": kind_of(error)}
    own, loading = caught.take((point["system"], point["backend"]))
    found["warnings"], found["loading"] = own[:20], loading[:20]
    return found


def header(memo="", unusable=""):
    import importlib.metadata as metadata

    def version(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return ""

    return {
        "aicv": 1,
        "version": version("aiconfigurator"),
        "core": version("aiconfigurator-core"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "memo": memo,
        "unusable": unusable,
    }


def main():
    request = json.load(sys.stdin)
    caught = Warnings()
    logging.getLogger().addHandler(caught)
    try:
        sdk = SDK()
        missing = sorted({"batch_size", "ctx_tokens", "isl", "osl", "tp_size", "backend_version"} - sdk.parameters)
        if missing:
            raise ImportError("cli_estimate takes no " + ", ".join(missing))
    except Exception as error:
        say(header(unusable=type(error).__name__ + ": " + text_of(error)))
        return
    say(header(memo=sdk.memo))
    databases = sdk.supported(tuple(request.get("systems_paths") or ())) if request["want"] == "support" else {}
    for point in request["points"]:
        say({"point": point["point"], **answer(sdk, caught, request, databases, point)})
    say({"done": len(request["points"])})


main()
