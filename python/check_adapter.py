"""Load an adapter that Basin wrote in PEFT and compare log-probabilities with those of `basin score`.

    npx basin score --model M --adapter DIR --tokens 1,2,3 > scores.json
    python python/check_adapter.py --model M --adapter DIR --scores scores.json

Prints one JSON document. Exit code 1 if any log-probability differs by more than --tolerance (default 2e-4). Without
--scores, --tokens gives the sequence and only PEFT's numbers are printed. Several documents may stand in the file, one
a line.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the base model is the folder given, whatever the adapter names

import torch  # noqa: E402
import transformers  # noqa: E402

import reference  # noqa: E402


def documents(text: str) -> list[dict]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found += value if isinstance(value, list) else [value]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of the base model")
    parser.add_argument("--adapter", help="folder of the adapter; without it the base model is checked")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--scores", help="what `basin score` printed; - for stdin")
    what.add_argument("--tokens", help="token ids, separated by commas")
    parser.add_argument("--tolerance", type=float, default=2e-4)
    options = parser.parse_args()

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    model = reference.load_model(options.model)
    if options.adapter:
        model = reference.with_adapter(model, {}, options.adapter, trainable=False)
        # PEFT leaves modules alone that the file does not name; say so rather than pass.
        untouched = [path for path, (_, b) in reference.lora_modules(model).items() if not b.any()]
        if untouched:
            print(f"modules whose B is all zero: {', '.join(untouched)}", file=sys.stderr)
    if options.tokens:
        scored = [{"tokens": [int(token) for token in options.tokens.split(",")]}]
    else:
        scored = documents(sys.stdin.read() if options.scores == "-" else Path(options.scores).read_text())
    results, worst = [], 0.0
    for document in scored:
        ours = reference.token_logprobs(model, document["tokens"])
        result = {"tokens": document["tokens"], "token_logprobs": ours}
        if "token_logprobs" in document:
            theirs = document["token_logprobs"]
            if len(theirs) != len(ours):
                raise SystemExit(f"{len(theirs)} log-probabilities for {len(document['tokens'])} tokens")
            result["largest_difference"] = max((abs(a - b) for a, b in zip(ours, theirs)), default=0.0)
            worst = max(worst, result["largest_difference"])
        results.append(result)
    print(
        json.dumps(
            {
                "versions": reference.versions(),
                "largest_difference": worst,
                "tolerance": options.tolerance,
                "scores": results,
            }
        )
    )
    return 0 if worst <= options.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
