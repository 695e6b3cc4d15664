"""Safe LoRA (arXiv 2405.16833): after training, project the updates that depart most from the alignment direction.

    V = W_aligned - W_unaligned,  C = V V^T / ||V||_F,  cosine = cos(C B A, B A), rounded to 5 decimals
    cosine <= threshold:  B := C B   (A untouched)

select "threshold": the threshold is given. "number": it is the K-th smallest cosine, as in the released code, so equal
cosines may project more than K modules. Where V = 0 a module is left alone. In float64; B A is not formed.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def alignment(a: Tensor, b: Tensor, v: Tensor) -> tuple[float | None, Tensor]:
    """cos(C B A, B A), not rounded, and C B; the cosine is None where V = 0, and 0 where B A = 0."""
    a, b, v = a.double(), b.double(), v.double()
    norm = v.norm()
    if norm == 0:
        return None, torch.zeros_like(b)
    image, gram = v @ (v.T @ b) / norm, a @ a.T
    size = (((b.T @ b) * gram).sum() * ((image.T @ image) * gram).sum()).sqrt()
    return (float(((image.T @ b) * gram).sum() / size) if size > 0 else 0.0), image


@torch.no_grad()
def project_safe_lora(
    adapter: Mapping[str, tuple[Tensor, Tensor]],
    directions: Mapping[str, Tensor],
    *,
    select: str = "number",
    num_proj_layers: int = 10,
    threshold: float = 0.5,
) -> dict:
    """`adapter`: module path -> (A: r x in, B: out x r); B is changed in place. Returns what was done, by module."""
    cosines, images = {}, {}
    for path, (a, b) in adapter.items():
        cosine, image = alignment(a, b, directions[path])
        if cosine is not None:
            cosines[path], images[path] = round(cosine, 5), image
    if select == "number" and cosines:
        threshold = sorted(cosines.values())[:num_proj_layers][-1]
    projected = [path for path, cosine in cosines.items() if cosine <= threshold]
    for path in projected:
        adapter[path][1].copy_(images[path])
    return {"select": select, "threshold": threshold, "projected": projected, "cosines": cosines}


# --- for train.py ----------------------------------------------------------------------------------------------------


def needs_pair(options: dict) -> bool:
    return True


def prepare(replay):
    """`replay`: train.Replay. Returns its Stages."""

    def finish(adapter: dict[str, tuple[Tensor, Tensor]]):
        report = project_safe_lora(
            adapter, replay.directions(), **replay.chosen("select", "num_proj_layers", "threshold")
        )
        print(f"Safe LoRA: {len(report['projected'])} of {len(adapter)} modules projected")
        return adapter, 1, report

    return replay.stages(finish=finish)
