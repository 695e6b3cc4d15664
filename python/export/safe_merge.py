"""SafeMERGE (arXiv 2503.17239): after training, merge the updates that left the alignment direction with a safe
adapter's.

    cosine = cos(C B A, B A) of the trained adapter, C = V V^T / ||V||_F
    cosine < threshold:  update := w * trained + w_s * safe

    exact     factors side by side: B = [w B_f, w_s B_s], A = [A_f; A_s]: the merge itself, at twice the rank
    factors   B = sqrt(w) B_f + sqrt(w_s) B_s, A likewise: rank r, with cross terms, as PEFT's "linear" combination

The safe adapter's scale, where it is another, is folded into w_s. Where V = 0 a module stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from safe_lora import alignment

Pairs = dict[str, tuple[Tensor, Tensor]]


@torch.no_grad()
def merge_safe_adapter(
    trained: Pairs,
    safe: Pairs,
    directions: Mapping[str, Tensor],
    scales: Mapping[str, float],
    *,
    threshold: float = 0.35,
    weight: float = 0.8,
    safe_weight: float = 0.2,
    merge: str = "factors",
) -> tuple[Pairs, int, dict]:
    """Module path -> (A: r x in, B: out x r) of both; `scales`: the safe adapter's scale over the trained one's, by
    module.

    Returns the merged adapter, its ranks over the trained one's (1 or 2, the same for all modules), and what was
    done."""
    cosines = {path: alignment(a, b, directions[path])[0] for path, (a, b) in trained.items()}
    chosen = [path for path, cosine in cosines.items() if cosine is not None and cosine < threshold]
    growth = 2 if merge == "exact" and chosen else 1
    merged = {}
    for path, (a, b) in trained.items():
        (a_safe, b_safe), scale = safe[path], scales[path]
        if growth == 2:
            # A module that is kept is padded with zeros, so that one rank describes the adapter.
            w, w_safe = (weight, safe_weight * scale) if path in chosen else (1.0, 0.0)
            merged[path] = (
                torch.cat([a, a_safe if w_safe else torch.zeros_like(a)]),
                torch.cat([w * b, w_safe * b_safe], dim=1),
            )
        elif path in chosen:
            f, g = math.sqrt(weight), math.sqrt(safe_weight * scale)
            merged[path] = f * a + g * a_safe, f * b + g * b_safe
        else:
            merged[path] = a, b
    return (
        merged,
        growth,
        {
            "merge": merge,
            "threshold": threshold,
            "weight": weight,
            "safe_weight": safe_weight,
            "merged": chosen,
            "cosines": cosines,
        },
    )


# --- for train.py ----------------------------------------------------------------------------------------------------


def needs_pair(options: dict) -> bool:
    return True


def prepare(replay):
    """`replay`: train.Replay. Returns its Stages. A safe adapter that did not come along is trained first."""
    safe = replay.given_adapter("safe_adapter")
    if safe is None:
        safe = replay.train_aside("safe_order.jsonl", "safe_metrics.jsonl")

    def finish(adapter: Pairs):
        scales = {module["path"]: module["safe_scale"] / module["scale"] for module in replay.modules}
        chosen = replay.chosen("threshold", "weight", "safe_weight", "merge")
        merged, growth, report = merge_safe_adapter(adapter, safe, replay.directions(), scales, **chosen)
        print(f"SafeMERGE: {len(report['merged'])} of {len(adapter)} modules merged")
        return merged, growth, report

    return replay.stages(finish=finish)
