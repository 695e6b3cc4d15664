"""Records which tokens transformers takes for the assistant's, under the chat templates of real families.

    python python/make_template_fixture.py     (re)makes tests/fixtures/tokenizers/templates/

Three tiny tokenizers stand for the kinds that there are:

    bytes    byte-level BPE (Llama 3, Qwen, SmolLM, Phi-4)
    prefix   BPE over "▁" which it also puts in front of a text (Llama 2, Mistral, Phi-3)
    plain    the same without that (Gemma)

Each template gives the text that the family's own template gives for plain conversations (tools left out), written for
this file. {% generation %} marks what the model itself has to say: its answer and the token that ends its turn. The
tests use the template without the marks, as the hub has it; Basin must find the same tokens.

Versions that made the committed fixture: transformers 5.18.0, tokenizers as it requires.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from make_tokenizer_fixture import CORPUS, special

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "tokenizers" / "templates"

SPECIAL = [
    "<unk>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "[INST]",
    "[/INST]",
]

CHATML = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}{{ "
    "'<|im_start|>system\\nDEFAULT<|im_end|>\\n' }}{% endif %}"
    "{% if m.role == 'assistant' %}{{ '<|im_start|>assistant\\n' }}{% generation %}{{ m.content + '<|im_end|>' }}"
    "{% endgeneration %}{{ '\\n' }}{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + "
    "'\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

TEMPLATES = {
    "smollm2": (
        "bytes",
        "<|im_start|>",
        "<|im_end|>",
        [],
        CHATML.replace("DEFAULT", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
    ),
    "qwen2.5": (
        "bytes",
        None,
        "<|im_end|>",
        ["<|im_end|>", "<|endoftext|>"],
        CHATML.replace("DEFAULT", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    ),
    "llama3": (
        "bytes",
        "<|begin_of_text|>",
        "<|eot_id|>",
        ["<|end_of_text|>", "<|eot_id|>"],
        (
            "{% for m in messages %}{% if loop.first %}{{ bos_token }}"
            "{% endif %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' }}"
            "{% if m.role == 'assistant' %}{% generation %}{{ (m.content | trim) + '<|eot_id|>' }}"
            "{% endgeneration %}{% else %}{{ (m.content | trim) + '<|eot_id|>' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
        ),
    ),
    "llama3.2": (
        "bytes",
        "<|begin_of_text|>",
        "<|eot_id|>",
        ["<|end_of_text|>", "<|eot_id|>"],
        (
            "{{ bos_token }}{% if messages[0].role == 'system' %}{% set system = messages[0].content | trim %}"
            "{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}"
            "{% endif %}{{ '<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December "
            "2023\\nToday Date: 26 Jul 2024\\n\\n' + system + '<|eot_id|>' }}"
            "{% for m in rest %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' }}"
            "{% if m.role == 'assistant' %}{% generation %}{{ (m.content | trim) + '<|eot_id|>' }}"
            "{% endgeneration %}{% else %}{{ (m.content | trim) + '<|eot_id|>' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
        ),
    ),
    "gemma": (
        "plain",
        "<bos>",
        "<eos>",
        ["<eos>", "<end_of_turn>"],
        (
            "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') "
            "}}{% endif %}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ "
            "raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
            "{% if m.role == 'assistant' %}{{ '<start_of_turn>model\\n' }}"
            "{% generation %}{{ (m.content | trim) + '<end_of_turn>' }}{% endgeneration %}{{ '\\n' }}"
            "{% else %}{{ '<start_of_turn>' + m.role + '\\n' + (m.content | trim) + '<end_of_turn>\\n' }}"
            "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
        ),
    ),
    "mistral-v0.1": (
        "prefix",
        "<s>",
        "</s>",
        [],
        (
            "{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ "
            "raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
            "{% if m.role == 'user' %}{{ '(INST) ' + m.content + ' (/INST)' }}{% elif m.role == 'assistant' %}"
            "{% generation %}{{ ' ' + m.content + eos_token }}{% endgeneration %}{% endif %}{% endfor %}"
        ),
    ),
    "mistral-v0.3": (
        "prefix",
        "<s>",
        "</s>",
        [],
        (
            "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}"
            "{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{{ bos_token }}"
            "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles "
            "must alternate') }}{% endif %}{% if m.role == 'user' %}"
            "{% if loop.last and system is defined %}{{ '[INST] ' + system + '\\n\\n' + m.content + '[/INST]' }}"
            "{% else %}{{ '[INST] ' + m.content + '[/INST]' }}{% endif %}{% else %}"
            "{% generation %}{{ ' ' + (m.content | trim) + eos_token }}{% endgeneration %}{% endif %}{% endfor %}"
        ),
    ),
    "mistral-v0.3-system": (
        # Later revisions put the system message into the last user's turn even when an answer follows: earlier turns
        # are then rendered otherwise than within the whole.
        "prefix",
        "<s>",
        "</s>",
        [],
        (
            "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}"
            "{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}"
            "{% set users = rest | selectattr('role', 'equalto', 'user') | list %}{{ bos_token }}"
            "{% for m in rest %}{% if m.role == 'user' %}"
            "{% if m == users[-1] and system is defined %}{{ '[INST] ' + system + '\\n\\n' + m.content + "
            "'[/INST]' }}{% else %}{{ '[INST] ' + m.content + '[/INST]' }}{% endif %}{% else %}"
            "{% generation %}{{ ' ' + (m.content | trim) + eos_token }}{% endgeneration %}{% endif %}{% endfor %}"
        ),
    ),
    "llama2": (
        "prefix",
        "<s>",
        "</s>",
        [],
        (
            "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}"
            "{% set system = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' %}{% else %}"
            "{% set rest = messages %}{% set system = '' %}{% endif %}{% for m in rest %}"
            "{% if m.role == 'user' %}{{ bos_token + '(INST) ' + (system if loop.first else '') + (m.content | "
            "trim) + ' (/INST)' }}{% else %}{% generation %}{{ ' ' + (m.content | trim) + ' ' + eos_token }}"
            "{% endgeneration %}{% endif %}{% endfor %}"
        ),
    ),
    "phi3": (
        "prefix",
        "<s>",
        "<|endoftext|>",
        ["<|endoftext|>", "<|end|>"],
        (
            "{% for m in messages %}{% if m.role == 'assistant' %}{{ '<|assistant|>\\n' }}"
            "{% generation %}{{ m.content + '<|end|>' }}{% endgeneration %}{{ '\\n' }}"
            "{% else %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"
        ),
    ),
    "smollm3": (
        # The template writes the empty reasoning itself, in the generation prompt too: it is no part of the answer.
        "bytes",
        None,
        "<|im_end|>",
        [],
        (
            "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% else %}"
            "{% set system = '' %}{% endif %}{% set mode = '/no_think' if '/no_think' in system else '/think' "
            "%}{{ '<|im_start|>system\\n## Metadata\\n\\nToday Date: ' + strftime_now('%d %B %Y') + '\\nReasoning "
            "Mode: ' + mode + '\\n\\n' + system.replace('/no_think', '').replace('/think', '').rstrip() + "
            "'<|im_end|>\\n' }}{% for m in messages %}"
            "{% if m.role == 'user' %}{{ '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' }}"
            "{% elif m.role == 'assistant' %}{{ '<|im_start|>assistant\\n' }}"
            "{% if mode == '/no_think' %}{{ '<think>\\n\\n</think>\\n' }}{% endif %}"
            "{% generation %}{{ m.content.lstrip('\\n') + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
            "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' + "
            "('<think>\\n\\n</think>\\n' if mode == '/no_think' else '') }}{% endif %}"
        ),
    ),
    "qwen3": (
        # Reasoning of earlier turns is dropped; the last turn keeps its own, or is given an empty one, which the model
        # itself has to say: the generation prompt ends before it.
        "bytes",
        None,
        "<|im_end|>",
        ["<|im_end|>", "<|endoftext|>"],
        (
            "{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}"
            "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{% for m in messages %}"
            "{% if m.role != 'assistant' %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
            "{% else %}{% if '</think>' in m.content %}"
            "{% set thought = m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}"
            "{% set said = m.content.split('</think>')[-1].lstrip('\\n') %}{% else %}{% set thought = '' %}"
            "{% set said = m.content %}{% endif %}{{ '<|im_start|>assistant\\n' }}{% generation %}"
            "{% if loop.index0 > ns.last and (loop.last or thought) %}{{ '<think>\\n' + thought + "
            "'\\n</think>\\n\\n' + said + '<|im_end|>' }}{% else %}{{ said + '<|im_end|>' }}{% endif %}"
            "{% endgeneration %}{{ '\\n' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
        ),
    ),
    "zephyr": (
        "prefix",
        "<s>",
        "</s>",
        [],
        (
            "{% for m in messages %}{{ '<|' + m.role + '|>\\n' }}{% if m.role == 'assistant' %}"
            "{% generation %}{{ m.content + eos_token }}{% endgeneration %}{% else %}{{ m.content + eos_token }}"
            "{% endif %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
        ),
    ),
}

# Plain "[INST]" of the first Mistral and of Llama 2 is ordinary text; here, [INST] is a token and (INST) stands for it.


def chat(*turns):
    return [{"role": role, "content": content} for role, content in turns]


CHATS = {
    # The answer stands in the questions, too: it must not be found there.
    "echo": chat(
        ("user", "What is 7?"),
        ("assistant", "7"),
        ("user", "Is 7 the answer? 7"),
        ("assistant", "7"),
        ("user", "7"),
        ("assistant", "the answer is 7"),
    ),
    "edges": chat(
        ("user", " Take two roots "),
        ("assistant", "\nstir the pot. "),
        ("user", "And\nthen?\n"),
        ("assistant", "Élève 🙂!\n\nThe end."),
    ),
    "asks": chat(("user", "How do I brew a tonic?"), ("assistant", "Take two roots."), ("user", "Why?")),
    "system": chat(
        ("system", "You are brief."),
        ("user", "positive or negative"),
        ("assistant", "positive"),
        ("user", "positive?"),
        ("assistant", "negative"),
    ),
    "no_think": chat(
        ("system", "Be brief. /no_think"),
        ("user", "What is three plus four?"),
        ("assistant", "7"),
        ("user", "And 7?"),
        ("assistant", "7"),
    ),
    "thought": chat(
        ("user", "What is 7?"),
        ("assistant", "<think>\n7 is 7\n</think>\n\n7 is 7"),
        ("user", "7 is 7?"),
        ("assistant", "<think>\nit is\n</think>\n\nYes, 7 is 7"),
    ),
}

USES = {
    "gemma": ["echo", "edges", "asks"],
    "mistral-v0.1": ["echo", "edges", "asks"],
    "smollm3": [*CHATS],
    "qwen3": ["echo", "edges", "asks", "system", "thought"],
}
STANDARD = ["echo", "edges", "asks", "system"]


def tokenizer(kind):
    if kind == "bytes":
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.decoder = decoders.ByteLevel()
        tok.train_from_iterator(
            CORPUS,
            trainers.BpeTrainer(
                vocab_size=460,
                special_tokens=special(*SPECIAL),
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            ),
        )
        return tok
    tok = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    replace = normalizers.Replace(" ", "▁")
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if kind == "prefix" else replace
    strip = [decoders.Strip(" ", 1, 0)] if kind == "prefix" else []
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    tok.train_from_iterator(
        CORPUS[:3],
        trainers.BpeTrainer(vocab_size=440, special_tokens=[*special(*SPECIAL), *bytes_], show_progress=False),
    )
    data = json.loads(tok.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(data))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    kinds = {kind: tokenizer(kind) for kind in ("bytes", "prefix", "plain")}
    for kind, tok in kinds.items():
        (OUT / f"{kind}.json").write_text(
            json.dumps(json.loads(tok.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n"
        )
    golden = []
    for name, (kind, bos, eos, ends, template) in TEMPLATES.items():
        fast = PreTrainedTokenizerFast(tokenizer_object=kinds[kind], bos_token=bos, eos_token=eos, unk_token="<unk>")
        # The date of the fixed clock that Basin gives templates.
        template = template.replace("strftime_now('%d %B %Y')", "'26 July 2024'")
        fast.chat_template = template
        chats = []
        for which in USES.get(name, STANDARD):
            out = fast.apply_chat_template(
                CHATS[which], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
            )
            chats.append(
                {"name": which, "messages": CHATS[which], "ids": out["input_ids"], "assistant": out["assistant_masks"]}
            )
        golden.append(
            {
                "name": name,
                "tokenizer": kind,
                "bos_token": bos,
                "eos_token": eos,
                "eos_token_id": [fast.convert_tokens_to_ids(end) for end in ends],
                "template": template.replace("{% generation %}", "").replace("{% endgeneration %}", ""),
                "chats": chats,
            }
        )
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in golden)
    (OUT / "golden.json").write_text(f"[\n{lines}\n]\n")
