"""Normal numbers by position: the same bits as src/analysis/landscape/gaussian.ts and shaders/perturb.wgsl.

Element i of a tensor's random direction is a function of (seed, tensor name, i): a word of Threefry-2x32-20, mapped to
a quantile of the normal distribution by a table of integers.
"""

from __future__ import annotations

from functools import cache

import numpy

from basin_random import hash_text

OCTAVES = 25
UNIT = 2**20
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA


def stream_key(seed: int, tensor: str) -> tuple[int, int]:
    name = f"landscape/{seed}/{tensor}"
    return hash_text(name), hash_text(name, 0x9E3779B9)


def threefry(key: tuple[int, int], counter: numpy.ndarray) -> numpy.ndarray:
    """Words (2 x n) of the counters (c, 0), uint32."""
    schedule = [numpy.uint32(word) for word in (*key, key[0] ^ key[1] ^ PARITY)]
    a = counter.astype(numpy.uint32) + schedule[0]
    b = numpy.full_like(a, schedule[1])
    for turn in range(20):
        by = ROTATIONS[turn % 8]
        a = a + b
        b = ((b << numpy.uint32(by)) | (b >> numpy.uint32(32 - by))) ^ a
        if turn % 4 == 3:
            injection = (turn + 1) // 4
            a = a + schedule[injection % 3]
            b = b + schedule[(injection + 1) % 3] + numpy.uint32(injection)
    return numpy.stack([a, b])


def exponential(y: float) -> float:
    small = -y / 4096
    term = total = 1.0
    for n in range(1, 13):
        term = (term * small) / n
        total += term
    for _ in range(12):
        total *= total
    return total


def density(x: float) -> float:
    return exponential((x * x) / 2) / 2.5066282746310002


def tail(x: float) -> float:
    if x >= 3:
        fraction = x
        for n in range(200, 0, -1):
            fraction = x + n / fraction
        return (2 * density(x)) / fraction
    term = total = x
    for n in range(1, 80):
        term = (term * x * x) / (2 * n + 1)
        total += term
    return 1 - 2 * density(x) * total


@cache
def quantile_table() -> numpy.ndarray:
    table = numpy.zeros(64 * OCTAVES + 1, dtype=numpy.int32)
    x = 5.5
    for i in range(64 * OCTAVES):
        p = (1 + (i % 64) / 64) / 2 ** (OCTAVES - i // 64)
        for _ in range(12):
            x += (tail(x) - p) / (2 * density(x))
        table[i] = int(x * UNIT + 0.5)
    return table


def gaussian_units(words: numpy.ndarray) -> numpy.ndarray:
    """uint32 words as normal numbers in units of 2^-20, int32."""
    table = quantile_table()
    v = numpy.maximum(words & numpy.uint32(0x7FFFFFFF), numpy.uint32(64)).astype(numpy.int64)
    # frexp is exact here: v = m 2^e with 1/2 <= m < 1.
    octave = 31 - numpy.frexp(v.astype(numpy.float64))[1]
    scaled = v << octave
    at = (OCTAVES - 1 - octave) * 64 + ((scaled >> 24) & 63)
    low = table[at].astype(numpy.int64)
    value = low - (((low - table[at + 1]) * ((scaled >> 10) & 0x3FFF)) >> 14)
    return numpy.where(words >> numpy.uint32(31), -value, value).astype(numpy.int32)


def gaussians(seed: int, tensor: str, shape: tuple[int, ...]) -> numpy.ndarray:
    """A tensor's random direction before it is scaled, float32."""
    count = int(numpy.prod(shape))
    words = threefry(stream_key(seed, tensor), numpy.arange((count + 1) // 2, dtype=numpy.uint32)).T.reshape(-1)
    return (gaussian_units(words[:count]) / numpy.float32(UNIT)).astype(numpy.float32).reshape(shape)
