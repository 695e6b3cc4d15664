"""Losses of tokens that have weights of their own, or are held to the model without adapter.

    loss of a token = weight * CE + kl * KL(p || p_ref)          both by position, in rows.jsonl
    k2: KL = d^2 / 2    k3: KL = exp(d) - 1 - d    d = log p_ref - log p    at the token

A token whose weight and kl are both 0 has no loss and is not counted. Where kl reaches a token without a label, it is
the row's own token that is held to the reference; such tokens are not counted either.
"""

from __future__ import annotations

import torch
from torch.nn import functional

NO_LABEL = -100


def has_terms(rows: list[dict]) -> bool:
    return any("weights" in row or "kl" in row for row in rows)


def terms_of(row: dict) -> tuple[list[float], list[float]]:
    labels = row["labels"]
    weights = row.get("weights") or [float(label != NO_LABEL) for label in labels]
    weights = [weight if label != NO_LABEL else 0.0 for weight, label in zip(weights, labels)]
    return weights, row.get("kl") or [0.0] * len(labels)


def label_count(rows: list[dict]) -> int:
    """Labels that take part in the loss: the shift leaves a row's first label out."""
    count = 0
    for row in rows:
        weights, kl = terms_of(row)
        count += sum(
            label != NO_LABEL and (weight != 0 or held != 0)
            for label, weight, held in list(zip(row["labels"], weights, kl))[1:]
        )
    return count


def log_probs(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """log p of each target but a row's first. [B, T, V], [B, T] -> [B, T - 1]"""
    shifted = logits[:, :-1].float()
    return -functional.cross_entropy(shifted.transpose(1, 2), targets[:, 1:], reduction="none")


def summed_loss(model, rows: list[dict], batch: dict, estimator: str, reference) -> torch.Tensor:
    """Sum of the losses of all tokens. `batch`: the padded rows; `reference`: calls the model without its adapter."""
    width = batch["input_ids"].shape[1]

    def padded(values: list[list[float]]) -> torch.Tensor:
        return torch.tensor([each + [0.0] * (width - len(each)) for each in values], device=batch["input_ids"].device)

    pairs = [terms_of(row) for row in rows]
    weights, kl = padded([pair[0] for pair in pairs])[:, 1:], padded([pair[1] for pair in pairs])[:, 1:]
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    targets = torch.where(batch["labels"] == NO_LABEL, batch["input_ids"], batch["labels"])
    found = log_probs(model(**inputs).logits, targets)
    loss = -(weights * found).sum()
    if bool((kl != 0).any()):
        d = log_probs(reference(inputs), targets) - found
        loss = loss + (kl * (d.square() / 2 if estimator == "k2" else torch.expm1(d) - d)).sum()
    return loss
