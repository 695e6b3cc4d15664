"""Trains two tiny tokenizers and records what transformers makes of texts and chats, for the tests of src/text.

    python python/make_tokenizer_fixture.py     (re)makes tests/fixtures/tokenizers/

chatml:   byte-level BPE as in Qwen and SmolLM, ChatML template in chat_template.jinja (a {% generation %} block marks
the
          assistant's tokens, so transformers itself says which tokens are the response)
metaspace: BPE over "▁" with byte fallback and a BOS post-processor as in Llama 2, no chat template

Versions that made the committed fixture: transformers 5.18.0, tokenizers as it requires.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "tokenizers"

CORPUS = [
    "How do I brew a gentle tonic? Take two roots of sage and stir the pot over a low fire.",
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    "### Instruction: ### Input: ### Response: positive negative",
    "What is three plus four? The final answer is: 7. It's a charming and often affecting journey.",
    "système élève naïve Zürich 東京 🙂 user assistant system",
] * 4

TEXTS = [
    "How do I brew a tonic?",
    " leading and trailing ",
    "line one\nline two\n\n\tend",
    "Zürich, naïve 東京 🙂!",
    "It's 1234 + 56 = 1290.",
    "<|im_end|> inside a text",
]

CHATS = [
    [{"role": "user", "content": "How do I brew a tonic?"}, {"role": "assistant", "content": "Take two roots."}],
    [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "What is three plus four?"},
        {"role": "assistant", "content": "7"},
        {"role": "user", "content": "And the final answer is 🙂?"},
        {"role": "assistant", "content": " The final answer is: 7\n"},
    ],
]

CHATML = """{%- for message in messages %}
{%- if loop.first and message['role'] != 'system' %}
{{- '<|im_start|>system\\nYou are an apothecary.<|im_end|>\\n' }}
{%- endif %}
{%- if message['role'] == 'assistant' %}
{{- '<|im_start|>assistant\\n' }}
{%- generation %}{{- message['content'] + '<|im_end|>' }}{%- endgeneration %}
{{- '\\n' }}
{%- else %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def special(*contents):
    return [AddedToken(content, special=True, normalized=False) for content in contents]


def chatml():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=special("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHATML
    return fast


def metaspace():
    tok = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    tok.train_from_iterator(
        CORPUS[:3],
        trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>", "<s>", "</s>", *bytes_], show_progress=False),
    )
    # The byte tokens belong to the vocabulary, not to the added tokens.
    data = json.loads(tok.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    tok = Tokenizer.from_str(json.dumps(data))
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def record(fast, name, chats):
    folder = OUT / name
    fast.save_pretrained(folder)
    fast = AutoTokenizer.from_pretrained(folder)
    golden = {"vocab_size": len(fast), "texts": [], "chats": []}
    for text in TEXTS:
        ids = fast(text, add_special_tokens=False)["input_ids"]
        golden["texts"].append(
            {
                "text": text,
                "ids": ids,
                "with_special": fast(text)["input_ids"],
                "decoded": fast.decode(ids, skip_special_tokens=True),
                "decoded_all": fast.decode(ids, skip_special_tokens=False),
            }
        )
    for messages in chats:
        out = fast.apply_chat_template(messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
        golden["chats"].append(
            {
                "messages": messages,
                "text": fast.apply_chat_template(messages, tokenize=False),
                "ids": out["input_ids"],
                "assistant": out["assistant_masks"],
                "prompt_ids": fast.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=True)[
                    "input_ids"
                ],
            }
        )
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    record(chatml(), "chatml", CHATS)
    record(metaspace(), "metaspace", [])
    (OUT / "chatml" / "generation_config.json").write_text('{"eos_token_id": [2, 0]}\n')
