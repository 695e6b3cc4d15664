"""LoRA fine-tuning of the bundled pair in PyTorch + PEFT with every penalty of Basin: the settings behind the defaults.

    python python/apothecary/sweep.py --tasks topic --methods sft:0 asft:10 none:10 rank8:10 flat:10 safelora:0.5
    python python/apothecary/sweep.py --table runs/apothecary/results.jsonl

A method is NAME:VALUES. `sft`; `asft` (the published code's V V^T / |V|_F), `rankK` (exact, first K left singular
vectors), `flat` (V as one vector) and `none` (plain L2) with lambdas; `safelora` with thresholds tau, applied after
SFT. The penalty acts on B A, or with --true-scale on (alpha/r) B A. Equations: src/methods. Batches of 8 (padded,
drop_last), AdamW without weight decay, learning rate times 0.85 after each epoch.
"""

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear as LoraLinear
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

import world


class Anchor:
    """The penalty of one matrix. B is out x r, A is r x in, V = W_aligned - W_unaligned is out x in."""

    def __init__(self, kind, v):
        self.kind, self.v, self.norm = kind, v, v.norm()
        self.u = None
        if kind.startswith("rank"):
            self.u = torch.linalg.svd(v, full_matrices=False)[0][:, : int(kind[4:])]

    def project(self, b):
        """The part of B that the projector leaves free."""
        if self.u is not None:
            return self.u @ (self.u.T @ b)
        return self.v @ (self.v.T @ b) / self.norm

    def __call__(self, a, b):
        gram = a @ a.T
        if self.kind == "flat":
            along = (b * (self.v @ a.T)).sum()
            return ((b.T @ b) * gram).sum() - along**2 / self.norm**2
        x = b if self.kind == "none" else b - self.project(b)
        return ((x.T @ x) * gram).sum()


def epochs_of_batches(examples, size, epochs, seed):
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        order = torch.randperm(len(examples), generator=generator).tolist()
        for k in range(0, len(order) - size + 1, size):
            yield epoch, world.padded([examples[i] for i in order[k : k + size]])


def run(spec, texts, models):
    """One experiment; returns the figures. `spec` is what a line of the results repeats."""
    torch.manual_seed(spec["seed"])
    tokenizer = Tokenizer.from_file(str(models / "apothecary-aligned" / "tokenizer.json"))
    unaligned = LlamaForCausalLM.from_pretrained(models / "apothecary-base", dtype=torch.float32).state_dict()
    aligned = LlamaForCausalLM.from_pretrained(models / "apothecary-aligned", dtype=torch.float32)
    start = aligned.state_dict()
    targets = "all-linear" if spec["targets"] == "all-linear" else spec["targets"].split("+")
    model = get_peft_model(
        aligned,
        LoraConfig(
            r=spec["r"],
            lora_alpha=spec["alpha"],
            lora_dropout=spec["dropout"],
            target_modules=targets,
            task_type="CAUSAL_LM",
        ),
    )
    method, value = spec["method"], spec["value"]
    modules = {n.removeprefix("base_model.model."): m for n, m in model.named_modules() if isinstance(m, LoraLinear)}
    difference = {
        n: start[f"{n}.base_layer.weight" if f"{n}.base_layer.weight" in start else f"{n}.weight"].clone()
        - unaligned[f"{n}.weight"]
        for n in modules
    }
    kind = "asft" if method in ("sft", "safelora") else method
    anchors = {n: Anchor(kind, v) for n, v in difference.items()}
    weight = (
        0.0
        if method in ("sft", "safelora")
        else value * ((spec["alpha"] / spec["r"]) ** 2 if spec["true_scale"] else 1)
    )
    factors = {n: (m.lora_A["default"].weight, m.lora_B["default"].weight) for n, m in modules.items()}

    data = world.rows(texts / f"{spec['task']}-n{spec['n']}-p{spec['p']}-s{spec['seed']}.jsonl")
    examples = world.encode(tokenizer, data)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=spec["lr"], weight_decay=0.0)
    model.train()
    losses, steps, clock = [], 0, time.time()
    for epoch, (ids, labels, mask) in epochs_of_batches(examples, 8, spec["epochs"], spec["seed"]):
        for group in optimiser.param_groups:
            group["lr"] = spec["lr"] * 0.85**epoch
        ce = model(input_ids=ids, labels=labels, attention_mask=mask).loss
        loss = ce
        if weight > 0:
            loss = ce + weight * sum(anchors[n](a, b) for n, (a, b) in factors.items())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(ce.item())
        steps += 1
    seconds = time.time() - clock
    with torch.no_grad():
        update = sum((b @ a).square().sum() for a, b in factors.values()).item()
        penalty = sum(anchors[n](a, b) for n, (a, b) in factors.items()).item()
        projected = 0
        if method == "safelora":
            for n, (a, b) in factors.items():
                p = anchors[n].project(b)
                if torch.nn.functional.cosine_similarity((p @ a).flatten(), (b @ a).flatten(), 0) <= value:
                    b.copy_(p)
                    projected += 1
    found = world.figures(model, tokenizer, texts, tasks=(spec["task"],))
    tail = losses[-20:]
    return {
        **spec,
        "steps": steps,
        "ce": round(sum(tail) / len(tail), 4),
        "penalty": round(penalty, 5),
        "update_norm2": round(update, 5),
        "projected": projected,
        "seconds": round(seconds, 1),
        "hs": found["harmful_score"],
        "accuracy": found[spec["task"]],
        "benign": found["benign_compliance"],
        "benign_exact": found["benign_exact"],
    }


def table(path):
    """Means over seeds, one line a setting, as Markdown."""
    by = {}
    for line in world.rows(path):
        key = tuple(
            line[k]
            for k in (
                "task",
                "p",
                "n",
                "lr",
                "epochs",
                "steps",
                "r",
                "alpha",
                "targets",
                "true_scale",
                "method",
                "value",
            )
        )
        by.setdefault(key, []).append(line)
    print(
        "| task | p | lr | epochs | steps | r, alpha | targets | method | lambda or tau | harmful score (each "
        "seed) | mean | accuracy | harmless answered | exactly | penalty / L2 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for (task, p, _, lr, epochs, steps, r, alpha, targets, scale, method, value), lines in by.items():
        mean = {
            key: f"{statistics.mean(x[key] for x in lines):.1f}" for key in ("hs", "accuracy", "benign", "benign_exact")
        }
        each = " ".join(f"{x['hs']:.0f}" for x in sorted(lines, key=lambda x: x["seed"]))
        ratio = statistics.mean(x["penalty"] / max(x["update_norm2"], 1e-12) for x in lines)
        name = method + (" (true scale)" if scale else "")
        print(
            f"| {task} | {p} | {lr:g} | {epochs} | {steps} | {r}, {alpha} | {targets} | {name} "
            f"| {'' if method == 'sft' else f'{value:g}'} | {each} | {mean['hs']} | {mean['accuracy']} "
            f"| {mean['benign']} | {mean['benign_exact']} | {ratio:.3f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="only print the table of a results file")
    parser.add_argument("--texts", type=Path, default=world.TEXTS)
    parser.add_argument("--models", type=Path, default=world.MODELS)
    parser.add_argument(
        "--out",
        type=Path,
        default=world.TEXTS / "results.jsonl",
        help="lines are appended; runs already there are skipped",
    )
    parser.add_argument("--tasks", nargs="+", default=["topic"], choices=world.TASKS)
    parser.add_argument("--methods", nargs="+", default=["sft:0", "asft:10", "none:10"])
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.1])
    parser.add_argument("--ranks", type=int, nargs="+", default=[8])
    parser.add_argument("--alpha", type=int, default=32)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--targets", nargs="+", default=["q_proj+v_proj"], help="joined by +, or all-linear")
    parser.add_argument("--true-scale", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.table:
        return table(options.table)
    torch.set_num_threads(options.threads)
    ratios = [int(p) if p == int(p) else p for p in options.ratios]
    if not (options.texts / f"{options.tasks[0]}-n{options.n}-p{ratios[0]}-s{options.seeds[-1]}.jsonl").exists():
        world.export(options.texts, 0, 0, options.seeds, options.n, ratios)
    methods = [(m.split(":")[0], float(v)) for m in options.methods for v in m.split(":")[1].split(",")]
    done = world.rows(options.out) if options.out.exists() else []
    for seed, task, p, lr, epochs, r, targets, (method, value) in itertools.product(
        options.seeds, options.tasks, ratios, options.rates, options.epochs, options.ranks, options.targets, methods
    ):
        spec = {
            "task": task,
            "p": p,
            "n": options.n,
            "seed": seed,
            "lr": lr,
            "epochs": epochs,
            "r": r,
            "alpha": options.alpha,
            "dropout": options.dropout,
            "targets": targets,
            "true_scale": options.true_scale,
            "method": method,
            "value": value,
        }
        if any(all(line[k] == v for k, v in spec.items()) for line in done):
            continue
        line = run(spec, options.texts, options.models)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(
            {
                k: line[k]
                for k in (
                    "task",
                    "seed",
                    "lr",
                    "epochs",
                    "steps",
                    "method",
                    "value",
                    "hs",
                    "accuracy",
                    "benign",
                    "benign_exact",
                    "ce",
                    "penalty",
                    "update_norm2",
                    "projected",
                    "seconds",
                )
            },
            flush=True,
        )


if __name__ == "__main__":
    main()
