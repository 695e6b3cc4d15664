"""Basin's own random streams, in Python: where a fresh adapter starts, in which order an epoch goes through the rows,
and which inputs of A the dropout drops.

The same arithmetic as src/base/rng.ts (sfc32, seeded with a text), src/train/initAdapter.ts, src/train/epochs.ts
(`epochOrder`) and src/engine/operators/dropout.ts (pcg4d); all on 32-bit integers, so the numbers are the same to the
last bit.
"""

from __future__ import annotations

import math

import numpy
import torch

MASK = 0xFFFFFFFF


def hash_text(text: str, salt: int = 0) -> int:
    """FNV-1a over UTF-16 code units, finalised with murmur3's fmix32."""
    h = 2166136261 ^ salt
    units = text.encode("utf-16-le")
    for low, high in zip(units[::2], units[1::2]):
        h = ((h ^ (low | high << 8)) * 16777619) & MASK
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return h ^ (h >> 16)


class Rng:
    def __init__(self, seed: str):
        self.a, self.b, self.c = (hash_text(seed, salt) for salt in (0, 0x9E3779B9, 0x7F4A7C15))
        self.counter = 1
        for _ in range(16):
            self.uint32()

    def uint32(self) -> int:
        t = (self.a + self.b + self.counter) & MASK
        self.counter = (self.counter + 1) & MASK
        self.a = self.b ^ (self.b >> 9)
        self.b = (self.c + (self.c << 3)) & MASK
        self.c = (((self.c << 21) | (self.c >> 11)) + t) & MASK
        return t

    def below(self, n: int) -> int:
        return (self.uint32() * n) >> 32


def initial_a(seed: int, path: str, r: int, in_features: int) -> numpy.ndarray:
    """A (r x in) of a fresh adapter, float32; B is zero."""
    rng = Rng(f"adapter/{seed}/{path}")
    bound = 1 / math.sqrt(in_features)
    values = [((2 * rng.uint32()) / 2**32 - 1) * bound for _ in range(r * in_features)]
    return numpy.array(values, dtype=numpy.float64).astype(numpy.float32).reshape(r, in_features)


def epoch_order(count: int, seed: int, epoch: int, shuffle: bool) -> list[int]:
    order = list(range(count))
    if shuffle:
        rng = Rng(f"shuffle/{seed}/{epoch}")
        for i in range(count - 1, 0, -1):
            j = rng.below(i + 1)
            order[i], order[j] = order[j], order[i]
    return order


def pcg4d(a: int, b: int, c: int, d: numpy.ndarray) -> numpy.ndarray:
    """Jarzynski & Olano 2020; d is an array of uint32, the result has 4 words for each."""
    step, increment, sixteen = numpy.uint32(1664525), numpy.uint32(1013904223), numpy.uint32(16)
    words = [numpy.full_like(d, word & MASK) for word in (a, b, c)] + [d]
    x, y, z, w = (word * step + increment for word in words)

    def mix(x, y, z, w):
        x = x + y * w
        y = y + z * x
        z = z + x * y
        return x, y, z, w + y * z

    x, y, z, w = mix(x, y, z, w)
    x, y, z, w = (word ^ (word >> sixteen) for word in (x, y, z, w))
    return numpy.stack(mix(x, y, z, w), axis=-1)


def dropout_mask(
    seed: int, counter: int, stream: int, rows: int, width: int, p: float, first: int = 0
) -> numpy.ndarray:
    """The factors (0 or 1 / (1 - p)) on the inputs of one module's A: rows x width, rows counted over the whole batch,
    from `first`."""
    begin, end = first * width, (first + rows) * width
    groups = numpy.arange(begin // 4, (end + 3) // 4, dtype=numpy.uint32)
    words = pcg4d(seed, counter, stream, groups).reshape(-1)[begin % 4 :][: end - begin]
    keep = (words >> numpy.uint32(8)) >= round(p * 2**24)
    return (keep * numpy.float32(1 / (1 - p))).astype(numpy.float32).reshape(rows, width)


class Mask(torch.nn.Module):
    """Stands where PEFT has its dropout."""

    def __init__(self):
        super().__init__()
        self.factors: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factors


class Masks:
    """Puts Basin's dropout into a PEFT model; call before each micro-batch. Modules are numbered in the model's
    order."""

    def __init__(self, model: torch.nn.Module, p: float, seed: int, packing: bool):
        self.p, self.seed, self.packing = p, seed, packing
        self.masks: list[tuple[Mask, int]] = []
        for module in model.modules():
            if hasattr(module, "lora_A") and "default" in module.lora_A:
                mask = Mask()
                module.lora_dropout["default"] = mask
                self.masks.append((mask, module.lora_A["default"].weight.shape[1]))

    def __call__(self, counter: int, rows: list[dict]) -> None:
        lengths = [len(row["input_ids"]) for row in rows]
        longest = max(lengths)
        # Where each row of the batch begins among Basin's tokens: back to back, or padded to the longest.
        starts = [sum(lengths[:i]) if self.packing else i * longest for i in range(len(rows))]
        for stream, (mask, width) in enumerate(self.masks):
            flat = torch.from_numpy(dropout_mask(self.seed, counter, stream, starts[-1] + longest, width, self.p))
            factors = torch.ones(len(rows), longest, width)
            for i, (at, length) in enumerate(zip(starts, lengths)):
                factors[i, :length] = flat[at : at + length]
            mask.factors = factors
