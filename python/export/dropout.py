"""Basin's own dropout in a PEFT model, bit for bit, whichever process computes a row (`train.py --dropout basin`).

Basin draws whether an input of A is kept from a counter-based generator: a function of the seed, the number of the
micro-batch in the run, the module's place in the model, and the element's place in the micro-batch. So each row's masks
can be computed alone. They are made on the CPU by numpy: exact, and slow for large models, where torch's own dropout is
the sensible choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

import basin_random
from asft import lora_modules


@dataclass(frozen=True)
class RowPlace:
    """Where Basin has a row: micro-batch (counted over the run), first token within it, number of tokens."""

    counter: int
    first: int
    tokens: int


class Mask(nn.Module):
    """Stands where PEFT has its dropout."""

    def __init__(self):
        super().__init__()
        self.factors: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factors.to(device=x.device, dtype=x.dtype)


class BasinDropout:
    """Replaces the dropout of every LoRA module; call before each forward pass with the places of its rows."""

    def __init__(self, model: nn.Module, p: float, seed: int, adapter: str = "default"):
        self.p, self.seed = p, seed
        self.masks = []
        for module in lora_modules(model, adapter).values():
            mask = Mask()
            module.lora_dropout[adapter] = mask
            self.masks.append((mask, module.in_features))

    def __call__(self, places: list[RowPlace]) -> None:
        longest = max(place.tokens for place in places)
        for stream, (mask, width) in enumerate(self.masks):
            factors = torch.ones(len(places), longest, width)
            for i, place in enumerate(places):
                drawn = basin_random.dropout_mask(
                    self.seed, place.counter, stream, place.tokens, width, self.p, first=place.first
                )
                factors[i, : place.tokens] = torch.from_numpy(drawn)
            mask.factors = factors


def places_of(micro_batch: list[int], lengths: list[int], counter: int, packing: bool) -> list[RowPlace]:
    """Places of the rows of one of Basin's micro-batches: back to back where it packs, else padded to the longest."""
    longest = max(lengths[row] for row in micro_batch)
    places, at = [], 0
    for row in micro_batch:
        places.append(RowPlace(counter, at, lengths[row]))
        at += lengths[row] if packing else longest
    return places
