"""Replay a run of Basin in PyTorch + PEFT and compare every step and the trained adapter.

    npx basin run spec.json --out runs/one
    python python/replay.py runs/one [--base DIR] [--rows rows.jsonl]

Reads `spec.json`, `rows.jsonl` (the training rows as tokens), `metrics.jsonl` and `adapter/` of the run's folder,
trains the same model on the same batches with transformers, PEFT and torch.optim.AdamW in float32, and prints the
differences. Exit code 1 if a loss differs by more than --tolerance (1e-3) or a module's B A by more than
--update-tolerance (2 %, Frobenius).

Supported: sft (weighted rows, too), asft (every projector), safe_lora, splora and star_dss (all modes); fresh adapters,
shuffled rows and dropout (random streams of Basin, basin_random.py) as well as `init_adapter`; packing, accumulation,
all schedules, clipping, weight decay, rsLoRA. Quantised weights are dequantised first (quantisation.py). Rows of any
kind: Basin wrote down their tokens. Without rows.jsonl, --rows or a spec of format tokens gives them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import transformers  # noqa: E402

import basin_random  # noqa: E402
import quantisation  # noqa: E402
import reference  # noqa: E402

BUNDLED = Path(__file__).resolve().parents[1] / "public" / "models"


def stop(message: str) -> None:
    raise SystemExit(f"replay: {message}")


def locate(name: str, base: Path) -> Path:
    """A bundled model's name, or a path from the working directory or from the spec's folder."""
    for candidate in (BUNDLED / name, Path(name), base / name):
        if candidate.exists():
            return candidate
    return stop(f"{name} is neither a bundled model nor found from {Path.cwd()} or {base}; give --base") or Path()


def token_rows(spec: dict, run: Path, rows: str | None, base: Path) -> list[dict]:
    train = spec["data"]["train"]
    if rows is not None:
        found = reference.read_rows(rows)
    elif (run / "rows.jsonl").exists():
        found = reference.read_rows(run / "rows.jsonl")
    elif train.get("format") == "tokens":
        found = reference.read_rows(locate(train["path"], base))
    else:
        found = stop("the training rows are text; give them as token rows with --rows") or []
    longest = max(len(row["input_ids"]) for row in found)
    if longest > spec["data"]["max_length"]:
        stop(f"a row has {longest} tokens, more than max_length {spec['data']['max_length']}")
    return found


def start(spec: dict, base: Path) -> torch.nn.Module:
    lora = spec["lora"]
    model = reference.load_model(locate(spec["model"]["aligned"], base))
    kind = quantisation.kind_of(spec["model"])
    if kind is not None:
        quantisation.quantise_model(model, kind)
    if lora.get("init_adapter"):
        return reference.with_adapter(model, lora, locate(lora["init_adapter"], base))
    model = reference.with_adapter(model, lora, None)
    with torch.no_grad():
        for path, (a, b) in reference.lora_modules(model).items():
            a.copy_(torch.from_numpy(basin_random.initial_a(spec["train"]["seed"], path, *a.shape)))
            b.zero_()
    return model


def compare_adapter(model: torch.nn.Module, folder: Path) -> dict[str, float]:
    """Relative Frobenius error of B A by module."""
    from safetensors.torch import load_file

    theirs = load_file(folder / "adapter_model.safetensors")
    errors = {}
    for path, (a, b) in reference.lora_modules(model).items():
        ours = b.detach().double() @ a.detach().double()
        key = f"base_model.model.{path}"
        other = theirs[f"{key}.lora_B.weight"].double() @ theirs[f"{key}.lora_A.weight"].double()
        errors[path] = float((other - ours).norm() / ours.norm())
    if len(theirs) != 2 * len(errors):
        stop(f"the adapter has {len(theirs)} tensors, PEFT's has {2 * len(errors)}")
    return errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `basin run` wrote")
    parser.add_argument(
        "--base", type=Path, help="folder that the spec's relative paths start from (default: the run's folder)"
    )
    parser.add_argument("--rows", help="token rows that replace the spec's training rows")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--update-tolerance", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quiet", action="store_true", help="only the summary")
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(options.threads)

    spec = json.loads((options.run / "spec.json").read_text())
    base = options.base or options.run
    method, settings = spec["method"], spec["train"]
    if method["name"] not in ("sft", "asft", "safe_lora", "splora", "star_dss"):
        stop(f"the method {method['name']} is not known here")
    metrics = [json.loads(line) for line in (options.run / "metrics.jsonl").read_text().splitlines()]
    if not metrics:
        stop("metrics.jsonl has no steps")
    rows = token_rows(spec, options.run, options.rows, base)
    model = start(spec, base)
    modules = reference.lora_modules(model)
    penalty, v = None, {}
    if (method["name"] == "asft" and method.get("lambda", 1) > 0) or method["name"] in ("safe_lora", "splora"):
        aligned = locate(spec["model"]["aligned"], base)
        # Plain L2 needs no direction; a pair of one model twice gives zeros of the right shape.
        unaligned = aligned if method.get("projector") == "none" else locate(spec["model"]["unaligned"], base)
        v = reference.directions(aligned, unaligned, list(modules))
        if method["name"] == "asft":
            penalty = reference.Penalty(method, spec["lora"], v)
    dropout = spec["lora"].get("lora_dropout", 0)
    masks = basin_random.Masks(model, dropout, settings["seed"], spec["data"]["packing"]) if dropout > 0 else None
    total, per_epoch = reference.total_steps(len(rows), settings)
    epochs = -(-total // per_epoch)
    orders = [
        basin_random.epoch_order(len(rows), settings["seed"], epoch, spec["data"]["shuffle"]) for epoch in range(epochs)
    ]

    worst = dict.fromkeys(("ce", "penalty", "loss", "learning_rate", "grad_norm"), 0.0)
    compared = 0
    for step, theirs in zip(reference.train(model, rows, spec, penalty, orders, before_batch=masks), metrics):
        differences = {key: abs(getattr(step, key) - theirs[key]) for key in worst}
        worst = {key: max(worst[key], differences[key]) for key in worst}
        compared += 1
        if not options.quiet:
            print(
                f"{compared:5}  ce {step.ce:.6f} ({differences['ce']:.1e})  penalty {step.penalty:.6f} "
                f"({differences['penalty']:.1e})  grad_norm {step.grad_norm:.6f} "
                f"({differences['grad_norm']:.1e})"
            )
    summary: dict = {"steps": compared, "of": total, "largest_difference": worst, "versions": reference.versions()}
    good = compared == len(metrics) and worst["loss"] <= options.tolerance and worst["ce"] <= options.tolerance
    if compared < total:
        summary["note"] = "the run ended early; the adapter is not compared"
    else:
        if method["name"] == "safe_lora":
            summary["projected"] = len(reference.project_safe_lora(modules, method, v))
        if method["name"] == "splora":
            summary["pruned"] = len(reference.prune_splora(modules, method, v))
        updates = compare_adapter(model, options.run / "adapter")
        summary["largest_update_error"] = max(updates.values(), default=0.0)
        good = good and summary["largest_update_error"] <= options.update_tolerance
    summary["agrees"] = good
    print(json.dumps(summary))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
