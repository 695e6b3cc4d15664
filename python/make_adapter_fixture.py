"""Writes small LoRA adapters with PEFT itself, for the tests of src/weights/adapterFile.ts.

    python python/make_adapter_fixture.py            (re)makes tests/fixtures/adapters/
    python python/make_adapter_fixture.py --check D  loads the adapter in D (written by Basin) in PEFT and compares it

plain:    q_proj and v_proj, r 2, alpha 4, f32
patterns: all-linear, rsLoRA, another rank for down_proj, another alpha for layer 1, f16
expected.json holds for each module the scale that PEFT uses and a few sums, so that a reader can prove itself.

Versions that made the committed fixture: torch 2.13.0, transformers 5.18.0, peft 0.21.0.
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "adapters"


def base_model():
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    )


def lora_modules(model):
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            yield name.removeprefix("base_model.model."), module


def describe(model):
    out = {}
    for path, module in lora_modules(model):
        a, b = module.lora_A["default"].weight.double(), module.lora_B["default"].weight.double()
        out[path] = {
            "r": a.shape[0],
            "in": a.shape[1],
            "out": b.shape[0],
            "scale": module.scaling["default"],
            "sum_a": a.sum().item(),
            "sum_b": b.sum().item(),
            "last_a": a[-1, -1].item(),
            "first_b": b[0, 0].item(),
        }
    return out


def make(name, dtype, **options):
    config = LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.05, **options)
    model = get_peft_model(base_model(), config)
    with torch.no_grad():
        for _, module in lora_modules(model):  # B is zero at the start: give it something to lose
            module.lora_B["default"].weight.normal_(0, 0.1)
            module.lora_A["default"].weight.copy_(module.lora_A["default"].weight.to(dtype))
            module.lora_B["default"].weight.copy_(module.lora_B["default"].weight.to(dtype))
    expected = describe(model)
    for _, module in lora_modules(model):
        module.lora_A.to(dtype)
        module.lora_B.to(dtype)
    model.save_pretrained(OUT / name)
    (OUT / name / "README.md").unlink(missing_ok=True)
    (OUT / name / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def check(folder):
    """Every tensor of the folder must reach its module, and the logits must change."""
    base = base_model().eval()
    ids = torch.arange(12)[None]
    before = base(ids).logits
    model = PeftModel.from_pretrained(base, folder).eval()
    load = model.load_adapter(folder, adapter_name="again")
    print("missing", [k for k in load.missing_keys if "again" in k], "unexpected", load.unexpected_keys)
    after = model(ids).logits
    print("logit change", (after - before).abs().max().item())
    print(json.dumps(describe(model)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 2 and sys.argv[1] == "--check":
        check(sys.argv[2])
    else:
        torch.manual_seed(7)
        make("plain", torch.float32, r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"])
        make(
            "patterns",
            torch.float16,
            r=2,
            lora_alpha=4,
            target_modules="all-linear",
            use_rslora=True,
            rank_pattern={"down_proj": 3},
            alpha_pattern={r"model\.layers\.1\..*": 6, "q_proj": 8},
        )
