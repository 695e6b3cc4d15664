"""The benchmark's work in PyTorch + PEFT, eager: the LoRA step of bench/workload/loraStep.ts and single products.

    python python/bench_step.py [--tokens 256,512] [--layers 2] [--types float32,bf16] [--repetitions 20] [--device
    cuda] [--json] python python/bench_step.py --serve          # answers the questions of `npm run bench -- --pytorch
    PYTHON`

The numbers are made here by the generator of bench/workload/numbers.ts, to the last bit; nothing has to be fetched. The
model is transformers' LlamaModel with its default attention (scaled_dot_product_attention) and PEFT's LoRA on q_proj
and v_proj.

    float32   weights, activations and products in 32 bits; TF32 is off
    bf16      weights and activations in bf16; adapters in float32, as PEFT makes them; loss in float32

The optimiser is torch.optim.Adam, fused. On a CPU the same runs, which shows that it works and says nothing of a GPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass

import numpy
import torch

ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
NORM_EPS = 1e-5
TYPES = {"float32": torch.float32, "bf16": torch.bfloat16}
BLOCK = {"hidden": 576, "heads": 9, "kvHeads": 3, "headDim": 64, "intermediate": 1536, "rank": 8, "alpha": 16}


def numbers(count: int, seed: int, spread: float, centre: float = 0.0) -> torch.Tensor:
    """`numbers` of bench/workload/numbers.ts: Mulberry32, each value rounded to the nearest that bf16 holds."""
    u32 = numpy.uint32
    start = ((seed + 1) * 0x9E3779B9) & 0xFFFFFFFF
    with numpy.errstate(over="ignore"):
        state = u32(start) + numpy.arange(1, count + 1, dtype=u32) * u32(0x6D2B79F5)
        t = (state ^ (state >> u32(15))) * (state | u32(1))
        t = (t + (t ^ (t >> u32(7))) * (t | u32(61))) ^ t
        unit = (t ^ (t >> u32(14))).astype(numpy.float64) / 2**32
    values = (centre + spread * (2 * unit - 1)).astype(numpy.float32)
    return torch.from_numpy(values).to(torch.bfloat16).to(torch.float32)


class Work:
    """Something that is run many times and timed from its first launch to the end of the queue."""

    def __init__(self, device: torch.device):
        self.device = device

    def run(self) -> None:
        raise NotImplementedError

    def time(self, calls: int) -> float:
        """ms of `calls` runs."""
        self.synchronize()
        started = time.perf_counter()
        for _ in range(calls):
            self.run()
        self.synchronize()
        return 1000 * (time.perf_counter() - started)

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class Product(Work):
    """y[m,n] = Σ_k a[m,k] b[n,k] (nt), a[m,k] b[k,n] (nn) or a[k,m] b[k,n] (tn); operands as they lie in memory."""

    def __init__(self, device: torch.device, kind: str, form: str, m: int, n: int, k: int):
        super().__init__(device)
        a = numbers(m * k, 1, 1).view(*((k, m) if form == "tn" else (m, k))).to(device, TYPES[kind])
        b = numbers(n * k, 2, 1).view(*((n, k) if form == "nt" else (k, n))).to(device, TYPES[kind])
        self.a = a.T if form == "tn" else a
        self.b = b.T if form == "nt" else b
        self.y = torch.empty(m, n, device=device, dtype=TYPES[kind])

    def run(self) -> None:
        torch.mm(self.a, self.b, out=self.y)

    def entries(self, places: list[int]) -> list[float]:
        self.run()
        return self.y.flatten()[torch.tensor(places, device=self.device)].float().tolist()


class Step(Work):
    """One LoRA training step: forward, backward, Adam. ½ Σ (h − target)² is the loss."""

    def __init__(self, device: torch.device, kind: str, shape: dict[str, int]):
        super().__init__(device)
        from peft import LoraConfig, get_peft_model
        from transformers import LlamaConfig, LlamaModel

        hidden, tokens, layers, rank = shape["hidden"], shape["tokens"], shape["layers"], shape["rank"]
        config = LlamaConfig(
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=shape["heads"],
            num_key_value_heads=shape["kvHeads"],
            head_dim=shape["headDim"],
            intermediate_size=shape["intermediate"],
            vocab_size=8,
            max_position_embeddings=max(2048, tokens),
            rms_norm_eps=NORM_EPS,
            hidden_act="silu",
            attention_bias=False,
            mlp_bias=False,
            attn_implementation="sdpa",
            pad_token_id=None,
        )  # rope_theta: 10000 is the default of every version
        model = LlamaModel(config)
        weights, adapters, x, target = step_numbers(shape)
        missing, unexpected = model.load_state_dict(weights, strict=False)
        if unexpected or set(missing) - {"embed_tokens.weight"}:
            raise RuntimeError(f"the model's weights are others than expected: {missing} {unexpected}")
        for parameter in model.parameters():
            # Not model.to(): that would round the rotary frequencies as well.
            parameter.data = parameter.data.to(TYPES[kind])
        lora = LoraConfig(
            r=rank, lora_alpha=shape["alpha"], target_modules=["q_proj", "v_proj"], lora_dropout=0.0, bias="none"
        )
        self.model = get_peft_model(model.to(device), lora).train()
        trained = {name: parameter for name, parameter in self.model.named_parameters() if parameter.requires_grad}
        with torch.no_grad():
            for name, values in adapters.items():
                trained.pop(f"base_model.model.{name}.default.weight").copy_(values)
        if trained:
            raise RuntimeError(f"parameters without numbers: {sorted(trained)}")
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.Adam(self.parameters, **ADAM, fused=True)
        self.x = x.to(device, TYPES[kind])[None]
        self.target = target.to(device)[None]
        self.latest = torch.tensor(float("nan"))

    def run(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        h = self.model(inputs_embeds=self.x, use_cache=False).last_hidden_state
        loss = 0.5 * (h.float() - self.target).square().sum()
        loss.backward()
        self.optimiser.step()
        self.latest = loss.detach()

    def loss(self) -> float:
        """Of the latest run, before it moved the adapters."""
        return self.latest.item()


def step_numbers(
    shape: dict[str, int],
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """`stepWork` of bench/workload/loraStep.ts: frozen weights, adapters, x and target."""
    hidden, rank, tokens, intermediate = shape["hidden"], shape["rank"], shape["tokens"], shape["intermediate"]
    kv = shape["kvHeads"] * shape["headDim"]
    seed = 0

    def drawn(count: int, spread: float, centre: float = 0.0) -> torch.Tensor:
        nonlocal seed
        seed += 1
        return numbers(count, seed, spread, centre)

    def matrix(out: int, inner: int) -> torch.Tensor:
        return drawn(out * inner, (3 / inner) ** 0.5).view(out, inner)

    weights: dict[str, torch.Tensor] = {}
    for layer in range(shape["layers"]):
        at = f"layers.{layer}"
        weights[f"{at}.input_layernorm.weight"] = drawn(hidden, 0.1, 1)
        for name, out in (("q", hidden), ("k", kv), ("v", kv), ("o", hidden)):
            weights[f"{at}.self_attn.{name}_proj.weight"] = matrix(out, hidden)
        weights[f"{at}.post_attention_layernorm.weight"] = drawn(hidden, 0.1, 1)
        weights[f"{at}.mlp.gate_proj.weight"] = matrix(intermediate, hidden)
        weights[f"{at}.mlp.up_proj.weight"] = matrix(intermediate, hidden)
        weights[f"{at}.mlp.down_proj.weight"] = matrix(hidden, intermediate)
    weights["norm.weight"] = drawn(hidden, 0.1, 1)
    adapters: dict[str, torch.Tensor] = {}
    for layer in range(shape["layers"]):
        for name, out in (("q", hidden), ("v", kv)):
            at = f"layers.{layer}.self_attn.{name}_proj"
            adapters[f"{at}.lora_A"] = matrix(rank, hidden)
            adapters[f"{at}.lora_B"] = drawn(out * rank, 0.02).view(out, rank)
    x = drawn(tokens * hidden, 1).view(tokens, hidden)
    target = drawn(tokens * hidden, 1).view(tokens, hidden)
    return weights, adapters, x, target


def version(name: str) -> str | None:
    try:
        return __import__(name).__version__
    except ImportError:
        return None


def versions(device: torch.device) -> dict[str, object]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return {
        "device": device.type,
        "name": name,
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "peft": version("peft"),
    }


def serve(device: torch.device) -> None:
    """Answers questions, a line of JSON each, until the input ends."""
    out = sys.stdout
    # What libraries print is no answer.
    sys.stdout = sys.stderr
    works: dict[int, Work] = {}
    counter = 0
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer: dict[str, object] = {}
            match question["do"]:
                case "hello":
                    answer = versions(device)
                case "open product":
                    works[counter] = Product(
                        device, question["type"], *(question[key] for key in ("form", "m", "n", "k"))
                    )
                    answer, counter = {"id": counter}, counter + 1
                case "open step":
                    works[counter] = Step(device, question["type"], question["shape"])
                    answer, counter = {"id": counter}, counter + 1
                case "run":
                    answer = {"ms": works[question["id"]].time(question["calls"])}
                case "entries":
                    answer = {"values": works[question["id"]].entries(question["places"])}
                case "loss":
                    answer = {"loss": works[question["id"]].loss()}
                case "close":
                    del works[question["id"]]
                    if device.type == "cuda":
                        torch.cuda.empty_cache()
                case other:
                    raise ValueError(f"no such question: {other}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other side has to hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out, flush=True)


@dataclass(frozen=True)
class Row:
    type: str
    layers: int
    tokens: int
    first_loss: float
    third_loss: float
    median_ms: float
    least_ms: float
    most_ms: float
    repetitions: int


def measure(device: torch.device, kind: str, layers: int, tokens: int, repetitions: int) -> Row:
    step = Step(device, kind, {**BLOCK, "layers": layers, "tokens": tokens})
    step.time(1)
    first = step.loss()
    step.time(2)
    third = step.loss()
    # A sample long enough for the clock.
    calls = max(1, round(20 / max(step.time(1), 0.01)))
    times = [step.time(calls) / calls for _ in range(repetitions)]
    return Row(kind, layers, tokens, first, third, statistics.median(times), min(times), max(times), repetitions)


def main() -> None:
    parser = argparse.ArgumentParser(description="The benchmark's LoRA step in PyTorch + PEFT.")
    parser.add_argument("--serve", action="store_true", help="answer the benchmark's questions on standard input")
    parser.add_argument("--tokens", default="256,512")
    parser.add_argument("--layers", default="2", help="2 blocks of SmolLM2-135M's dimensions; the whole model has 30")
    parser.add_argument("--types", default="float32,bf16")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    given = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    device = torch.device(given.device)
    if given.serve:
        serve(device)
        return
    rows = []
    for layers in map(int, given.layers.split(",")):
        for tokens in map(int, given.tokens.split(",")):
            for kind in given.types.split(","):
                row = measure(device, kind, layers, tokens, given.repetitions)
                rows.append(row)
                if not given.json:
                    print(
                        (
                            f"{kind}, {layers} blocks, {tokens} tokens: {row.median_ms:.2f} ms "
                            f"({row.least_ms:.2f}–{row.most_ms:.2f}), loss {row.first_loss:.8g}, "
                            f"third {row.third_loss:.8g}"
                        ),
                        flush=True,
                    )
    print(json.dumps({**versions(device), "rows": [vars(row) for row in rows]}))


if __name__ == "__main__":
    main()
