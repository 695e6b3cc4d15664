"""Lisa (arXiv 2405.18641): steps on safety rows and on the user's rows by turns, each state held near the other's end.

    loss = cross-entropy + rho * P,    P = 1/2 ||w - centre||^2,    w: all A and B of the adapter

The centre is the adapter as it stood when the state began. As in the released code the term is left out in the first
part of all steps (`proximal_from`). Which rows a step takes, and so the state it belongs to, is in order.jsonl
("stream").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asft import whole


class ProximalTerm:
    """P of the adapter as it stands. Call `begin` before each step, `add_gradients` after its last backward pass."""

    def __init__(self, parameters: Sequence[nn.Parameter], proximal_from: float = 0.1):
        """`parameters`: A and B of every module, as the optimiser has them (under FSDP2, in shards)."""
        self.parameters, self.proximal_from = list(parameters), proximal_from
        self.centre: list[torch.Tensor] = []
        self.stream: str | None = None
        self.active = False

    def begin(self, step: int, steps: int, stream: str) -> None:
        """`step` counts from 0, of `steps` in all."""
        if stream != self.stream:
            self.stream, self.centre = stream, [parameter.detach().clone() for parameter in self.parameters]
        self.active = step > self.proximal_from * steps

    @torch.no_grad()
    def add_gradients(self, rho: float) -> float:
        """Adds rho (w - centre) to the gradients and returns P. The same on every process, once a step: nothing to
        average."""
        if not self.active:
            return 0.0
        total = 0.0
        for parameter, centre in zip(self.parameters, self.centre):
            moved = parameter - centre
            parameter.grad = rho * moved if parameter.grad is None else parameter.grad + rho * moved
            total += 0.5 * float(whole((moved * moved).sum()))
        return total


# --- for train.py ----------------------------------------------------------------------------------------------------


def needs_pair(options: dict) -> bool:
    return False


def prepare(replay):
    """`replay`: train.Replay. Returns its Stages."""
    rho = replay.options["rho"]
    if rho == 0:
        return replay.stages()
    return replay.stages(term=ProximalTerm(replay.parameters, replay.options["proximal_from"]), weight=rho)
