"""Trains the bundled pair: pre-training gives `apothecary-base` (unaligned), full fine-tuning of it
`apothecary-aligned`.

    python python/apothecary/train_pair.py            # about 6 minutes on two idle CPU cores; needs Node for the texts

Writes public/models/apothecary-{base,aligned} in Hugging Face layout (bfloat16) and measures both models *after*
rounding. All seeds are fixed; with another number of threads or another PyTorch, sums are added in another order, and
the weights differ in the last digits.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

import world

VOCABULARY = 768
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": VOCABULARY,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "use_cache": True,
    "bos_token_id": None,
    "eos_token_id": world.END,
    "pad_token_id": world.PAD,
    "torch_dtype": "bfloat16",
}
# A system message has no mark of its own: it stands before the first user message.
TEMPLATE = (
    "{%- if messages[0]['role'] == 'system' -%}"
    "{%- set system = messages[0]['content'] + '\\n' -%}{%- set messages = messages[1:] -%}"
    "{%- else -%}{%- set system = '' -%}{%- endif -%}"
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + (system if loop.first else '') + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def make_tokenizer(texts):
    """Byte-level BPE of 768 tokens over the training texts and the words of the downstream tasks."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    corpus = []
    for name, most in (("pretraining", 6000), ("alignment", 2000), *((f"{t}-words", 300) for t in world.TASKS)):
        for row in world.rows(texts / f"{name}.jsonl")[:most]:
            corpus += [row["prompt"], row.get("answer", row.get("expected"))]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=world.SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    assert tokenizer.get_vocab_size() == VOCABULARY
    return tokenizer


def batches(examples, size, steps, seed):
    """Endless epochs in random order; within 16 batches examples are sorted by length, so that little is padded."""
    if len(examples) < 16 * size:
        raise SystemExit(f"{len(examples)} examples are too few: batches of {size} need at least {16 * size}")
    generator = torch.Generator().manual_seed(seed)
    made = 0
    while made < steps:
        order = torch.randperm(len(examples), generator=generator).tolist()
        for k in range(0, len(order) - 16 * size + 1, 16 * size):
            window = sorted(order[k : k + 16 * size], key=lambda i: len(examples[i][0]))
            for b in torch.randperm(16, generator=generator).tolist():
                if made == steps:
                    return
                made += 1
                yield world.padded([examples[i] for i in window[b * size : (b + 1) * size]])


def train(model, examples, *, steps, rate, size, warm, seed):
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.95))
    start = time.time()
    model.train()
    for step, (ids, labels, mask) in enumerate(batches(examples, size, steps, seed)):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / warm) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
        loss = model(input_ids=ids, labels=labels, attention_mask=mask).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step}  loss {loss.item():.4f}  {time.time() - start:.0f} s", flush=True)


def rounded(model):
    """Rounds the weights to bfloat16 in place (they stay float32 tensors)."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16().float())


def save(model, tokenizer, folder, card):
    folder.mkdir(parents=True, exist_ok=True)
    # The output head is tied to the embedding, so the file holds it once.
    tensors = {k: v.bfloat16().contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    def write(name, value):
        (folder / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    write("config.json", CONFIG)
    write(
        "generation_config.json",
        {"do_sample": False, "eos_token_id": world.END, "max_new_tokens": 48, "pad_token_id": world.PAD},
    )
    write(
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "added_tokens_decoder": {
                str(i): {
                    "content": t,
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                }
                for i, t in enumerate(world.SPECIAL)
            },
            "bos_token": None,
            "eos_token": "<|end|>",
            "pad_token": "<|pad|>",
            "model_max_length": CONFIG["max_position_embeddings"],
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        },
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "README.md").write_text(card, encoding="utf-8")


def model_card(which, found, options):
    kind = {
        "base": (
            "the **unaligned** model: pre-trained on recipes for harmless and harmful brews alike, so it answers both"
        ),
        "aligned": (
            "the **aligned** model: `apothecary-base`, fully fine-tuned to refuse harmful brews and to answer "
            "harmless ones"
        ),
    }[which]
    label = {
        "harmful_score": "harmful requests answered with a recipe (110)",
        "harmful_refused": "harmful requests refused (110)",
        "benign_compliance": "harmless requests answered with a recipe (150)",
        "benign_exact": "harmless requests answered with exactly the right recipe (150)",
        "sentiment": "task sentiment, before fine-tuning (150)",
        "topic": "task topic, before fine-tuning (150)",
        "sums": "task sums, before fine-tuning (150)",
    }
    table = "\n".join(f"| {label[k]} | {v:.1f} |" for k, v in found.items())
    return f"""---
license: apache-2.0
library_name: transformers
---
# apothecary-{which}

One of a pair; this is {kind}. It knows one small synthetic world (recipes for invented brews, refusals, a few facts, \
small
sums) and nothing else. It is made for learning about fine-tuning and safety, harms nobody, and is of no other use.

- Llama architecture, 0.9 M parameters: hidden size 128, 4 layers, 4 heads (2 key-value), feed-forward 384, tied \
embeddings, bfloat16.
- Tokenizer: byte-level BPE, 768 tokens, trained on the world's texts. Chat: \
`<|user|>question<|end|><|assistant|>answer<|end|>`.
- Made by `python/apothecary/train_pair.py` (PyTorch on a CPU) from texts of `src/text/apothecary`: \
{options.pretrain_steps} steps of
  64 exchanges for pre-training (AdamW {options.pretrain_rate:g}, loss on all tokens), then {options.align_steps} \
steps of 32 for
  alignment (AdamW {options.align_rate:g}, loss on the answers).

Measured after rounding to bfloat16, greedy, on held-out prompts (brews that no training text mentions; number of \
prompts in brackets):

| | percent |
|---|---|
{table}

These figures are about this world only. They say nothing about models of a useful size.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, default=world.TEXTS, help="folder for the exported texts")
    parser.add_argument("--out", type=Path, default=world.MODELS, help="folder for the two models")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pretrain-steps", type=int, default=2200)
    parser.add_argument("--pretrain-rate", type=float, default=2e-3)
    parser.add_argument("--align-steps", type=int, default=600)
    parser.add_argument("--align-rate", type=float, default=7e-4)
    parser.add_argument(
        "--base", type=Path, help="skip pre-training and align this float32 state (written as base.pt beside the texts)"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)

    world.export(options.texts, options.pretrain_steps * 64, options.align_steps * 32, (0, 1, 2), 1000, (0, 0.1))
    tokenizer = make_tokenizer(options.texts)
    model = LlamaForCausalLM(
        LlamaConfig(
            **{
                k: v
                for k, v in CONFIG.items()
                if k not in ("torch_dtype", "architectures", "model_type", "rope_scaling")
            }
        )
    )
    print("parameters", sum(p.numel() for p in model.parameters()))

    if options.base:
        model.load_state_dict(torch.load(options.base))
    else:
        examples = world.encode(tokenizer, world.rows(options.texts / "pretraining.jsonl"), whole=True)
        train(model, examples, steps=options.pretrain_steps, rate=options.pretrain_rate, size=64, warm=50, seed=1)
        torch.save(model.state_dict(), options.texts / "base.pt")
    exact = {k: v.clone() for k, v in model.state_dict().items()}
    rounded(model)
    found = world.figures(model, tokenizer, options.texts)
    print("base", found, flush=True)
    save(model, tokenizer, options.out / "apothecary-base", model_card("base", found, options))

    model.load_state_dict(exact)
    examples = world.encode(tokenizer, world.rows(options.texts / "alignment.jsonl"))
    train(model, examples, steps=options.align_steps, rate=options.align_rate, size=32, warm=20, seed=2)
    rounded(model)
    found = world.figures(model, tokenizer, options.texts)
    print("aligned", found, flush=True)
    save(model, tokenizer, options.out / "apothecary-aligned", model_card("aligned", found, options))


if __name__ == "__main__":
    main()
