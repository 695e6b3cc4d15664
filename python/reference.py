"""The reference that Basin is held against: transformers + PEFT, in float32, with the anchored penalty written out.

Nothing here is clever on purpose. The penalty forms B A and the whole out x out projector, autograd does the gradients,
`torch.optim.AdamW` the steps, `model(labels=...)` the loss. `fixtures/golden.py` records numbers made with it,
`replay.py` runs a Basin spec with it, `check_adapter.py` scores with it.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor

NO_LABEL = -100


def versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "safetensors")}


def load_model(folder: str | Path, dtype: torch.dtype = torch.float32) -> transformers.PreTrainedModel:
    """The checkpoint's weights as stored, converted to `dtype`; plain attention."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
    return model.eval()


# --- scoring and decoding ------------------------------------------------------------------------------------------


@torch.no_grad()
def token_logprobs(model: torch.nn.Module, tokens: list[int]) -> list[float]:
    """Natural log-probability of token t+1 given tokens <= t; len(tokens) - 1 values."""
    ids = torch.tensor([tokens])
    logits = model(input_ids=ids).logits[0]
    chosen = torch.log_softmax(logits[:-1], dim=-1).gather(1, ids[0, 1:, None])
    return [float(value) for value in chosen[:, 0]]


@torch.no_grad()
def greedy(model: torch.nn.Module, tokens: list[int], new: int) -> tuple[list[int], float]:
    """`new` greedy tokens and the smallest lead (in logits) of a chosen token over the runner-up."""
    model.generation_config.eos_token_id = None  # else generate() takes the checkpoint's and stops early
    out = model.generate(
        input_ids=torch.tensor([tokens]),
        attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
        generation_config=transformers.GenerationConfig(
            max_new_tokens=new, do_sample=False, pad_token_id=0, return_dict_in_generate=True, output_logits=True
        ),
    )
    top = torch.stack([logits[0].topk(2).values for logits in out.logits])
    assert out.sequences.shape[1] == len(tokens) + new
    return out.sequences[0, len(tokens) :].tolist(), float((top[:, 0] - top[:, 1]).min())


# --- the anchored penalty ------------------------------------------------------------------------------------------


def lora_modules(model: PeftModel) -> dict[str, tuple[Tensor, Tensor]]:
    """Module path in the base model -> (A: r x in, B: out x r), in the model's order."""
    modules = {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            path = name.removeprefix("base_model.model.")
            modules[path] = (module.lora_A["default"].weight, module.lora_B["default"].weight)
    return modules


def lora_scale(lora: dict) -> float:
    return lora["lora_alpha"] / (math.sqrt(lora["r"]) if lora.get("use_rslora") else lora["r"])


def directions(
    aligned: Path, unaligned: Path, paths: list[str], dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """V = W_aligned - W_unaligned (out x in) of each module."""
    a, u = load_model(aligned, dtype), load_model(unaligned, dtype)
    with torch.no_grad():
        return {path: a.get_submodule(path).weight - u.get_submodule(path).weight for path in paths}


class Penalty:
    """SUM over modules of || (I - C)(f B A) ||_F^2 with C by projector; f = 1, or the LoRA scale (penalty_scale
    scaled)."""

    def __init__(self, method: dict, lora: dict, v: dict[str, Tensor]):
        self.projector = method.get("projector", "safe_lora")
        if method.get("penalty_scale") == "scaled" and (lora.get("rank_pattern") or lora.get("alpha_pattern")):
            raise ValueError("penalty_scale scaled with ranks or alphas by module is not written out here")
        self.factor = lora_scale(lora) if method.get("penalty_scale") == "scaled" else 1.0
        self.v = v
        self.c: dict[str, Tensor] = {}
        for path, direction in v.items():
            if self.projector == "safe_lora":
                norm = direction.norm()
                self.c[path] = direction @ direction.T / (norm if norm > 0 else 1.0)
            elif self.projector == "rank":
                u = torch.linalg.svd(direction.double(), full_matrices=False).U[:, : method.get("rank", 4)]
                self.c[path] = (u @ u.T).to(direction.dtype)

    def of_module(self, path: str, a: Tensor, b: Tensor) -> Tensor:
        update = self.factor * (b @ a)
        if self.projector in ("safe_lora", "rank"):
            update = update - self.c[path] @ update
        elif self.projector == "flat":
            v = self.v[path]
            square = (v * v).sum()
            if square > 0:
                update = update - (update * v).sum() / square * v
        elif self.projector != "none":
            raise ValueError(f"unknown projector {self.projector}")
        return (update * update).sum()

    def __call__(self, modules: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        return {path: self.of_module(path, a, b) for path, (a, b) in modules.items()}


@torch.no_grad()
def project_safe_lora(modules: dict[str, tuple[Tensor, Tensor]], method: dict, v: dict[str, Tensor]) -> list[str]:
    """Safe LoRA after training, written out: B := C B where cos(C B A, B A), rounded to 5 decimals, is at most the
    threshold. Returns the projected modules."""
    cosines, images = {}, {}
    for path, (a, b) in modules.items():
        direction = v[path].double()
        norm = direction.norm()
        if norm == 0:
            continue
        images[path] = direction @ direction.T / norm @ b.double()
        update, projected = b.double() @ a.double(), images[path] @ a.double()
        size = update.norm() * projected.norm()
        cosines[path] = round(float((update * projected).sum() / size), 5) if size > 0 else 0.0
    if method.get("select", "number") == "threshold":
        threshold = method.get("threshold", 0.5)
    else:
        threshold = sorted(cosines.values())[: method.get("num_proj_layers", 10)][-1]
    taken = [path for path, cosine in cosines.items() if cosine <= threshold]
    for path in taken:
        modules[path][1].copy_(images[path])
    return taken


@torch.no_grad()
def prune_splora(modules: dict[str, tuple[Tensor, Tensor]], method: dict, v: dict[str, Tensor]) -> list[str]:
    """SPLoRA after training, written out with C B A and B A: B := 0 in the modules that depart most from the alignment.
    Returns the pruned modules."""
    kind = method.get("score", "reconstruction")
    scores = {}
    for path, (a, b) in modules.items():
        direction = v[path].double()
        if direction.norm() == 0:
            continue
        update = b.double() @ a.double()
        image = direction @ direction.T / direction.norm() @ update
        if kind == "cosine":
            size = image.norm() * update.norm()
            scores[path] = float((image * update).sum() / size) if size > 0 else 0.0
        elif kind == "released":
            if not torch.equal(image, update):
                q1 = [x.float().double().flatten().quantile(0.25) for x in (image, update)]
                scores[path] = 1 - float(q1[0] - q1[1])
        else:
            scores[path] = float((image - update).norm())
    largest = kind == "reconstruction"
    if largest and scores:
        d = torch.tensor(list(scores.values()), dtype=torch.float64)
        if method.get("spread", "quartiles") == "variance":
            width = d.max() - d.min()
            centred = width * (d - d.mean()) / d.var() if width > 0 else torch.zeros_like(d)
        else:
            centred = (d - d.quantile(0.5)) / (d.quantile(0.75) - d.quantile(0.25) + 1e-6)
        scores = dict(zip(scores, centred.tolist()))
    count = method.get("num_pruned_layers", 10)
    if method.get("select", "number") == "threshold":
        limit = method.get("threshold", 0.5)
        taken = [path for path, score in scores.items() if (score >= limit if largest else score <= limit)]
    elif count == 0 or not scores:
        taken = []
    elif kind == "released":
        limit = sorted(scores.values(), reverse=True)[:count][-1]
        taken = [path for path, score in scores.items() if score <= limit]
    else:
        taken = sorted(scores, key=lambda path: -scores[path] if largest else scores[path])[:count]
    for path in taken:
        modules[path][1].zero_()
    return taken


# --- batches and schedule ------------------------------------------------------------------------------------------


def read_rows(path: str | Path) -> list[dict]:
    """Token rows: {"input_ids": [...], "labels": [...]} a line."""
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line.strip()]


def pad(rows: list[dict], pad_id: int = 0) -> dict[str, Tensor]:
    width = max(len(row["input_ids"]) for row in rows)

    def column(values: list[list[int]], fill: int) -> Tensor:
        return torch.tensor([each + [fill] * (width - len(each)) for each in values])

    return {
        "input_ids": column([row["input_ids"] for row in rows], pad_id),
        "labels": column([row["labels"] for row in rows], NO_LABEL),
        "attention_mask": column([[1] * len(row["input_ids"]) for row in rows], 0),
    }


def label_count(rows: list[dict]) -> int:
    """Labels that take part in the loss: the shift leaves a row's first label out."""
    return sum(label != NO_LABEL for row in rows for label in row["labels"][1:])


def groups(items: list, size: int) -> list[list]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def total_steps(count: int, train: dict) -> tuple[int, int]:
    """(optimiser steps, optimiser steps per epoch), as in transformers: the last batch may be short."""
    micro = math.ceil(count / train["per_device_train_batch_size"])
    per_epoch = math.ceil(micro / train.get("gradient_accumulation_steps", 1))
    if train.get("max_steps", -1) > 0:
        return train["max_steps"], per_epoch
    return math.ceil(per_epoch * train["num_train_epochs"]), per_epoch


def step_batches(
    count: int, train: dict, orders: list[list[int]] | None = None
) -> Iterator[tuple[int, list[list[int]]]]:
    """(epoch, micro-batches of row indices) of each optimiser step; `orders` gives the rows' order by epoch, else as
    filed."""
    steps, per_epoch = total_steps(count, train)
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        order = orders[epoch] if orders else list(range(count))
        micro = groups(order, train["per_device_train_batch_size"])
        yield epoch, groups(micro, train.get("gradient_accumulation_steps", 1))[at]


def learning_rate(train: dict, step: int, steps: int, epoch: int) -> float:
    """As `transformers.get_scheduler` and, for step_per_epoch, torch's StepLR once an epoch; `step` counts from 0."""
    peak, warmup = train["learning_rate"], train.get("warmup_steps", 0)
    if step < warmup:
        return peak * step / max(1, warmup)
    progress = (step - warmup) / max(1, steps - warmup)
    kind = train.get("lr_scheduler_type", "step_per_epoch")
    if kind == "constant":
        return peak
    if kind == "linear":
        return peak * max(0.0, 1 - progress)
    if kind == "cosine":
        return peak * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
    if kind == "step_per_epoch":
        return peak * train.get("lr_gamma", 0.85) ** epoch
    raise ValueError(f"unknown lr_scheduler_type {kind}")


# --- training ------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """One optimiser step; names as in Basin's metrics.jsonl. Gradients are those before clipping, penalty included."""

    ce: float
    penalty: float
    loss: float
    learning_rate: float
    grad_norm: float
    gradients: dict[str, Tensor] = field(default_factory=dict)


def with_adapter(
    model: transformers.PreTrainedModel, lora: dict, folder: str | Path | None, trainable: bool = True
) -> PeftModel:
    """The model with the adapter in `folder`, or with a fresh one."""
    if folder is not None:
        return PeftModel.from_pretrained(model, folder, is_trainable=trainable)
    targets = lora["target_modules"]
    config = LoraConfig(
        r=lora["r"],
        lora_alpha=lora["lora_alpha"],
        lora_dropout=lora.get("lora_dropout", 0.0),
        target_modules=targets,
        use_rslora=lora.get("use_rslora", False),
        rank_pattern=lora.get("rank_pattern", {}),
        alpha_pattern=lora.get("alpha_pattern", {}),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def named(modules: dict[str, tuple[Tensor, Tensor]], pick=lambda tensor: tensor) -> dict[str, Tensor]:
    """`<path>.lora_A` and `<path>.lora_B` -> tensor."""
    out = {}
    for path, (a, b) in modules.items():
        out[f"{path}.lora_A"] = pick(a).detach().clone().contiguous()
        out[f"{path}.lora_B"] = pick(b).detach().clone().contiguous()
    return out


def has_terms(rows: list[dict]) -> bool:
    """Whether tokens have weights, or are held to the model without adapter."""
    return any("weights" in row or "kl" in row for row in rows)


def terms_of(row: dict) -> list[tuple[int, float, float]]:
    """Target, weight and KL coefficient of each token but the first; the row's own token where there is no label."""
    count = len(row["labels"])
    weights, kl = row.get("weights") or [1.0] * count, row.get("kl") or [0.0] * count
    return [
        (token, 0.0, held) if label == NO_LABEL else (label, weight, held)
        for token, label, weight, held in zip(row["input_ids"], row["labels"], weights, kl)
    ][1:]


def terms_count(rows: list[dict]) -> int:
    """Labels that have a loss."""
    return sum(
        label != NO_LABEL and (weight != 0 or held != 0)
        for row in rows
        for label, (_, weight, held) in zip(row["labels"][1:], terms_of(row))
    )


def terms_loss(model: PeftModel, rows: list[dict], estimator: str) -> Tensor:
    """Sum over tokens of weight * CE + kl * KL(p || p_ref), KL estimated at the token (k2 or k3)."""
    batch = {key: value for key, value in pad(rows).items() if key != "labels"}
    found = torch.log_softmax(model(**batch).logits, dim=-1)
    with torch.no_grad(), model.disable_adapter():
        reference = torch.log_softmax(model(**batch).logits, dim=-1)
    total = torch.zeros(())
    for i, row in enumerate(rows):
        for t, (target, weight, held) in enumerate(terms_of(row)):
            if weight != 0:
                total = total - weight * found[i, t, target]
            if held != 0:
                d = reference[i, t, target] - found[i, t, target]
                total = total + held * (d * d / 2 if estimator == "k2" else torch.expm1(d) - d)
    return total


def train(
    model: PeftModel,
    rows: list[dict],
    spec: dict,
    penalty: Penalty | None,
    orders: list[list[int]] | None = None,
    keep_gradients: tuple[int, ...] = (),
    before_batch: Callable[[int, list[dict]], None] | None = None,
    one_by_one: bool = False,
) -> Iterator[Step]:
    """Train in place, one `Step` per optimiser step. Cross-entropy is the mean over the labelled tokens of the whole
    optimiser step (transformers' Trainer with num_items_in_batch); the penalty is counted once per step. `before_batch`
    is called with each micro-batch and its number in the run. `one_by_one` takes each row alone instead of padding it:
    the same sums, and the only way in float64 when layers see a window (a padding token that sees nothing becomes NaN
    there)."""
    settings, method = spec["train"], spec["method"]
    model.eval()  # torch's own dropout has no part in a comparison of numbers; basin_random.Masks brings Basin's
    batches = 0
    modules = lora_modules(model)
    parameters = [tensor for pair in modules.values() for tensor in pair]
    optimiser = torch.optim.AdamW(
        parameters,
        lr=settings["learning_rate"],
        betas=(settings.get("adam_beta1", 0.9), settings.get("adam_beta2", 0.999)),
        eps=settings.get("adam_epsilon", 1e-8),
        weight_decay=settings.get("weight_decay", 0.0),
    )
    weight = method.get("lambda", 1.0) if method["name"] == "asft" else 0.0
    steps, _ = total_steps(len(rows), settings)
    terms = has_terms(rows)
    for index, (epoch, micro_batches) in enumerate(step_batches(len(rows), settings, orders)):
        rate = learning_rate(settings, index, steps, epoch)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=False)
        labels = (terms_count if terms else label_count)([rows[i] for micro in micro_batches for i in micro])
        ce = 0.0
        for micro in micro_batches:
            if before_batch is not None:
                before_batch(batches, [rows[i] for i in micro])
            batches += 1
            for part in [[i] for i in micro] if one_by_one else [micro]:
                # With num_items_in_batch the model's own loss is the sum of its rows' losses over that count.
                mine = [rows[i] for i in part]
                if terms:
                    loss = terms_loss(model, mine, method.get("estimator", "k2")) / max(1, labels)
                else:
                    loss = model(**pad(mine), num_items_in_batch=labels).loss
                loss.backward()
                ce += float(loss.detach())
        total_penalty = 0.0
        if penalty is not None:
            value = sum(penalty(modules).values())
            (weight * value).backward()
            total_penalty = float(value.detach())
        gradients = named(modules, lambda tensor: tensor.grad) if index + 1 in keep_gradients else {}
        norm = torch.nn.utils.get_total_norm([tensor.grad for tensor in parameters])
        if settings.get("max_grad_norm", 0) > 0:
            torch.nn.utils.clip_grad_norm_(parameters, settings["max_grad_norm"])
        optimiser.step()
        yield Step(ce, total_penalty, ce + weight * total_penalty, rate, float(norm), gradients)
