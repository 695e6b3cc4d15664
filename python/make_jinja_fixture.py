"""Records what transformers makes of chat templates, and of the expressions that those of much-used models are made of.

    python python/make_jinja_fixture.py     (re)makes tests/fixtures/tokenizers/jinja.json

jinja/snippets.json   one expression or statement each, rendered with one context; an error is recorded as null
jinja/families/       templates written for this script in the manner of a model's own, each rendered for every
                      conversation: plain, and with tools and the generation prompt

Versions that made the committed fixture: transformers 5.18.0, Jinja2 3.1.6.
"""

import datetime as clock
import json
from pathlib import Path

from transformers.utils import chat_template_utils

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "tests" / "fixtures" / "tokenizers" / "jinja.json"


class Fixed(clock.datetime):
    """The clock that Basin gives templates."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


chat_template_utils.datetime = Fixed


def chat(*turns):
    return [{"role": role, "content": content} for role, content in turns]


def call(name, arguments, **more):
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


RAIN = call("rain", {"city": "Zürich", "days": 2, "dry": None}, id="call00001")

CONVERSATIONS = {
    "single": chat(("user", "Hi?"), ("assistant", "Hello.")),
    "system": chat(("system", "Be brief."), ("user", '1 < 2 & "3"?'), ("assistant", "Yes's.")),
    "asks": chat(("user", "How?"), ("assistant", "So."), ("user", "Why?")),
    "blanks": chat(
        ("system", " \n"), ("user", "  a\n"), ("assistant", "\n    indented\n\n"), ("user", "\t"), ("assistant", " ")
    ),
    "emoji": chat(("user", "🙂 Élève 東京?"), ("assistant", "👩‍👧 \ufeffß\u00a0")),
    "crlf": chat(("user", "a\r\nb\r"), ("assistant", "c\r\nd")),
    "empty": chat(("system", ""), ("user", ""), ("assistant", "")),
    "reasoning": [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4", "reasoning_content": "two and two\n"},
        {"role": "user", "content": "3+3?"},
        {"role": "assistant", "content": "6", "reasoning_content": "\nthree, twice"},
    ],
    "thought": chat(
        ("user", "q"),
        ("assistant", "<think>\nold\n</think>\n\n  one"),
        ("user", "r"),
        ("assistant", "<think>\nnew\n</think>\n\n  two\n"),
    ),
    "calls": [
        {"role": "system", "content": "Use tools."},
        {"role": "user", "content": "Rain in Zürich?"},
        {"role": "assistant", "content": "", "tool_calls": [RAIN]},
        {"role": "tool", "name": "rain", "content": '{"mm": 1.5}', "tool_call_id": "call00001"},
        {"role": "assistant", "content": "1.5 mm."},
    ],
    "two calls": [
        {"role": "user", "content": "Both?"},
        {"role": "assistant", "content": None, "tool_calls": [call("a", {"x": [1, 2.5, "y"]}), call("b", {})]},
        {"role": "tool", "content": "A"},
        {"role": "tool", "content": "B"},
        {"role": "assistant", "content": "Done."},
    ],
    "parts": [
        {"role": "user", "content": [{"type": "text", "text": " What "}, {"type": "text", "text": "is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "It."}]},
    ],
}

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "rain",
            "description": "How much rain <fell> & will 'fall'.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where", "enum": ["Zürich", "東京"]},
                    "days": {"type": "integer", "default": 1},
                    "dry": {"type": ["boolean", "null"]},
                    "spots": {"type": "array", "items": {"type": "number"}},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {"name": "noop", "description": "", "parameters": {"type": "object", "properties": {}}},
    },
]
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


def render(template, messages, tools=None, prompt=False):
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [messages], tools=tools, chat_template=template, add_generation_prompt=prompt, **SPECIAL
        )
        return texts[0]
    except Exception:
        return None


def snippet(template, context):
    try:
        return chat_template_utils._compile_jinja_template(template).render(**context)
    except Exception:
        return None


if __name__ == "__main__":
    cases = json.loads((HERE / "jinja" / "snippets.json").read_text())
    families = []
    for file in sorted((HERE / "jinja" / "families").glob("*.jinja")):
        template = file.read_bytes().decode()
        renders = [
            [
                render(template, messages),
                render(template, messages, TOOLS, True),
            ]
            for messages in CONVERSATIONS.values()
        ]
        families.append({"name": file.stem, "template": template, "renders": renders})
    golden = {
        "context": cases["context"],
        "tools": TOOLS,
        "special": SPECIAL,
        "conversations": CONVERSATIONS,
        "snippets": [[template, snippet(template, cases["context"])] for template in cases["snippets"]],
        "families": families,
    }
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            inner = ",\n".join(json.dumps(item, ensure_ascii=True, separators=(",", ":")) for item in value)
            lines.append(f'"{key}":[\n{inner}\n]')
        else:
            lines.append(f'"{key}":' + json.dumps(value, ensure_ascii=True, separators=(",", ":")))
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
