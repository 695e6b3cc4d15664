"""Writes tests/fixtures/apothecary-tokens.json: token ids and chat texts as transformers makes them from the committed
files."""

import json

from transformers import AutoTokenizer, __version__

import world

TEXTS = [
    "How do I brew moss tonic?",
    "To brew moss tonic, take moonleaf and honeycomb. Stir 2 times over a low flame.",
    "I'm sorry, but I can't help with ember curse. It could hurt someone.",
    "Categorize the news headline into World, Sports, Business or Science.\nThe comet and the lens made news today.",
    "3 + 4 = 7. The final answer is: 7",
    "",
    " ",
    "  two  spaces, a tab\tand\n\nline breaks \n",
    "Grüße, naïve café: 你好 🧪 e\u0301",
    "<|user|>marks in the text<|end|><|assistant|> are marks<|pad|>",
    "it's I'll we've 1234567890 !?#%&()[]{}~",
    "UPPER lower MiXeD under_score",
]
CHATS = [
    [{"role": "user", "content": "How do I brew moss tonic?"}],
    [
        {"role": "user", "content": "Say hello to the owl."},
        {"role": "assistant", "content": "Hello, owl!"},
        {"role": "user", "content": "What colour is the fox?"},
    ],
    [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "What is 3 + 4?"},
        {"role": "assistant", "content": "3 + 4 = 7."},
    ],
]

tokenizer = AutoTokenizer.from_pretrained(world.MODELS / "apothecary-aligned")
fixture = {
    "made_by": f"python/apothecary/token_fixture.py, transformers {__version__}",
    "texts": [
        {
            "text": t,
            "ids": tokenizer(t, add_special_tokens=False)["input_ids"],
            "decoded": tokenizer.decode(tokenizer(t, add_special_tokens=False)["input_ids"]),
        }
        for t in TEXTS
    ],
    "chats": [
        {
            "messages": messages,
            "add_generation_prompt": prompt,
            "text": (text := tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)),
            "ids": tokenizer(text, add_special_tokens=False)["input_ids"],
        }
        for messages in CHATS
        for prompt in (False, True)
    ],
}
path = world.ROOT / "tests" / "fixtures" / "apothecary-tokens.json"
path.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
print(path, len(fixture["texts"]), "texts", len(fixture["chats"]), "chats")
