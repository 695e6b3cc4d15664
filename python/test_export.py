"""Tests of the folder that `basin export` writes: the penalty's class, and whole replays against `basin run`.

    python python/test_export.py                        all; needs Node, a WebGPU device (a software driver will do) and
    minutes python python/test_export.py Parts                  only what needs neither python python/test_export.py
    Replays.test_lisa      one of CASES

Each replay runs the bundled pair for a few steps in Basin and in train.py, and compares losses and adapters by
check.py: every method, AsFT with every projector; without dropout and with Basin's masks; in one process and in two
(gloo), there also under FSDP 2. The replayed adapter must score in Basin as in PEFT.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(HERE / "export"), str(HERE / "fixtures")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import transformers  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

import asft  # noqa: E402
import basin_random  # noqa: E402
import dropout  # noqa: E402
import lisa  # noqa: E402
import loss_terms  # noqa: E402
import reference  # noqa: E402
import safe_lora  # noqa: E402
import safe_merge  # noqa: E402
import splora  # noqa: E402
import train  # noqa: E402

MODELS = ROOT / "public" / "models"
ALIGNED, UNALIGNED = MODELS / "apothecary-aligned", MODELS / "apothecary-base"
BASIN = ["node", str(ROOT / "bin" / "basin.mjs")]
transformers.utils.logging.disable_progress_bar()


def adapted(**settings) -> torch.nn.Module:
    """The bundled model with an adapter whose B is not zero."""
    torch.manual_seed(1)
    model = get_peft_model(
        reference.load_model(ALIGNED),
        LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM", **settings),
    )
    for _, b in reference.lora_modules(model).values():
        torch.nn.init.normal_(b, std=0.05)
    return model


class Parts(unittest.TestCase):
    def test_penalty_is_the_one_written_out(self):
        """Closed forms against (I - C) B A formed whole (reference.Penalty): value and gradients."""
        for projector in asft.PROJECTORS:
            for scale in ("ba", "scaled"):
                with self.subTest(projector=projector, penalty_scale=scale):
                    model = adapted()
                    modules = reference.lora_modules(model)
                    v = asft.alignment_directions(model, ALIGNED, UNALIGNED)
                    naive = {
                        path: self.naive(projector, v[path], a, b) * (4.0 if scale == "scaled" else 1.0)
                        for path, (a, b) in modules.items()
                    }
                    parameters = [tensor for pair in modules.values() for tensor in pair]
                    expected = torch.autograd.grad(3.0 * sum(naive.values()), parameters)
                    penalty = asft.AsFTPenalty(model, v, projector=projector, rank=3, penalty_scale=scale)
                    as_loss = torch.autograd.grad(3.0 * penalty(), parameters)
                    for parameter in parameters:
                        parameter.grad = torch.ones_like(parameter)
                    value = penalty.add_gradients(3.0)
                    self.assertAlmostEqual(value / float(sum(naive.values()).detach()), 1.0, delta=1e-4)
                    for parameter, e, g in zip(parameters, expected, as_loss):
                        self.assertLess(float((g - e).norm() / e.norm()), 1e-3)
                        torch.testing.assert_close(parameter.grad - 1, g, rtol=1e-3, atol=1e-5)

    @staticmethod
    def naive(projector: str, v: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        update = b @ a
        if projector != "flat_plus":
            return reference.Penalty({"projector": projector, "rank": 3}, {}, {"m": v}).of_module("m", a, b)
        along = (update * v).sum().clamp(min=0) / v.norm()
        return ((update - along * v / v.norm()) ** 2).sum()

    def test_flat_plus_is_one_sided(self):
        """The same update is free along V and not against it."""
        model = adapted()
        v = asft.alignment_directions(model, ALIGNED, UNALIGNED)
        modules = reference.lora_modules(model)
        path = next(iter(modules))
        a, b = modules[path]
        values = []
        for sign in (1, -1):
            towards = {other: sign * (pair[1] @ pair[0]).detach() for other, pair in modules.items()}
            values.append(float(asft.AsFTPenalty(model, towards, projector="flat_plus").of_module(path).detach()))
        self.assertLess(abs(values[0]), 1e-5 * values[1])
        self.assertAlmostEqual(values[1], float(((b @ a) ** 2).sum().detach()), delta=1e-4 * values[1])
        self.assertEqual(v.keys(), modules.keys())

    def test_errors(self):
        model = adapted()
        with self.assertRaisesRegex(ValueError, "unknown projector"):
            asft.AsFTPenalty(model, None, projector="other")
        with self.assertRaisesRegex(ValueError, "no alignment direction"):
            asft.AsFTPenalty(model, {}, projector="flat")

    def test_single_file_before_index(self):
        """As transformers reads a folder that holds both."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shard = "model-00001-of-00001.safetensors"
            save_file({"a.weight": torch.ones(2)}, folder / shard)
            index = {"metadata": {}, "weight_map": {"a.weight": shard}}
            (folder / "model.safetensors.index.json").write_text(json.dumps(index))
            self.assertEqual(asft.Checkpoint(folder).weight("a").tolist(), [1, 1])
            save_file({"a.weight": torch.zeros(2)}, folder / "model.safetensors")
            self.assertEqual(asft.Checkpoint(folder).weight("a").tolist(), [0, 0])

    def test_loss_terms(self):
        """Against the loss written out (fixtures/star_dss.py), padded rows against single ones; gradients too."""
        import star_dss

        model = adapted()
        rows = [
            {"input_ids": [1, 5, 9, 12, 7], "labels": [-100, -100, 9, 12, 7], "safety_scores": [0, 0, 0.25, 0, 1]},
            {"input_ids": [1, 8, 3], "labels": [-100, 8, 3], "safety_scores": [0, 0.5, 0.1]},
        ]
        for method in (
            {"kl_coefficient": 2.0},
            {"kl_coefficient": 2.0, "estimator": "k3", "kl_tokens": "all"},
        ):
            with self.subTest(**method):
                shaped = [self.shaped(row, method) for row in rows]
                parameters = [tensor for pair in reference.lora_modules(model).values() for tensor in pair]
                expected = star_dss.loss(model, rows, method)
                reached = loss_terms.summed_loss(
                    model,
                    shaped,
                    train.pad(shaped),
                    method.get("estimator", "k2"),
                    lambda inputs: self.without_adapter(model, inputs),
                ) / loss_terms.label_count(shaped)
                torch.testing.assert_close(reached, expected, rtol=1e-5, atol=1e-6)
                for ours, theirs in zip(
                    torch.autograd.grad(reached, parameters), torch.autograd.grad(expected, parameters)
                ):
                    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)

    @staticmethod
    @torch.no_grad()
    def without_adapter(model: torch.nn.Module, inputs: dict) -> torch.Tensor:
        with model.disable_adapter():
            return model(**inputs).logits

    @staticmethod
    def shaped(row: dict, method: dict) -> dict:
        """As Basin writes it into rows.jsonl."""
        first = next(score for score, label in zip(row["safety_scores"], row["labels"]) if label != train.NO_LABEL)
        weights, kl = [], []
        for score, label in zip(row["safety_scores"], row["labels"]):
            labelled = label != train.NO_LABEL
            weights.append(score if labelled else 0.0)
            held = labelled or method.get("kl_tokens") == "all"
            kl.append((1 - (score if labelled else first)) * method["kl_coefficient"] if held else 0.0)
        return {"input_ids": row["input_ids"], "labels": row["labels"], "weights": weights, "kl": kl}

    def test_safe_lora(self):
        for method in ({"select": "number", "num_proj_layers": 3}, {"select": "threshold", "threshold": 0.3}):
            pair = [adapted(), adapted()]
            v = asft.alignment_directions(pair[0], ALIGNED, UNALIGNED)
            ours, theirs = (
                {
                    path: (a.detach().clone(), b.detach().clone())
                    for path, (a, b) in reference.lora_modules(model).items()
                }
                for model in pair
            )
            report = safe_lora.project_safe_lora(ours, v, **method)
            self.assertEqual(report["projected"], reference.project_safe_lora(theirs, method, v))
            for path in ours:
                torch.testing.assert_close(ours[path][1], theirs[path][1], rtol=1e-4, atol=1e-7)

    def test_splora(self):
        for method in (
            {"score": "reconstruction", "spread": "variance", "num_pruned_layers": 3},
            {"score": "reconstruction", "select": "threshold", "threshold": 0.2},
            {"score": "cosine", "num_pruned_layers": 2},
            {"score": "released", "num_pruned_layers": 2},
        ):
            pair = [adapted(), adapted()]
            v = asft.alignment_directions(pair[0], ALIGNED, UNALIGNED)
            ours, theirs = (
                {
                    path: (a.detach().clone(), b.detach().clone())
                    for path, (a, b) in reference.lora_modules(model).items()
                }
                for model in pair
            )
            report = splora.prune_splora(ours, v, **method)
            self.assertEqual(sorted(report["pruned"]), sorted(reference.prune_splora(theirs, method, v)))
            self.assertGreater(len(report["pruned"]), 0)
            for path in ours:
                torch.testing.assert_close(ours[path], theirs[path], rtol=0, atol=0)

    def test_safe_merge(self):
        """exact is the merge of the updates, also with other scales; factors is A and B apart."""
        trained, safe = (
            {path: (torch.randn(3, 5), torch.randn(4, 3)) for path in ("kept", "merged")} for _ in range(2)
        )
        # Along V's only direction the update stays put; the other lies across.
        v = {"kept": torch.randn(4, 1) @ torch.randn(1, 5), "merged": torch.zeros(4, 5)}
        trained["kept"] = trained["kept"][0], v["kept"][:, :1] @ torch.randn(1, 3)
        v["merged"][0, 0] = 1.0
        trained["merged"][1][0] = 0.0
        scales = {"kept": 1.0, "merged": 2.0}
        exact, growth, report = safe_merge.merge_safe_adapter(
            trained, safe, v, scales, threshold=0.5, weight=0.7, safe_weight=0.3, merge="exact"
        )
        self.assertEqual((report["merged"], growth), (["merged"], 2))
        self.assertAlmostEqual(report["cosines"]["kept"], 1.0, places=4)
        update = {
            name: {path: b @ a for path, (a, b) in pairs.items()}
            for name, pairs in (("trained", trained), ("safe", safe), ("exact", exact))
        }
        torch.testing.assert_close(update["exact"]["kept"], update["trained"]["kept"])
        torch.testing.assert_close(
            update["exact"]["merged"], 0.7 * update["trained"]["merged"] + 0.6 * update["safe"]["merged"]
        )
        factors, growth, _ = safe_merge.merge_safe_adapter(
            trained, safe, v, scales, threshold=0.5, weight=0.7, safe_weight=0.3
        )
        self.assertEqual(growth, 1)
        for ours, one, two in zip(factors["merged"], trained["merged"], safe["merged"]):
            torch.testing.assert_close(ours, 0.7**0.5 * one + 0.6**0.5 * two)

    def test_proximal_term(self):
        """Value and gradient, the centre at each change of stream, nothing before its time."""
        w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        term = lisa.ProximalTerm([w], proximal_from=0.5)
        term.begin(0, 4, "safety")
        self.assertEqual(term.add_gradients(3.0), 0.0)
        self.assertIsNone(w.grad)
        with torch.no_grad():
            w += 1.0
        term.begin(2, 4, "safety")
        self.assertEqual(term.add_gradients(3.0), 0.0)
        term.begin(3, 4, "safety")
        self.assertEqual(term.add_gradients(3.0), 1.0)
        self.assertEqual(w.grad.tolist(), [3.0, 3.0])
        term.begin(3, 4, "user")
        self.assertEqual(term.add_gradients(3.0), 0.0)

    def test_dropout_row_by_row(self):
        """The masks of single rows, dealt out anyhow, are those of the whole micro-batch."""
        rows = [{"input_ids": [1] * n} for n in (5, 3, 7)]
        for packing in (True, False):
            whole, alone = adapted(), adapted()
            masks = basin_random.Masks(whole, 0.3, 5, packing)
            masks(2, rows)
            each = dropout.BasinDropout(alone, 0.3, 5)
            places = dropout.places_of([0, 1, 2], [5, 3, 7], 2, packing)
            each([places[2], places[0]])
            for (theirs, _), (ours, _) in zip(masks.masks, each.masks):
                self.assertTrue(torch.equal(ours.factors[0], theirs.factors[2]))
                self.assertTrue(torch.equal(ours.factors[1, :5], theirs.factors[0, :5]))

    def test_passes(self):
        """Every row once, as many passes for every process, none above the size."""
        for count in range(1, 20):
            for processes in (1, 2, 3):
                for size in (1, 4):
                    shares = [train.passes_of(list(range(count)), rank, processes, size) for rank in range(processes)]
                    self.assertEqual(
                        sorted(row for share in shares for one in share for row in one), list(range(count))
                    )
                    self.assertEqual(len({len(share) for share in shares}), 1)
                    self.assertLessEqual(max(len(one) for share in shares for one in share), size)
                    self.assertTrue(any(share[-1] for share in shares))


GOLDEN = ROOT / "tests" / "fixtures" / "golden"


def golden(name: str) -> dict:
    """A tiny random pair of another family, with rows as tokens."""
    folder = GOLDEN / name
    return {
        "model": {"aligned": str(folder / "aligned"), "unaligned": str(folder / "unaligned")},
        "data": {"train": {"path": str(folder / "rows.jsonl"), "format": "tokens"}},
    }


COMMON = {
    "data": {"train": {"source": "apothecary", "n": 19, "harmful_ratio": 0.2}, "packing": True},
    "lora": {"lora_dropout": 0},
    "train": {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 3,
        "gradient_accumulation_steps": 2,
        "learning_rate": 2e-3,
        "max_grad_norm": 1,
        "weight_decay": 0.01,
    },
    "eval": {"harmful": None, "task": None, "benign": None},
}
CASES = {
    "sft": {"method": {"name": "sft"}},
    "asft": {"method": {"name": "asft", "lambda": 3}},
    "rank": {
        "method": {"name": "asft", "projector": "rank", "rank": 3, "penalty_scale": "scaled"},
        "train": {"lr_scheduler_type": "cosine", "warmup_steps": 2},
    },
    "flat": {
        "method": {"name": "asft", "projector": "flat", "lambda": 3},
        "lora": {"target_modules": "all-linear", "use_rslora": True},
    },
    "flat_plus": {
        "method": {"name": "asft", "projector": "flat_plus", "lambda": 3},
        "data": {"packing": False},
        "train": {"lr_scheduler_type": "linear"},
    },
    "l2": {"method": {"name": "asft", "projector": "none", "lambda": 3}},
    "safe_lora": {"method": {"name": "safe_lora", "select": "number", "num_proj_layers": 2}},
    "splora": {"method": {"name": "splora", "num_pruned_layers": 2}},
    "splora_released": {"method": {"name": "splora", "score": "released", "num_pruned_layers": 3}},
    "sft_dropout": {"method": {"name": "sft"}, "lora": {"lora_dropout": 0.2}},
    "asft_dropout": {
        "method": {"name": "asft", "lambda": 3},
        "lora": {"lora_dropout": 0.1, "r": 4},
        "data": {"packing": False},
    },
    "star_dss": {"method": {"name": "star_dss"}, "lora": {"lora_dropout": 0.1}},
    "star_dss_k3": {"method": {"name": "star_dss", "estimator": "k3", "kl_coefficient": 2, "kl_tokens": "all"}},
    "star_dss_rs": {"method": {"name": "star_dss", "rejection_sampling": True}, "data": {"packing": False}},
    "safe_instr": {"method": {"name": "safe_instr", "amount": "count", "safety_count": 4}},
    "bea": {"method": {"name": "bea", "safety_count": 3, "trigger_length": 20}},
    "lisa": {
        "method": {
            "name": "lisa",
            "rho": 3,
            "alignment_steps": 2,
            "user_steps": 3,
            "proximal_from": 0.3,
            "safety_count": 8,
        }
    },
    "lisa_base": {
        "method": {
            "name": "lisa",
            "rho": 0.5,
            "alignment_steps": 1,
            "user_steps": 2,
            "proximal_from": 0,
            "safety_count": 5,
            "start_from": "base",
        },
        "lora": {"lora_dropout": 0.1},
    },
    "safe_merge": {
        "method": {"name": "safe_merge", "threshold": 0.5, "safety_count": 8, "safe_epochs": 2},
        "lora": {"lora_dropout": 0.1},
    },
    "safe_merge_exact": {
        "method": {"name": "safe_merge", "threshold": 0.5, "merge": "exact", "safety_count": 8, "safe_epochs": 2},
        "lora": {"use_rslora": True},
    },
    "safe_merge_given": {
        "method": {"name": "safe_merge", "threshold": 1.01, "safe_adapter": "sft-run/adapter"},
        "lora": {"lora_alpha": 8},
        "train": {"seed": 3},
    },
    "init_adapter": {
        "method": {"name": "sft"},
        "lora": {"init_adapter": "sft-run/adapter"},
        "train": {"seed": 5, "lr_scheduler_type": "constant"},
    },
    "nf4": {
        "method": {"name": "asft", "lambda": 3},
        "model": {"quantization": "nf4", "bnb_4bit_use_double_quant": True},
    },
    "phi3": {
        "method": {"name": "asft", "lambda": 1},
        "lora": {"target_modules": "all-linear", "lora_dropout": 0.1},
        **golden("phi3"),
    },
    "gemma3": {
        "method": {
            "name": "safe_merge",
            "threshold": 0.2,
            "safe_adapter": str(GOLDEN / "gemma3" / "adapters" / "all-random"),
        },
        "lora": {"target_modules": "all-linear", "r": 4, "lora_alpha": 8},
        **golden("gemma3"),
    },
    "l2_dropout": {"method": {"name": "asft", "projector": "none", "lambda": 3}, "lora": {"lora_dropout": 0.1}},
}
IN_TWO = ("sft", "asft", "asft_dropout", "lisa", "safe_merge")


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
    return done.stdout


class Replays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def check(self, export: Path, run_folder: Path, out: str) -> dict:
        found = json.loads(run(sys.executable, "check.py", str(run_folder), "--out", out, cwd=export))
        self.assertTrue(found["agrees"])
        return found

    def ran(self, name: str) -> Path:
        """The folder of a case's run in Basin."""
        folder = self.folder / f"{name}-run"
        if not folder.exists():
            changes = CASES[name]
            spec = {**COMMON, **{key: {**COMMON.get(key, {}), **value} for key, value in changes.items()}}
            (self.folder / f"{name}.json").write_text(json.dumps(spec))
            run(*BASIN, "run", f"{name}.json", "--out", str(folder), cwd=self.folder)
        return folder

    def replay(self, name: str) -> None:
        if "sft-run" in json.dumps(CASES[name]):
            self.ran("sft")
        ran, export = self.ran(name), self.folder / f"{name}-export"
        run(*BASIN, "export", f"{name}.json", "--python", str(export), cwd=self.folder)
        self.assertEqual((ran / "rows.jsonl").read_text(), (export / "rows.jsonl").read_text())
        # Adapters that come along have other names there.
        theirs = json.loads((ran / "spec.json").read_text())
        for part, adapter in ((theirs["lora"], "init_adapter"), (theirs["method"], "safe_adapter")):
            if part.get(adapter):
                part[adapter] = adapter
        self.assertEqual(theirs, json.loads((export / "spec.json").read_text()))
        output = run(sys.executable, "train.py", "--dropout", "basin", "--out", "out", cwd=export)
        self.assertIn("1 process (NO)", output)
        found = {"one process": self.check(export, ran, "out")}
        if name in IN_TWO:
            launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
            options = ["--cpu", "--dropout", "basin", "--rows-per-pass", "2", "--out"]
            self.assertIn("2 processes (MULTI_CPU)", run(*launch, "train.py", *options, "two", cwd=export))
            found["two, against Basin"] = self.check(export, ran, "two")
            found["two, against one"] = self.check(export, export / "out", "two")
            output = run(*launch, str(HERE / "fsdp_on_cpu.py"), *options, "shards", cwd=export)
            self.assertIn("2 processes (FSDP)", output)
            self.assertRegex(output, r"\n([1-9]\d*) of \1 parameters in shards")
            found["FSDP 2, against one"] = self.check(export, export / "out", "shards")
        for how, summary in found.items():
            print(
                f"{name}, {how}: {summary['steps']} steps, largest difference",
                ", ".join(f"{key} {value:.1e}" for key, value in summary["largest_difference"].items()),
                f"B A {summary['largest_update_error']:.1e}",
                file=sys.stderr,
            )
        self.edits(name, ran, export)
        self.scores(export)

    def edits(self, name: str, ran: Path, export: Path) -> None:
        """Methods that edit the trained adapter: the same modules, by the same cosines."""
        for file in (export / "out").glob("safe_*.json"):
            theirs, ours = json.loads((ran / "report.json").read_text())["method"], json.loads(file.read_text())
            for module in theirs["modules"]:
                self.assertAlmostEqual(module["cosine"], ours["cosines"][module["path"]], delta=2e-4)
            chosen = [module["path"] for module in theirs["modules"] if module.get("projected") or module.get("merged")]
            self.assertEqual(chosen, ours["projected" if "projected" in ours else "merged"])
            cosines = ours["cosines"].values()
            print(
                (
                    f"{name}: {len(chosen)} of {len(theirs['modules'])} modules edited, as in Basin; "
                    f"cosines {min(cosines):.3f} to {max(cosines):.3f}"
                ),
                file=sys.stderr,
            )

    def scores(self, export: Path) -> None:
        """Basin with the replayed adapter against PEFT with it."""
        facts = json.loads((export / "export.json").read_text())
        model_folder = (export / facts["models"][facts["trained"]]).resolve()
        tokens = json.loads((export / "rows.jsonl").read_text().splitlines()[0])["input_ids"]
        scored = run(
            *BASIN,
            "score",
            "--model",
            str(model_folder),
            "--adapter",
            str(export / "out" / "adapter"),
            "--tokens",
            ",".join(map(str, tokens)),
            cwd=self.folder,
        )
        theirs = json.loads(scored)["token_logprobs"]
        model = reference.with_adapter(
            reference.load_model(model_folder), {}, export / "out" / "adapter", trainable=False
        )
        worst = max(abs(a - b) for a, b in zip(reference.token_logprobs(model, tokens), theirs, strict=True))
        print(f"{export.name}: score differs by {worst:.1e}", file=sys.stderr)
        self.assertLessEqual(worst, 2e-4)


for each in CASES:
    setattr(Replays, f"test_{each}", lambda self, name=each: self.replay(name))


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
