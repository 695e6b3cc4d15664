"""int8 and NF4 as Basin has them, written out in plain PyTorch: the reference for src/weights/quantise.ts.

int8: symmetric absmax per output row, as bitsandbytes' int8_vectorwise_quant without outliers. NF4: blocks of 64 over
the row-major matrix, as bitsandbytes' quantize_4bit; optionally with absmax quantised to 8 bits (compress_statistics).
Sources: Dettmers et al., arXiv 2208.07339 and 2305.14314; the dynamic map: arXiv 1511.04561. Everything is float32 but
the mean of absmax, which is summed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 64
GROUP = 256
NF4 = torch.tensor(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
    ]
    + [
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)


@dataclass
class Quantised:
    """`codes`: int8 of the matrix's shape, or uint8 with two codes a byte. `values`: what they stand for, float32."""

    codes: Tensor
    scales: dict[str, Tensor]
    values: Tensor


def inverse(numerator: float, absmax: Tensor) -> Tensor:
    # Not `numerator / absmax`: for a Python number PyTorch multiplies by the reciprocal, which rounds twice.
    return torch.where(absmax > 0, torch.full_like(absmax, numerator) / absmax, torch.zeros_like(absmax))


def int8(matrix: Tensor) -> Quantised:
    w = matrix.float()
    absmax = w.abs().amax(dim=1)
    codes = torch.round(w * inverse(127.0, absmax)[:, None]).to(torch.int8)
    scale = absmax / 127.0
    return Quantised(codes, dict(scale=scale), codes.float() * scale[:, None])


def blocks(flat: Tensor, size: int) -> Tensor:
    """Rows of `size`, zeros behind the end."""
    return torch.nn.functional.pad(flat, (0, -flat.numel() % size)).view(-1, size)


def nearest(x: Tensor, table: Tensor) -> Tensor:
    """Index of the nearest value of an ascending table; exactly between two: the smaller."""
    return (x.double()[..., None] - table.double()).abs().argmin(dim=-1).to(torch.uint8)


def dynamic_map() -> Tensor:
    """bitsandbytes' create_dynamic_map(signed=True), computed in float64: 7 exponents, 2^e midpoints each, both signs,
    0 and 1."""
    values = [0.0, 1.0]
    for e in range(7):
        edges = torch.linspace(0.1, 1, 2**e + 1, dtype=torch.float64)
        middles = 10.0 ** (e - 6) * (edges[:-1] + edges[1:]) / 2
        values += middles.tolist() + (-middles).tolist()
    return torch.tensor(sorted(values), dtype=torch.float64).float()


def nf4(matrix: Tensor, double: bool) -> Quantised:
    flat = matrix.float().flatten()
    grouped = blocks(flat, BLOCK)
    absmax = grouped.abs().amax(dim=1)
    codes = nearest((grouped * inverse(1.0, absmax)[:, None]).clamp(-1, 1), NF4).flatten()[: flat.numel()]
    pairs = torch.nn.functional.pad(codes, (0, codes.numel() % 2)).view(-1, 2)
    packed = (pairs[:, 0] << 4) | pairs[:, 1]
    scales = dict(absmax=absmax)
    if double:
        mean = absmax.double().mean().float()
        centred = blocks(absmax - mean, GROUP)
        most = centred.abs().amax(dim=1)
        table = dynamic_map()
        a = nearest((centred * inverse(1.0, most)[:, None]).clamp(-1, 1), table)
        absmax = ((table[a.long()] * most[:, None]) + mean).flatten()[: absmax.numel()]
        scales = dict(codes=a.flatten()[: absmax.numel()].contiguous(), groups=most, mean=mean.view(1), map=table)
    values = (blocks(NF4[codes.long()], BLOCK) * absmax[:, None]).flatten()[: flat.numel()].view(matrix.shape)
    return Quantised(packed, scales, values)


def quantise(matrix: Tensor, kind: str) -> Quantised:
    """`kind`: int8, nf4 or nf4_double."""
    return int8(matrix) if kind == "int8" else nf4(matrix, kind == "nf4_double")


@torch.no_grad()
def quantise_model(model: torch.nn.Module, kind: str) -> None:
    """Replace every linear layer's weight but the head's by what its codes stand for."""
    head = model.get_output_embeddings()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module is not head:
            module.weight.copy_(quantise(module.weight, kind).values)


def kind_of(model: dict) -> str | None:
    """The kind that a spec's `model` asks for."""
    quantization = model.get("quantization")
    return "nf4_double" if quantization == "nf4" and model.get("bnb_4bit_use_double_quant") else quantization
