"""Basin's own random streams, in Python: where a fresh adapter starts and in which order an epoch goes through the rows.

The same arithmetic as src/text/apothecary/rng.ts (sfc32, seeded with a text), src/train/initAdapter.ts and
src/text/batches.ts (`epochOrder`); all on 32-bit integers, so the numbers are the same to the last bit.
"""

from __future__ import annotations

import math

import numpy

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
