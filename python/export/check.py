"""Compares this folder's losses with those of a Basin run of the same experiment.

    python check.py RUN_FOLDER [--out out] [--tolerance 1e-3]

RUN_FOLDER holds the metrics.jsonl that `basin run SPEC.json --out RUN_FOLDER` wrote. Prints JSON; exit code 1 if a loss
differs by more than the tolerance, a step is missing, or (where both have an adapter) a module's B A differs by more
than 2 % (Frobenius). Of experiments with dropout, losses agree only when train.py ran with --dropout basin.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
FIELDS = ("ce", "penalty", "loss", "learning_rate", "grad_norm")


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def update_errors(ours: Path, theirs: Path) -> dict[str, float]:
    """Relative Frobenius error of B A by module."""
    mine, other = (load_file(folder / "adapter_model.safetensors") for folder in (ours, theirs))
    if mine.keys() != other.keys():
        raise SystemExit(f"check.py: the adapters have different tensors: {sorted(mine.keys() ^ other.keys())[:4]} …")
    errors = {}
    for key in mine:
        if not key.endswith("lora_A.weight"):
            continue
        up = key.replace("lora_A", "lora_B")
        a, b = (tensors[up].double() @ tensors[key].double() for tensors in (mine, other))
        errors[key] = float((a - b).norm() / b.norm().clamp(min=1e-30))
    return errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the Basin run (or of another replay)")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="what train.py wrote")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--update-tolerance", type=float, default=0.02)
    options = parser.parse_args()
    ours, theirs = read_lines(options.out / "metrics.jsonl"), read_lines(options.run / "metrics.jsonl")
    worst = {field: max((abs(a[field] - b[field]) for a, b in zip(ours, theirs)), default=0.0) for field in FIELDS}
    agrees = len(ours) == len(theirs) > 0 and worst["ce"] <= options.tolerance and worst["loss"] <= options.tolerance
    summary = {"steps": len(ours), "of": len(theirs), "largest_difference": worst, "tolerance": options.tolerance}
    if agrees and all(
        (folder / "adapter" / "adapter_model.safetensors").exists() for folder in (options.out, options.run)
    ):
        errors = update_errors(options.out / "adapter", options.run / "adapter")
        summary["largest_update_error"] = max(errors.values(), default=0.0)
        agrees = agrees and summary["largest_update_error"] <= options.update_tolerance
    print(json.dumps({**summary, "agrees": agrees}))
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
