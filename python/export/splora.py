"""SPLoRA (arXiv 2506.18931): after training, remove the update of the modules that depart most from the alignment
subspace.

    V = W_aligned - W_unaligned,  C = V V^T / ||V||_F,  d = ||C B A - B A||_F
    reconstruction, variance     (max d - min d) * (d - mean d) / var d       over the modules; the largest are pruned
    reconstruction, quartiles    (d - median d) / (Q3 - Q1 + 1e-6)            over the modules; the largest are pruned
    cosine                       cos(C B A, B A); the smallest are pruned
    released                     1 - (Q1(C B A) - Q1(B A)): what the released code's score comes to; those up to the
                                 N-th largest are pruned

A pruned module's B becomes 0. Where V = 0 there is no score, and the module is left alone. In float64.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from safe_lora import alignment


def measure(a: Tensor, b: Tensor, v: Tensor, score: str) -> dict | None:
    """Distance, cosine and, where it is the score, the released score; None where V = 0."""
    a, b = a.double(), b.double()
    cosine, image = alignment(a, b, v)
    if cosine is None:
        return None
    departure = image - b
    distance = float(((departure.T @ departure) * (a @ a.T)).sum().clamp(min=0).sqrt())
    released = None
    if score == "released" and distance > 0:
        released = 1 - (first_quartile(image @ a) - first_quartile(b @ a))
    return {"distance": distance, "cosine": cosine, "released": released}


def first_quartile(update: Tensor) -> float:
    return float(np.quantile(update.float().double().numpy(), 0.25))


def scores_of(measured: Mapping[str, dict], score: str, spread: str) -> dict[str, float]:
    if score != "reconstruction":
        return {path: values[score] for path, values in measured.items() if values[score] is not None}
    distances = np.array([values["distance"] for values in measured.values()])
    if len(distances) == 0:
        return {}
    if spread == "variance":
        width = distances.max() - distances.min()
        centred = width * (distances - distances.mean()) / distances.var(ddof=1) if width > 0 else 0 * distances
    else:
        q1, median, q3 = np.quantile(distances, [0.25, 0.5, 0.75])
        centred = (distances - median) / (q3 - q1 + 1e-6)
    return dict(zip(measured, centred.tolist()))


def choose(scores: Mapping[str, float], score: str, select: str, threshold: float, count: int) -> list[str]:
    """The pruned modules; of equal scores the first are taken."""
    if select == "threshold":
        beyond = (lambda s: s >= threshold) if score == "reconstruction" else (lambda s: s <= threshold)
        return [path for path, s in scores.items() if beyond(s)]
    if count == 0 or not scores:
        return []
    if score == "released":
        limit = sorted(scores.values(), reverse=True)[:count][-1]
        return [path for path, s in scores.items() if s <= limit]
    ordered = sorted(scores, key=scores.get, reverse=score == "reconstruction")
    taken = set(ordered[:count])
    return [path for path in scores if path in taken]


@torch.no_grad()
def prune_splora(
    adapter: Mapping[str, tuple[Tensor, Tensor]],
    directions: Mapping[str, Tensor],
    *,
    score: str = "reconstruction",
    spread: str = "quartiles",
    select: str = "number",
    threshold: float = 0.5,
    num_pruned_layers: int = 10,
) -> dict:
    """`adapter`: module path -> (A: r x in, B: out x r); B is changed in place. Returns what was done, by module."""
    measured = {path: measure(a, b, directions[path], score) for path, (a, b) in adapter.items()}
    measured = {path: values for path, values in measured.items() if values is not None}
    scores = scores_of(measured, score, spread)
    pruned = choose(scores, score, select, threshold, num_pruned_layers)
    for path in pruned:
        adapter[path][1].zero_()
    return {"score": score, "pruned": pruned, "scores": scores, "measured": measured}


# --- for train.py ----------------------------------------------------------------------------------------------------


def needs_pair(options: dict) -> bool:
    return True


def prepare(replay):
    """`replay`: train.Replay. Returns its Stages."""

    def finish(adapter: dict[str, tuple[Tensor, Tensor]]):
        chosen = replay.chosen("score", "spread", "select", "threshold", "num_pruned_layers")
        report = prune_splora(adapter, replay.directions(), **chosen)
        print(f"SPLoRA: {len(report['pruned'])} of {len(adapter)} modules pruned")
        return adapter, 1, report

    return replay.stages(finish=finish)
