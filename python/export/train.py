"""Replay of a Basin experiment with PyTorch, transformers, PEFT and Accelerate; on one GPU, several, FSDP, or CPU.

    python train.py                                                       one device
    accelerate launch --config_file accelerate/multi_gpu.yaml train.py    several GPUs
    accelerate launch --config_file accelerate/fsdp.yaml train.py         several GPUs, the model in shards

Reads what Basin wrote beside this file: spec.json (the experiment), rows.jsonl (the training rows as tokens), order.jsonl
(which rows each optimiser step takes) and export.json (what PEFT should adapt). Writes metrics.jsonl, a line a step, and
adapter/, which PEFT and Basin load.

Whatever the number of processes, an optimiser step takes the rows that it takes in Basin: they are dealt out to the processes,
and each goes through its share `--rows-per-pass` at a time. So that the numbers stay the same,

    cross-entropy   is summed over the labelled tokens of all processes and passes, and divided by their number in the step
    gradients       DDP and FSDP average over processes: the loss is multiplied by their number first
    penalty         counts once a step, not once a pass or a process (asft.py, add_gradients)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import time
from pathlib import Path

import torch
import transformers
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model

import basin_random
from asft import AsFTPenalty, Checkpoint, alignment_directions, lora_modules, lora_parameters, whole
from dropout import BasinDropout, RowPlace, places_of
from safe_lora import project_safe_lora

HERE = Path(__file__).resolve().parent
METHODS = ("sft", "asft", "safe_lora", "safe_instr", "bea")
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
    """A model's folder: a path from here or from the working directory, or a repository of the Hugging Face hub (owner/name[@revision])."""
    if name is None:
        stop(f"the experiment names no such model; give {option}")
    for candidate in (Path(name), HERE / name):
        if candidate.is_dir():
            return candidate
    hub = re.fullmatch(r"(?:hf:)?([\w.-]+/[\w.-]+)(?:@(.+))?", name)
    if hub is None:
        stop(f"there is no folder {name}; give the model's folder or hub id with {option}")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(hub[1], revision=hub[2], allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer*"]))


def load_model(folder: Path, spec: dict, options: argparse.Namespace) -> torch.nn.Module:
    config = transformers.AutoConfig.from_pretrained(folder)
    for name in OTHER_DROPOUTS:
        if getattr(config, name, 0):
            setattr(config, name, 0.0)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=getattr(torch, options.dtype), attn_implementation=options.attn_implementation)
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
    if [entry[:2] for entry in found] != [entry[:2] for entry in wanted] or any(abs(a[2] - b[2]) > 1e-9 * abs(b[2]) for a, b in zip(found, wanted)):
        stop(f"PEFT adapts other modules, ranks or scales than Basin: {found[:3]} … ({len(found)}), not {wanted[:3]} … ({len(wanted)})")
    return model


def save_adapter(adapter: dict[str, tuple[torch.Tensor, torch.Tensor]], model: PeftModel, base: str, folder: Path) -> None:
    state = {}
    for path, (a, b) in adapter.items():
        state[f"base_model.model.{path}.lora_A.default.weight"] = a.contiguous()
        state[f"base_model.model.{path}.lora_B.default.weight"] = b.contiguous()
    model.peft_config["default"].base_model_name_or_path = base
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
    """This process's share of a step's rows, pass by pass. All processes get as many passes, some of them perhaps empty: every
    forward and backward pass is a meeting of all under DDP and FSDP."""
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
    parser.add_argument("--unaligned", help="its twin before alignment, for the alignment direction (default: as in spec.json)")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for metrics.jsonl and adapter/ (default: out)")
    parser.add_argument("--dropout", choices=["torch", "basin"], default="torch", help="LoRA dropout by torch's generator, or Basin's own masks: the same losses, slowly (default: torch)")
    parser.add_argument("--rows-per-pass", type=int, help="rows that a process takes at a time; less memory, the same numbers (default: per_device_train_batch_size)")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="of the frozen weights; the adapter stays in float32 (default: float32)")
    parser.add_argument("--direction-dtype", choices=["float32", "bfloat16"], default="float32", help="in which the penalty keeps the alignment directions (default: float32)")
    parser.add_argument("--attn-implementation", default="eager", help="as in transformers: eager, sdpa, flash_attention_2 (default: eager)")
    parser.add_argument("--gradient-checkpointing", action="store_true", help="compute layers again in the backward pass: less memory")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    spec, facts, rows, order = read_json("spec.json"), read_json("export.json"), read_lines("rows.jsonl"), read_lines("order.jsonl")
    method, settings = spec["method"], spec["train"]
    if method["name"] not in METHODS:
        stop(f"the method {method['name']} is not replayed here; {', '.join(METHODS)} are")
    accelerator = Accelerator()
    transformers.utils.logging.disable_progress_bar()

    # The model, the adapter, what the method needs of the pair.
    weight = method["lambda"] if method["name"] == "asft" else 0.0
    needs_pair = (weight > 0 and method["projector"] != "none") or method["name"] == "safe_lora"
    with accelerator.main_process_first():
        aligned = model_folder(options.aligned or facts["models"]["aligned"], "--aligned")
        pair = (aligned, model_folder(options.unaligned or facts["models"]["unaligned"], "--unaligned")) if needs_pair else None
    model = add_adapter(load_model(aligned, spec, options), spec, facts["modules"])
    for folder in pair or ():
        Checkpoint(folder)  # a folder that cannot be read is better known now than after the training
    penalty = None
    if weight > 0:
        directions = alignment_directions(model, *pair) if pair else None
        penalty = AsFTPenalty(model, directions, projector=method["projector"], rank=method["rank"], penalty_scale=method["penalty_scale"], dtype=getattr(torch, options.direction_dtype))
        del directions
    p = spec["lora"]["lora_dropout"]
    basin_dropout = BasinDropout(model, p, settings["seed"]) if options.dropout == "basin" and p > 0 else None
    torch.manual_seed(settings["seed"] + accelerator.process_index)

    optimizer = torch.optim.AdamW(
        lora_parameters(model),
        lr=settings["learning_rate"],
        betas=(settings["adam_beta1"], settings["adam_beta2"]),
        eps=settings["adam_epsilon"],
        weight_decay=settings["weight_decay"],
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    unwrapped = accelerator.unwrap_model(model)
    parameters = list(lora_parameters(unwrapped))
    model.train()

    processes, rank, device = accelerator.num_processes, accelerator.process_index, accelerator.device
    size = options.rows_per_pass or settings["per_device_train_batch_size"]
    lengths = [len(row["input_ids"]) for row in rows]
    # A pass without rows still takes part: a row without labels has no loss and no gradient.
    filler = {"input_ids": rows[0]["input_ids"][:1], "labels": [NO_LABEL]}
    counter = 0
    if accelerator.is_main_process:
        options.out.mkdir(parents=True, exist_ok=True)
        metrics = (options.out / "metrics.jsonl").open("w")
    for index, step in enumerate(order):
        began = time.perf_counter()
        rate = learning_rate(settings, index, len(order), step["epoch"])
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        items: list[tuple[int, RowPlace]] = []
        for micro_batch in step["micro_batches"]:
            items += zip(micro_batch, places_of(micro_batch, lengths, counter, spec["data"]["packing"]))
            counter += 1
        labels = label_count([rows[row] for row, _ in items])
        ce = torch.zeros((), device=device)
        shares = passes_of(items, rank, processes, size)
        for number, share in enumerate(shares):
            if basin_dropout is not None:
                basin_dropout([place for _, place in share] or [RowPlace(0, 0, 1)])
            batch = {key: value.to(device) for key, value in pad([rows[row] for row, _ in share] or [filler]).items()}
            last = number + 1 == len(shares)
            with contextlib.nullcontext() if last else accelerator.no_sync(model):
                # With num_items_in_batch the model's loss is the sum over its labelled tokens divided by that number.
                loss = model(**batch, num_items_in_batch=labels).loss
                accelerator.backward(loss * processes)
            ce += loss.detach()
        ce = float(accelerator.reduce(ce, "sum"))
        value = penalty.add_gradients(weight) if penalty is not None else 0.0
        norm = accelerator.clip_grad_norm_(parameters, settings["max_grad_norm"] or math.inf)
        optimizer.step()
        if accelerator.is_main_process:
            line = {"step": index + 1, "ce": ce, "penalty": value, "loss": ce + weight * value, "learning_rate": rate, "grad_norm": float(whole(norm))}
            line |= {"tokens": sum(lengths[row] for row, _ in items), "ms": round(1000 * (time.perf_counter() - began), 3)}
            metrics.write(json.dumps(line) + "\n")
            metrics.flush()
            print(f"{index + 1:6}/{len(order)}  ce {ce:.5f}  penalty {value:.5f}  lr {rate:.3g}  grad_norm {line['grad_norm']:.4f}", flush=True)
        elif torch.is_tensor(norm):
            whole(norm)

    # Under FSDP2 a shard becomes a whole tensor by a meeting of all processes; one of them writes.
    adapter = {}
    for path, module in lora_modules(unwrapped).items():
        adapter[path] = tuple(whole(part["default"].weight).detach().cpu().clone() for part in (module.lora_A, module.lora_B))
    if accelerator.is_main_process:
        metrics.close()
        if method["name"] == "safe_lora":
            chosen = {key: method[key] for key in ("select", "num_proj_layers", "threshold")}
            report = project_safe_lora(adapter, alignment_directions(unwrapped, *pair), **chosen)
            print(f"Safe LoRA: {len(report['projected'])} of {len(adapter)} modules projected")
            (options.out / "safe_lora.json").write_text(json.dumps(report, indent=2) + "\n")
        save_adapter(adapter, unwrapped, options.aligned or spec["model"]["aligned"], options.out / "adapter")
        print(f"adapter in {options.out / 'adapter'}")
    accelerator.wait_for_everyone()
    accelerator.end_training()


if __name__ == "__main__":
    main()
