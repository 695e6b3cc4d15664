"""AsFT's anchored penalty (arXiv 2506.08473) for any training loop over a PEFT LoRA model.

    loss = cross-entropy + lambda * P,    P = SUM over LoRA modules of || (I - C)(f B A) ||_F^2
    V = W_aligned - W_unaligned  (out x in), of the module's weight

    projector   C                                                               what stays free of the penalty
    safe_lora   V V^T / ||V||_F        (the released code; not idempotent)      roughly, the column space of V
    rank        U_k U_k^T              (first k left singular vectors of V)     an exact subspace of k dimensions
    flat        <., V> V / ||V||_F^2   (V as one vector)                        one direction of the whole matrix
    flat_plus   the same where <B A, V> > 0, else 0                             only movement towards alignment
    none        0                                                               nothing: plain L2 on B A

f = 1 (penalty_scale "ba", the released code), or the LoRA scale alpha / r ("scaled": on the update that the model
gets). Neither B A nor an out x out matrix is formed: with G = A A^T (r x r) and X = (I - C) B, computed through thin
products,

    || X A ||_F^2 = SUM (X^T X) * G,        flat: || B A ||^2 - c^2 with c = <V^T B, A^T> / ||V||

In one process without gradient accumulation the penalty is a term of the loss like any other:

    v = alignment_directions(model, "path/to/aligned", "path/to/unaligned")
    penalty = AsFTPenalty(model, v, projector="safe_lora")
    loss = model(**batch).loss + lam * penalty()

With gradient accumulation, DistributedDataParallel or FSDP2 that would count it once a micro-batch, or confuse the
wrapper's hooks. There, call it once per optimiser step, after the last backward and before clipping:

    value = penalty.add_gradients(lam)       # every parameter's .grad += lam * dP/dparameter; the same on every process
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

PROJECTORS = ("safe_lora", "rank", "flat", "flat_plus", "none")


def lora_modules(model: nn.Module, adapter: str = "default") -> dict[str, nn.Module]:
    """Path in the base model, such as model.layers.0.self_attn.q_proj -> PEFT's LoRA module; in the model's order."""
    found = {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and adapter in module.lora_A:
            found[name.rpartition("base_model.model.")[2]] = module
    return found


def whole(parameter: Tensor) -> Tensor:
    """The whole tensor where FSDP2 keeps a shard of it (differentiable, a collective call); else the tensor itself."""
    return parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter


class AsFTPenalty:
    """P of the model's adapter as it stands. Hold one for the whole training."""

    def __init__(
        self,
        model: nn.Module,
        directions: Mapping[str, Tensor] | None,
        *,
        projector: str = "safe_lora",
        rank: int = 4,
        penalty_scale: str = "ba",
        adapter: str = "default",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        """`model`: the PeftModel, before or after it is prepared for several processes, but not its wrapper.
        `directions`: V by module path; None for projector none. `dtype`: what V (or U_k) is kept in; bfloat16 halves
        the memory and rounds V. `device`: where V is taken apart, in float64; for projector rank, whose singular
        vectors take minutes for a wide matrix on a CPU."""
        if projector not in PROJECTORS:
            raise ValueError(f"unknown projector {projector}; there are {', '.join(PROJECTORS)}")
        if penalty_scale not in ("ba", "scaled"):
            raise ValueError(f"unknown penalty_scale {penalty_scale}; there are ba, scaled")
        self.projector, self.penalty_scale, self.adapter = projector, penalty_scale, adapter
        self.modules = lora_modules(model, adapter)
        if not self.modules:
            raise ValueError(f"the model has no LoRA module of an adapter called {adapter}")
        self.anchors: dict[str, Tensor] = {}
        if projector == "none":
            return
        missing = [path for path in self.modules if directions is None or path not in directions]
        if missing:
            raise ValueError(f"no alignment direction for {', '.join(missing)}")
        for path in self.modules:
            v = directions[path].to(device).double()
            norm = v.norm()
            if projector == "rank":
                anchor = torch.linalg.svd(v, full_matrices=False).U[:, :rank]
            elif norm == 0:
                anchor = v
            else:
                anchor = v / (norm.sqrt() if projector == "safe_lora" else norm)
            self.anchors[path] = anchor.to(dtype)

    def of_module(self, path: str) -> Tensor:
        module = self.modules[path]
        a = whole(module.lora_A[self.adapter].weight).float()  # r x in
        b = whole(module.lora_B[self.adapter].weight).float()  # out x r
        factor = module.scaling[self.adapter] if self.penalty_scale == "scaled" else 1.0
        gram = a @ a.T
        if self.projector == "none":
            return factor**2 * ((b.T @ b) * gram).sum()
        anchor = self.anchors[path] = self.anchors[path].to(b.device)
        anchor = anchor.to(b.dtype)
        if self.projector in ("safe_lora", "rank"):
            x = b - anchor @ (anchor.T @ b)
            return factor**2 * ((x.T @ x) * gram).sum()
        along = ((anchor.T @ b) * a.T).sum()
        if self.projector == "flat_plus":
            along = along.clamp(min=0)
        return factor**2 * (((b.T @ b) * gram).sum() - along**2)

    def __call__(self) -> Tensor:
        """P, differentiable."""
        return torch.stack([self.of_module(path) for path in self.modules]).sum()

    def begin(self, step: int, steps: int, stream: str) -> None:
        """Before each optimiser step: nothing changes."""

    def add_gradients(self, lam: float) -> float:
        """Adds lam * dP to the gradients and returns P. Module by module, so that one module's values are held at a
        time.

        Gradients are taken directly and not with backward(): no hook of DDP or FSDP sees them, so nothing is averaged
        away or reduced twice. All processes must call it, and each gets the same gradient (its shard of it under
        FSDP2)."""
        total = 0.0
        for path, module in self.modules.items():
            parameters = [module.lora_A[self.adapter].weight, module.lora_B[self.adapter].weight]
            value = self.of_module(path)
            for parameter, gradient in zip(parameters, torch.autograd.grad(lam * value, parameters)):
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
            total += float(value.detach())
        return total


# --- alignment directions --------------------------------------------------------------------------------------------


class Checkpoint:
    """Single matrices of a checkpoint in Hugging Face layout, without loading the model.

    Of a folder that holds both, model.safetensors is read and the index of shards is not, as transformers and Basin do.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        single = self.folder / "model.safetensors"
        if single.exists():
            with safe_open(single, "pt") as file:
                self.files = dict.fromkeys(file.keys(), single.name)
        else:
            index = self.folder / "model.safetensors.index.json"
            self.files = json.loads(index.read_text())["weight_map"]

    def weight(self, path: str) -> Tensor:
        """The weight of a module, in float32. Checkpoints of larger models may put a prefix before the name."""
        key = f"{path}.weight"
        names = (
            [key]
            if key in self.files
            else [name for name in self.files if name.endswith("." + key.removeprefix("model."))]
        )
        if len(names) != 1:
            raise ValueError(f"{self.folder} has {len(names) or 'no'} tensors for {key}")
        with safe_open(self.folder / self.files[names[0]], "pt") as file:
            return file.get_tensor(names[0]).float()


def alignment_directions(
    model: nn.Module, aligned: str | Path, unaligned: str | Path, adapter: str = "default"
) -> dict[str, Tensor]:
    """V = W_aligned - W_unaligned (float32, out x in) of every LoRA module, from two checkpoint folders."""
    pair = Checkpoint(aligned), Checkpoint(unaligned)
    directions = {}
    for path in lora_modules(model, adapter):
        a, u = (checkpoint.weight(path) for checkpoint in pair)
        if a.shape != u.shape:
            raise ValueError(f"{path} is {tuple(a.shape)} in {aligned} and {tuple(u.shape)} in {unaligned}")
        directions[path] = a - u
    return directions


def lora_parameters(model: nn.Module, adapter: str = "default") -> Iterator[nn.Parameter]:
    for module in lora_modules(model, adapter).values():
        yield module.lora_A[adapter].weight
        yield module.lora_B[adapter].weight


# --- for train.py ----------------------------------------------------------------------------------------------------


def needs_pair(options: dict) -> bool:
    return options["lambda"] > 0 and options["projector"] != "none"


def prepare(replay):
    """`replay`: train.Replay. Returns its Stages."""
    options, arguments = replay.options, replay.arguments
    if options["lambda"] == 0:
        return replay.stages()
    # Not every accelerator has float64.
    device = replay.trainer.accelerator.device
    penalty = AsFTPenalty(
        replay.model,
        replay.directions() if needs_pair(options) else None,
        **replay.chosen("projector", "rank", "penalty_scale"),
        dtype=getattr(torch, arguments.direction_dtype),
        device=device if device.type == "cuda" else "cpu",
    )
    return replay.stages(term=penalty, weight=options["lambda"])
