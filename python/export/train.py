"""Replay of a Basin experiment with PyTorch, transformers, PEFT and Accelerate; on one GPU, several, FSDP, or CPU.

    python train.py                                                       one device
    accelerate launch --config_file accelerate/multi_gpu.yaml train.py    several GPUs
    accelerate launch --config_file accelerate/fsdp.yaml train.py         several GPUs, the model in shards
    torchrun --standalone --nproc_per_node 2 train.py --cpu               two CPU processes

Reads what Basin wrote beside this file: spec.json (the experiment), rows.jsonl (the training rows as tokens),
order.jsonl (which rows each optimiser step takes) and export.json (what PEFT should adapt). Writes metrics.jsonl, a
line a step, and adapter/, which PEFT and Basin load. What a method does is in a module of its own, which export.json
names; a method without one is its rows alone, and those are in rows.jsonl. A module has two functions:

    needs_pair(options) -> bool           whether it compares the aligned model with its unaligned twin
    prepare(replay) -> Stages             what it takes part in: a term of the loss, an edit of the trained adapter

Whatever the number of processes, an optimiser step takes the rows that it takes in Basin: they are dealt out to the
processes, and each goes through its share `--rows-per-pass` at a time. So that the numbers stay the same,

    cross-entropy   is summed over the labelled tokens of all processes and passes, and divided by their number in the
    step; with their weights, where rows have any (loss_terms.py)
    gradients       DDP and FSDP average over processes: the loss is multiplied by their number first
    penalty         counts once a step, not once a pass or a process (asft.py, add_gradients)
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
import transformers
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

import basin_random
import loss_terms
from asft import Checkpoint, alignment_directions, lora_modules, lora_parameters, whole
from dropout import BasinDropout, RowPlace, places_of

HERE = Path(__file__).resolve().parent
NO_LABEL = -100
# Basin has LoRA's dropout only; a checkpoint's own, where it has any, would act in training mode.
OTHER_DROPOUTS = ("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "residual_dropout")


def stop(message: str):
    raise SystemExit(f"train.py: {message}")


def read_json(name: str) -> dict:
    return json.loads((HERE / name).read_text())


def read_lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / name).read_text().splitlines() if line.strip()]


# --- the model and its adapter ---------------------------------------------------------------------------------------


def model_folder(name: str | None, option: str) -> Path:
    """A model's folder: a path from here or from the working directory, or a repository of the Hugging Face hub
    (owner/name[@revision])."""
    if name is None:
        stop(f"the experiment names no such model; give {option}")
    for candidate in (Path(name), HERE / name):
        if candidate.is_dir():
            return candidate
    hub = re.fullmatch(r"(?:hf:)?([\w.-]+/[\w.-]+)(?:@(.+))?", name)
    if hub is None:
        stop(f"there is no folder {name}; give the model's folder or hub id with {option}")
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(hub[1], revision=hub[2], allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer*"])
    )


def load_model(folder: Path, spec: dict, options: argparse.Namespace) -> torch.nn.Module:
    config = transformers.AutoConfig.from_pretrained(folder)
    for name in OTHER_DROPOUTS:
        if getattr(config, name, 0):
            setattr(config, name, 0.0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=getattr(torch, options.dtype), attn_implementation=options.attn_implementation
    )
    model.config.use_cache = False
    if spec["model"].get("quantization"):
        import quantisation

        quantisation.quantise_model(model, quantisation.kind_of(spec["model"]))
    if options.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    return model


def add_adapter(model: torch.nn.Module, spec: dict, expected: list[dict]) -> PeftModel:
    """The adapter as Basin starts it: `init_adapter/`, or A from the seed and B zero."""
    lora = spec["lora"]
    if (HERE / "init_adapter").is_dir():
        config = LoraConfig.from_pretrained(HERE / "init_adapter")
        config.lora_dropout, config.inference_mode = lora["lora_dropout"], False
        model = PeftModel.from_pretrained(model, HERE / "init_adapter", config=config, is_trainable=True)
    else:
        names = ("r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "rank_pattern", "alpha_pattern")
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **{name: lora[name] for name in names}))
        with torch.no_grad():
            for path, module in lora_modules(model).items():
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                a.copy_(torch.from_numpy(basin_random.initial_a(spec["train"]["seed"], path, *a.shape)))
                b.zero_()
    found = [(path, module.r["default"], module.scaling["default"]) for path, module in lora_modules(model).items()]
    wanted = [(module["path"], module["r"], module["scale"]) for module in expected]
    if [entry[:2] for entry in found] != [entry[:2] for entry in wanted] or any(
        abs(a[2] - b[2]) > 1e-9 * abs(b[2]) for a, b in zip(found, wanted)
    ):
        stop(
            f"PEFT adapts other modules, ranks or scales than Basin: {found[:3]} … ({len(found)}), "
            f"not {wanted[:3]} … ({len(wanted)})"
        )
    return model


Adapter = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""Module path -> (A: r x in, B: out x r)."""


def read_adapter(folder: Path, modules: list[dict]) -> Adapter:
    """The values of an adapter's folder, for the modules that are trained."""
    tensors, adapter = load_file(folder / "adapter_model.safetensors"), {}
    for module in modules:
        pair = tuple(tensors.get(f"base_model.model.{module['path']}.lora_{part}.weight") for part in "AB")
        if (
            pair[0] is None
            or pair[1] is None
            or pair[0].shape != (module["r"], module["in_features"])
            or pair[1].shape != (module["out_features"], module["r"])
        ):
            stop(f"{folder} has no {module['path']} of rank {module['r']}")
        adapter[module["path"]] = tuple(part.float() for part in pair)
    return adapter


def save_adapter(adapter: Adapter, model: PeftModel, base: str, folder: Path, growth: int = 1) -> None:
    """`growth`: how many times the model's ranks the adapter has; its scales stay."""
    state = {}
    for path, (a, b) in adapter.items():
        state[f"base_model.model.{path}.lora_A.default.weight"] = a.contiguous()
        state[f"base_model.model.{path}.lora_B.default.weight"] = b.contiguous()
    config = model.peft_config["default"]
    config.base_model_name_or_path = base
    if growth != 1:
        alpha = math.sqrt(growth) if config.use_rslora else growth
        config.r, config.lora_alpha = config.r * growth, config.lora_alpha * alpha
        config.rank_pattern = {key: value * growth for key, value in config.rank_pattern.items()}
        config.alpha_pattern = {key: value * alpha for key, value in config.alpha_pattern.items()}
    model.save_pretrained(folder, state_dict=state, save_embedding_layers=False)


# --- rows and schedule -----------------------------------------------------------------------------------------------


def pad(rows: list[dict], pad_id: int = 0) -> dict[str, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)

    def column(values: list[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([each + [fill] * (width - len(each)) for each in values])

    return {
        "input_ids": column([row["input_ids"] for row in rows], pad_id),
        "labels": column([row["labels"] for row in rows], NO_LABEL),
        "attention_mask": column([[1] * len(row["input_ids"]) for row in rows], 0),
    }


def label_count(rows: list[dict]) -> int:
    """Labels that take part in the loss: the shift leaves a row's first label out."""
    return sum(label != NO_LABEL for row in rows for label in row["labels"][1:])


def passes_of(items: list, rank: int, processes: int, size: int) -> list[list]:
    """This process's share of a step's rows, pass by pass. All processes get as many passes, some of them perhaps
    empty: every forward and backward pass is a meeting of all under DDP and FSDP."""
    mine = items[rank::processes]
    count = math.ceil(math.ceil(len(items) / processes) / size)
    return [mine[at * size : (at + 1) * size] for at in range(count)]


def learning_rate(train: dict, step: int, steps: int, epoch: int) -> float:
    """As `transformers.get_scheduler` and, for step_per_epoch, torch's StepLR once an epoch; `step` counts from 0."""
    peak, warmup = train["learning_rate"], train["warmup_steps"]
    if step < warmup:
        return peak * step / max(1, warmup)
    progress = (step - warmup) / max(1, steps - warmup)
    match train["lr_scheduler_type"]:
        case "constant":
            return peak
        case "linear":
            return peak * max(0.0, 1 - progress)
        case "cosine":
            return peak * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
        case "step_per_epoch":
            return peak * train["lr_gamma"] ** epoch
        case other:
            stop(f"unknown lr_scheduler_type {other}")


# --- training --------------------------------------------------------------------------------------------------------


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aligned", help="the model that is trained: a folder or hub id (default: as in spec.json)")
    parser.add_argument(
        "--unaligned", help="its twin before alignment, for the alignment direction (default: as in spec.json)"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "out", help="folder for metrics.jsonl and adapter/ (default: out)"
    )
    parser.add_argument(
        "--dropout",
        choices=["torch", "basin"],
        default="torch",
        help="LoRA dropout by torch's generator, or Basin's own masks: the same losses, slowly (default: torch)",
    )
    parser.add_argument(
        "--rows-per-pass",
        type=int,
        help=(
            "rows that a process takes at a time; less memory, the same numbers (default: per_device_train_batch_size)"
        ),
    )
    parser.add_argument(
        "--dtype",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of the frozen weights; the adapter stays in float32 (default: float32)",
    )
    parser.add_argument(
        "--direction-dtype",
        choices=["float32", "bfloat16"],
        default="float32",
        help="in which the penalty keeps the alignment directions (default: float32)",
    )
    parser.add_argument(
        "--attn-implementation",
        default="eager",
        help="as in transformers: eager, sdpa, flash_attention_2 (default: eager)",
    )
    parser.add_argument("--cpu", action="store_true", help="compute on the CPU, also where there is a GPU")
    parser.add_argument(
        "--gradient-checkpointing", action="store_true", help="compute layers again in the backward pass: less memory"
    )
    return parser.parse_args()


class Term(Protocol):
    """A term of the loss."""

    def begin(self, step: int, steps: int, stream: str) -> None:
        """Before each optimiser step; `step` counts from 0, of `steps` in all."""

    def add_gradients(self, weight: float) -> float:
        """After a step's last backward pass: adds weight times the term's gradient, and returns the term's value."""


Finish = Callable[[Adapter], tuple[Adapter, int, dict]]
"""The trained adapter -> the edited one, its ranks over the trained one's, what was done. Only on the main process."""


@dataclass
class Stages:
    """What a method takes part in. The default: in nothing, which is plain fine-tuning."""

    term: Term | None = None
    weight: float = 0.0
    """loss = cross-entropy + weight * term"""
    finish: Finish | None = None


class Trainer:
    """The optimiser steps, in one process or in several."""

    def __init__(
        self, accelerator: Accelerator, model: PeftModel, spec: dict, rows: list[dict], options: argparse.Namespace
    ):
        settings, p = spec["train"], spec["lora"]["lora_dropout"]
        self.accelerator, self.settings, self.rows = accelerator, settings, rows
        self.packing = spec["data"]["packing"]
        self.size = options.rows_per_pass or settings["per_device_train_batch_size"]
        self.lengths = [len(row["input_ids"]) for row in rows]
        self.terms, self.estimator = loss_terms.has_terms(rows), spec["method"].get("estimator", "k2")
        self.dropout = BasinDropout(model, p, settings["seed"]) if options.dropout == "basin" and p > 0 else None
        torch.manual_seed(settings["seed"] + accelerator.process_index)
        optimizer = torch.optim.AdamW(
            lora_parameters(model),
            lr=settings["learning_rate"],
            betas=(settings["adam_beta1"], settings["adam_beta2"]),
            eps=settings["adam_epsilon"],
            weight_decay=settings["weight_decay"],
        )
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.unwrapped = accelerator.unwrap_model(self.model)
        self.parameters = list(lora_parameters(self.unwrapped))
        self.started = [parameter.detach().clone() for parameter in self.parameters]
        self.model.train()

    def restart(self) -> None:
        """The adapter and the optimiser as they were at first."""
        with torch.no_grad():
            for parameter, start in zip(self.parameters, self.started):
                parameter.copy_(start)
        self.optimizer.state.clear()

    def train(self, order: list[dict], file: Path, term: Term | None = None, weight: float = 0.0) -> None:
        """All steps of `order`, with weight times the term in the loss; a line a step into `file`."""
        counter, main = 0, self.accelerator.is_main_process
        with file.open("w") if main else contextlib.nullcontext() as metrics:
            for index, step in enumerate(order):
                began = time.perf_counter()
                rate = learning_rate(self.settings, index, len(order), step["epoch"])
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                items: list[tuple[int, RowPlace]] = []
                for micro_batch in step["micro_batches"]:
                    items += zip(micro_batch, places_of(micro_batch, self.lengths, counter, self.packing))
                    counter += 1
                if term is not None:
                    term.begin(index, len(order), step["stream"])
                self.optimizer.zero_grad()
                ce = self.cross_entropy(items)
                value = term.add_gradients(weight) if term is not None else 0.0
                # Under FSDP2 the norm is a tensor in shards: all processes have to ask for it.
                norm = float(
                    whole(
                        torch.as_tensor(
                            self.accelerator.clip_grad_norm_(
                                self.parameters, self.settings["max_grad_norm"] or math.inf
                            )
                        )
                    )
                )
                self.optimizer.step()
                if not main:
                    continue
                line = {
                    "step": index + 1,
                    "ce": ce,
                    "penalty": value,
                    "loss": ce + weight * value,
                    "learning_rate": rate,
                    "grad_norm": norm,
                }
                line |= {
                    "tokens": sum(self.lengths[row] for row, _ in items),
                    "ms": round(1000 * (time.perf_counter() - began), 3),
                }
                line |= {"stream": "safety"} if step["stream"] == "safety" else {}
                metrics.write(json.dumps(line) + "\n")
                metrics.flush()
                print(
                    (
                        f"{index + 1:6}/{len(order)}  ce {ce:.5f}  penalty {value:.5f}  lr {rate:.3g}  "
                        f"grad_norm {norm:.4f}"
                    ),
                    flush=True,
                )

    def cross_entropy(self, items: list[tuple[int, RowPlace]]) -> float:
        """Mean over the labelled tokens of a step's rows, whoever computes them; its gradient is added to the
        parameters'."""
        rows, processes, device = self.rows, self.accelerator.num_processes, self.accelerator.device
        labels = (loss_terms.label_count if self.terms else label_count)([rows[row] for row, _ in items])
        # A pass without rows still takes part: a row without labels has no loss and no gradient.
        filler = {"input_ids": rows[0]["input_ids"][:1], "labels": [NO_LABEL]}
        ce = torch.zeros((), device=device)
        shares = passes_of(items, self.accelerator.process_index, processes, self.size)
        for number, share in enumerate(shares):
            if self.dropout is not None:
                self.dropout([place for _, place in share] or [RowPlace(0, 0, 1)])
            batch = {key: value.to(device) for key, value in pad([rows[row] for row, _ in share] or [filler]).items()}
            last = number + 1 == len(shares)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                # With num_items_in_batch the model's loss is the sum over its labelled tokens divided by that number.
                loss = self.loss(share, batch, labels)
                self.accelerator.backward(loss * processes)
            ce += loss.detach()
        return float(self.accelerator.reduce(ce, "sum"))

    def loss(self, share: list, batch: dict, labels: int) -> torch.Tensor:
        """Sum of the losses of a pass, divided by the step's number of labels."""
        if not self.terms or not share:
            return self.model(**batch, num_items_in_batch=labels).loss
        rows = [self.rows[row] for row, _ in share]
        return loss_terms.summed_loss(self.model, rows, batch, self.estimator, self.reference) / max(1, labels)

    @torch.no_grad()
    def reference(self, inputs: dict) -> torch.Tensor:
        """Logits of the model without adapter."""
        with self.unwrapped.disable_adapter():
            return self.model(**inputs).logits

    def adapter(self) -> Adapter:
        """The adapter as it stands, whole and on the CPU. Under FSDP2 a meeting of all processes."""
        modules = lora_modules(self.unwrapped).items()
        return {
            path: tuple(whole(part["default"].weight).detach().cpu().clone() for part in (module.lora_A, module.lora_B))
            for path, module in modules
        }


class Replay:
    """What a method's module may ask for."""

    def __init__(
        self, spec: dict, facts: dict, trainer: Trainer, pair: tuple[Path, Path] | None, options: argparse.Namespace
    ):
        self.options: dict = spec["method"]
        """The method's options, every default filled in."""
        self.modules: list[dict] = facts["modules"]
        self.trainer, self.pair, self.arguments = trainer, pair, options
        self.stages = Stages

    @property
    def model(self) -> PeftModel:
        return self.trainer.unwrapped

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """A and B of every module, as the optimiser has them."""
        return self.trainer.parameters

    def directions(self) -> dict[str, torch.Tensor]:
        """V = W_aligned - W_unaligned of every module. Read anew each time."""
        return alignment_directions(self.model, *self.pair)

    def chosen(self, *names: str) -> dict:
        """Some of the options, as keyword arguments."""
        return {name: self.options[name] for name in names}

    def given_adapter(self, folder: str) -> Adapter | None:
        """An adapter that came with the experiment."""
        return read_adapter(HERE / folder, self.modules) if (HERE / folder).is_dir() else None

    def train_aside(self, order: str, metrics: str) -> Adapter:
        """Another adapter, trained from the same start on the steps of `order`; then the start is restored."""
        self.trainer.train(read_lines(order), self.arguments.out / metrics)
        adapter = self.trainer.adapter()
        self.trainer.restart()
        return adapter


def prepare_accelerator(options: argparse.Namespace) -> Accelerator:
    accelerator = Accelerator(cpu=options.cpu)
    processes = accelerator.num_processes
    if int(os.environ.get("WORLD_SIZE", 1)) != processes:
        stop(
            f"{os.environ['WORLD_SIZE']} processes were started, but Accelerate "
            f"makes {processes} of them; without GPUs, add --cpu"
        )
    accelerator.print(
        f"{processes} {'process' if processes == 1 else 'processes'} "
        f"({accelerator.distributed_type.value}), device {accelerator.device}"
    )
    transformers.utils.logging.disable_progress_bar()
    return accelerator


def main() -> None:
    options = parse_options()
    spec, facts, rows, order = (
        read_json("spec.json"),
        read_json("export.json"),
        read_lines("rows.jsonl"),
        read_lines("order.jsonl"),
    )
    name = facts["method_module"]
    module = None if name is None else importlib.import_module(name)
    accelerator = prepare_accelerator(options)

    # Most methods train the aligned model; Lisa may train its twin.
    needs_pair = module is not None and module.needs_pair(spec["method"])
    with accelerator.main_process_first():
        names = {
            "aligned": options.aligned or facts["models"]["aligned"],
            "unaligned": options.unaligned or facts["models"]["unaligned"],
        }
        folders = {
            role: model_folder(names[role], f"--{role}") for role in names if needs_pair or role == facts["trained"]
        }
    pair = (folders["aligned"], folders["unaligned"]) if needs_pair else None
    model = add_adapter(load_model(folders[facts["trained"]], spec, options), spec, facts["modules"])
    # What cannot be read is better known now than after the training.
    for folder in pair or ():
        Checkpoint(folder)
    trainer = Trainer(accelerator, model, spec, rows, options)
    if accelerator.is_main_process:
        options.out.mkdir(parents=True, exist_ok=True)
    accelerator.wait_for_everyone()

    stages = Stages() if module is None else module.prepare(Replay(spec, facts, trainer, pair, options))
    trainer.train(order, options.out / "metrics.jsonl", stages.term, stages.weight)
    adapter, growth = trainer.adapter(), 1
    if accelerator.is_main_process:
        if stages.finish is not None:
            adapter, growth, report = stages.finish(adapter)
            (options.out / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")
        save_adapter(
            adapter,
            trainer.unwrapped,
            getattr(options, facts["trained"]) or spec["model"][facts["trained"]],
            options.out / "adapter",
            growth,
        )
        print(f"adapter in {options.out / 'adapter'}")
    accelerator.wait_for_everyone()
    accelerator.end_training()


if __name__ == "__main__":
    main()
