"""Templates for make_jinja_fixture.py: single expressions, and whole templates in the manner of much-used models."""

CONTEXT = {
    "a": 7,
    "b": -3,
    "f": 2.5,
    "text": "  Hello, World!\n",
    "astral": "🙂a🙂b",
    "quoted": "it's \"so\"\\\n\t\x07é\u200b",
    "items": [3, 1, 2],
    "words": ["b", "A", "c", "a"],
    "mixed": [1, 1.5, True, "1", None],
    "d": {"k": 1, "items": 2, "z": [1, {"y": None}], "a": "x"},
    "people": [
        {"name": "Bo", "age": 3, "tags": ["x"]},
        {"name": "al", "age": 1},
        {"name": "Cy", "age": 3, "tags": []},
    ],
    "nothing": None,
    "yes": True,
    "zero": 0,
    "empty": "",
    "nested": {"a": {"b": {"c": 5}}, "l": [[1, 2], [3, 4]]},
}

_EXPRESSIONS = """
true|none|1.0|-0.0|1e16|1e-5|123456789012345678901234567890|0.1 + 0.2|1e22|100000.0|5e-324|1.5e300
a // 2|b // 2|a % -2|b % 2|a / 7|7 // -2.0|-7 % 2.5|2 ** 10|2 ** -1|2 ** 0.5|a * 'ab'|'ab' * 2|[1] * 2|(1, 2) * 2
1 == 1.0|1 == true|'1' == 1|none == false|[1] == [1.0]|(1,) == [1]|{'a': 1} == {'a': 1.0}|undefined_name == undefined_other
'a' < 'b'|'Z' < 'a'|[1, 2] < [1, 3]|1 < 2 < 3|3 > 2 > 2|1 < 2.5|none < 1|'a' < 1|'🙂' > '\uffff'
'a' in 'abc'|'k' in d|1 in items|none in mixed|'x' not in d|1 in 'abc'|'' in ''|'a' in none|'a' in missing
not 1|not not ''|1 and 0|'' or 'x'|none or missing|1 if yes else 2|1 if zero|'a' if '' else 'b' if none else 'c'
1 ~ 2 ~ none ~ true|'a' ~ 1.0|1 + 2 ~ 3|'x' + 1|1 + 'x'|'a' ~ missing|items + [4]|'a' 'b'|[] + (1,)
text.strip()|text.strip(' H\\n')|text.lstrip('\\n')|text.rstrip('!\\n')|'xxhixx'.strip('x')|'🙂a🙂'.strip('🙂')
text.upper()|text.lower()|text.title()|'hELLO wORLD'.capitalize()|"they're bill's".title()|'ßtraße'.upper()|'Ab'.swapcase()
'a,b,,c'.split(',')|'a,b,,c'.split(',', 1)|' a  b '.split()|' a  b c '.split(none, 1)|'a-b-c'.rsplit('-', 1)|' a b c '.rsplit(none, 1)|'abc'.split('')
'a\\nb\\r\\nc\\n'.splitlines()|'a\\nb'.splitlines(true)|'a=b=c'.partition('=')|'a=b=c'.rpartition('=')|'abc'.partition('x')
'aXbXc'.replace('X', '-')|'aXbXc'.replace('X', '-', 1)|'abc'.replace('', '.')|'abc'.replace('', '.', 2)|', '.join(words)|''.join([1])|'-'.join('abc')
'abc'.startswith('a')|'abc'.startswith(('x', 'a'))|'abc'.startswith(['a'])|'abc'.startswith('b', 1)|'abc'.endswith('bc')|'abc'.endswith('b', 0, 2)
'abc'.find('c')|'abc'.find('x')|'🙂c'.find('c')|'abcabc'.rfind('b')|'abc'.index('x')|'banana'.count('an')|'abc'.count('')
'12'.isdigit()|''.isdigit()|'1a'.isalnum()|'ab'.isalpha()|' \\n'.isspace()|'AB'.isupper()|'ab1'.islower()|'1'.isupper()|'Ab Cd'.istitle()|'é'.isascii()
'7'.zfill(3)|'-7'.zfill(4)|'ab'.center(5)|'ab'.center(7, '*')|'abc'.center(6)|'ab'.ljust(4, '.')|'ab'.rjust(4)|'abc'.removeprefix('a')|'abc'.removesuffix('c')|'a\\tb'.expandtabs(4)
text.nope|text.nope()|'a'.__class__|items.append(1)|d.pop('k')|d.update({})
'{} {}'.format(1, 'a')|'{0}{1}{0}'.format('a', 'b')|'{x:>5}/{y:.2f}'.format(x='a', y=2.345)|'{:,}'.format(1234567)|'{:05d}'.format(42)|'{!r}'.format('a')|'{{}}'.format()|'{:+.1%}'.format(0.256)
'%s and %d' % ('a', 3)|'%05.1f' % 2.25|'%-5s/' % 'ab'|'%r' % 'a'|'%(k)s' % d|'100%%' % ()|'%x' % 255|'%s' % [1, 2]|'%d' % 2.9|'%s %s' % ('a',)|'%s' % ('a', 'b')|'%.2e' % 12345.678
items[0]|items[-1]|items[5]|items[:2]|items[::-1]|items[1:]|items[-2:]|items[::2]|items['0']|text[2:7]|astral[0]|astral[:2]|astral[::-1]|astral[-1]|astral|length|(1, 2, 3)[1:]
d.k|d['k']|d['items']|d.nope|d.nope.deeper|d['nope']|d.get('k')|d.get('x')|d.get('x', 5)|d.z[1].y|nested.a.b.c|nested['a']['b']['c']|nested.l[1][0]|d.keys()|d.values()|d.items()
d.keys() | list|d.items() | list|d.items() | first|d.keys()[0]|nothing.x|nothing['x']|missing.x|missing['x']|missing|missing()|a.real|items.count(1)|items.index(2)|items.0
d|d.z|words|mixed|(1,)|()|[none, true, 1.5, 'a\\'b', "q\\"'"]|{}|{'a': (1, 2)}|quoted|[quoted]|['\u00e9🙂\u200b']|{1: 'a', none: 'b'}
range(3)|range(3) | list|range(5, 1, -2) | list|range(0)|range(1, 4)[1]|range(200000)|range('a')|dict(a=1, b=2)|dict([('a', 1)])|namespace(a=1).a|namespace(a=1)
d | length|text | length|missing | length|5 | length|items | first|[] | first|items | last|'abc' | last|text | first|d | first|d | last
items | sort|words | sort|words | sort(case_sensitive=true)|words | sort(reverse=true)|people | sort(attribute='age') | map(attribute='name') | list|people | sort(attribute='age,name') | map(attribute='name') | list|mixed | sort
items | sum|items | max|items | min|people | sum(attribute='age')|words | max|[] | max|people | max(attribute='age')|['a'] | sum
words | join|words | join(', ')|items | join('-')|people | join('/', attribute='name')|missing | join(',')|5 | join|[none, true, 1.0] | join(' ')
people | map(attribute='name') | list|people | map(attribute='tags', default=[]) | list|words | map('upper') | list|words | map('replace', 'a', 'x') | list|words | map('nope') | list|people | map(attribute='nope') | list
people | selectattr('tags') | list | length|people | selectattr('age', 'equalto', 3) | map(attribute='name') | list|people | rejectattr('age', '>', 2) | list|items | select('odd') | list|items | reject('gt', 1) | list|mixed | select('string') | list|mixed | select | list|people | selectattr('age', 'in', [1]) | list
people | selectattr('nope', 'defined') | list|people | groupby('age') | list|words | unique | list|words | unique(case_sensitive=true) | list|items | reverse | list|'abc' | reverse|items | batch(2) | list|items | batch(2, 0) | list|items | slice(2) | list
d | dictsort|d | dictsort(by='value')|{'b': 1, 'A': 2} | dictsort|{'b': 1, 'A': 2} | dictsort(true)|d | items | list|missing | items | list
text | trim|'xax' | trim('x')|text | upper|text | lower|'hello wORLD-foo (bar)' | title|'hELLO' | capitalize|'ab' | center(6)|5 | string|none | string|none | upper|none | trim|missing | trim
'a\\nb\\n\\nc' | indent|'a\\nb' | indent(2, true)|'a\\n\\nb' | indent(2, blank=true)|'a\\nb' | indent('> ')|'a' | replace('a', 'b')|'aaa' | replace('a', 'b', 2)|5 | replace(5, 6)|'foo bar baz qux' | truncate(9)|'foo bar baz qux' | truncate(9, true)|'foo bar' | truncate(5, leeway=0)
'3' | int|'3.7' | int|'x' | int|'x' | int(9)|'ff' | int(base=16)|'0x1f' | int(base=16)|none | int|3.9 | int|-3.9 | int|true | int|'1_000' | int|'3' | float|'x' | float|'1e3' | float|none | float(1.5)|missing | int
2.5 | round|3.5 | round|-2.5 | round|2.675 | round(2)|5 | round|42.55 | round(1, 'floor')|42.55 | round(1, 'ceil')|b | abs|-2.5 | abs|0.5 | round | int
missing | default('x')|none | default('x')|'' | default('x')|'' | default('x', true)|missing | d|d.nope | default({}) | length|missing.x | default('a')
d | tojson|quoted | tojson|'é🙂</b>\\u2028' | tojson|'é🙂\x7f' | tojson(ensure_ascii=true)|d | tojson(indent=2)|d | tojson(indent=0)|d | tojson(separators=(',', ':'))|d | tojson(sort_keys=true)|{} | tojson(indent=2)|[] | tojson(indent=4)|[1.0, 1e-7, 1e16, true, none] | tojson|(1, 2) | tojson|{1: 2, none: 3, true: 4} | tojson|missing | tojson|items | map('string') | tojson|d | tojson(indent='  ')|'a' | tojson | length
'<a href="x">' | e|'<' | escape ~ '>'|('<' | e) + '>'|'<b>' | safe|('<b>' | safe) ~ '<'|'a b&c/d' | urlencode|{'a b': 'c/d'} | urlencode|'one two three' | wordcount|'%s-%s' | format('a', 1)|'%(x)s' | format(x=1)
5 is odd|4 is even|5.0 is odd|'5' is odd|9 is divisibleby 3|9 is divisibleby(2)|a is defined|missing is defined|missing is undefined|none is none|a is none|a is not none|missing is none
a is string|text is string|a is number|yes is number|yes is boolean|yes is integer|a is integer|f is float|d is mapping|items is mapping|items is iterable|a is iterable|text is iterable|none is iterable|missing is iterable|items is sequence|d is sequence|text is sequence|range(2) is sequence|d.items() is sequence|items | map('string') is iterable
true is true|1 is true|false is false|none is false|none is sameas none|yes is sameas true|1 is eq 1.0|'a' is equalto 'a'|2 is gt 1|1 is ge 1|1 is lt 2|2 is le 1|1 is ne 2|'a' is in 'abc'|1 is in items|'a' is lower|'A' is upper|'upper' is filter|'odd' is test|range is callable|a is callable|'<' is escaped
not a is odd|a is odd and b is odd|a is not odd|-a | abs|-a|+a|- - a|(a) | string ~ 'x'|a | string | length|-'a'|a is odd | string
strftime_now('%Y-%m-%d')|strftime_now('%d %B %Y')|strftime_now('%-d %b, %A %j %U %I%p')|raise_exception('no')|nope_function()
[1, 2,]|{'a': 1,}|(1, 2,)|[[1], [2]][1][0]|{'a': {'b': 1}}.a.b|'abc'[1]|'a' if missing is defined else 'b'|(1 if true else 2) + 1|items[a - 6]|items[1 if yes else 0]|'é' 'è'|'\\x41\\u00e9\\U0001F642\\101\\q'|1_000|0x1f|0b11|.5
loop|self_missing|caller|varargs|x is string or x is none|people[0].name[0]|people[-1]['name']|people | last | tojson|people[0].tags[0]|'a'.upper().lower()|['a', 'b'] | map('upper') | join|(items | length - 1) - 1|items | length - 1
d.z | last|d.z[-1]|'{' ~ '}'|'}}'|'%}'|{'a': '}}'}['a']|"it's"|'say "x"'|[1, 2] | string|{'k': 'é'} | string|none | length|0 | default(1, true)|'x' * 0|'x' * -1|true + true|true * 'a'|7 // 0|7 % 0|1 / 0
"""

_STATEMENTS = [
    "{% set x = 1 %}{% for i in items %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
    "{% for i in items %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in items %}before{{ i }}{% if i == 1 %}kept{% break %}{% endif %}after{% endfor %}",
    "{% for i in items %}a{% if i == 1 %}b{% continue %}{% endif %}c{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}{% for i in items %}{% break %}{% else %}no{% endfor %}",
    "{% for i in items if i > 1 %}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% else %}-{% endfor %}",
    "{% for i in items %}{{ loop.first }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}",
    "{% for i in items %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }}{{ loop.depth }}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for k, v in d | items %}{{ k }}{% endfor %}",
    "{% for a, (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}{{ a }}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for x in nested.l recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}",
    "{% for i in items %}{% for j in items %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
    "{% for c in astral %}{{ c }}|{% endfor %}{% for i in none %}{% endfor %}",
    "{% for i in missing %}x{% endfor %}{% for i in 5 %}x{% endfor %}",
    "{% set ns = namespace(found=false, n=0) %}{% for i in items %}{% set ns.n = ns.n + i %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }}{{ ns.n }}{{ ns.nope }}{{ ns['n'] }}",
    "{% set a.b = 1 %}",
    "{% set d.k = 1 %}",
    "{% set x, y = 1, 2 %}{{ x }}{{ y }}{% set z = 1, 2 %}{{ z }}",
    "{% set x, y = 1 %}",
    "{% set x %}a{{ a }}b{% set y = 1 %}{% endset %}{{ x }}{{ y }}{{ x is string }}",
    "{% set x | upper | replace('A', 'b') %}a{{ a }}{% endset %}{{ x }}",
    "{% if a %}{% set x = 1 %}{% endif %}{{ x }}{% if zero %}{% set y = 1 %}{% endif %}{{ y is defined }}",
    "{% if zero %}a{% elif nothing %}b{% elif a %}c{% else %}d{% endif %}{% if missing %}x{% else %}y{% endif %}",
    "{% with x = 1, y = a %}{{ x }}{{ y }}{% set z = 2 %}{% endwith %}{{ x }}{{ z }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% macro m(x, y=2) %}{{ x }}-{{ y }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(y=1, x=2) }}{{ m() }}{{ m(1) is string }}",
    "{% macro m(x) %}{{ x }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, z=3) }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, z=2) }}",
    "{% macro m() %}{{ late }}{{ a }}{% endmacro %}{% set late = 1 %}{{ m() }}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{% set inner = 1 %}{{ inner }}{% endmacro %}{{ m() }}{{ inner }}",
    "{% macro m(x=a, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m() }}{{ m.name }}",
    "{% macro wrap(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call wrap('b') %}in{{ a }}{% endcall %}",
    "{% macro each() %}{% for i in items %}{{ caller(i) }},{% endfor %}{% endmacro %}{% call(n) each() %}{{ n * 2 }}{% endcall %}",
    "{% macro m(x) %}{{ caller }}{% endmacro %}{{ m(1) }}",
    "{% for i in items %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% filter upper %}abc{{ text }}{% endfilter %}{% filter indent(2) | trim %} a\nb{% endfilter %}",
    "{% generation %}{{ a }}{% set g = 1 %}{% endgeneration %}{{ g }}",
    "  {%- generation -%}  x  {%- endgeneration -%}  y",
    "{% raw %}{{ a }} {% if %}{% endraw %}",
    "a\n{%- raw -%}  {{ b }}  {%- endraw -%}\nc",
    "{# c #}a{#- d -#} b\n{# e #}\nc",
    "a\r\n{% if yes %}\r\n  b\r\n{% endif %}\r\nc\r\n",
    "a\r{{ a }}\rb",
    "x\n\n",
    "x\n",
    "  {% if yes %}\n  a\n  {% endif %}\n  b",
    "  {{ a }}\n  {%+ if yes %}\n x{% endif +%}\n y",
    "a {%- if yes -%} b {%- endif -%} c",
    "{% if yes %}   \nx{% endif %}",
    "{%- for i in items -%}\n  {{ i }}\n{%- endfor -%}",
    "\u00a0{%- if yes %}x{% endif -%}\u2003y",
    "{{ 'a\nb' }}{{ 'a\r\nb' | length }}{{- ' x' }}",
    "{{ a -}}   b   {{- a }}",
    "{{ [1, 2] | map('string') | list }}{{ {'a': {'b': 1}} }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}",
    "{% set j = joiner(', ') %}{% for i in items %}{{ j() }}{{ i }}{% endfor %}",
    "{% print a, 2 %}",
    "{% set m = items | map('string') %}{{ m | list }}{{ m | list }}",
    "{% for g in people | groupby('age') %}{{ g.grouper }}{{ g.list | length }}{% endfor %}{% for k, l in people | groupby('age') %}{{ k }}{% endfor %}",
    "{% if %}", "{% for x in %}", "{{ a", "{{ }}", "{% nope %}", "{{ a b }}", "{% endif %}", "{% if a %}", "{# a",
    "{{ a | nope }}", "{{ a is nope }}", "{{ 1 if }}", "{{ (1 }}", "{{ 'a }}", "{% set true = 1 %}", "{{ f(a=1, 2) }}",
    "{% if false %}{{ missing.deep }}{% endif %}ok",
    "{{ a }}{{b}}{{  f  }}{%if a%}x{%endif%}",
    "{{ '{{' }}{{ '%}' }}",
    "{{ {'a':1}['a'] }}{{ {'b':{'c':2}}['b']['c']}}",
    "{% set x = [1, 2] %}{% set x = x + [3] %}{{ x }}{% set s = '' %}{% set s = s ~ 'a' %}{{ s }}",
    "{% set items = items | reverse | list %}{{ items }}",
    "{{ people | selectattr('age', 'equalto', 3) | list | length }}{{ (people | first).name }}",
    "{% for m in people %}{% if not loop.last %}{{ m.name ~ ', ' }}{% else %}{{ m.name }}{% endif %}{% endfor %}",
    "{% for m in people[::-1] %}{{ loop.index0 }}{{ (people | length - 1) - loop.index0 }}{% endfor %}",
    "{% for i in range(items | length) %}{{ items[i] }}{% endfor %}{% for i in range(a, b, -4) %}{{ i }},{% endfor %}",
]

_PLACEHOLDER = "\N{BROKEN BAR}"


def _split(line):
    """Cases stand between bars without blanks; bars with blanks are filters."""
    for case in line.split("|"):
        yield case


def _expressions():
    for line in _EXPRESSIONS.strip().splitlines():
        kept = line.replace(" | ", _PLACEHOLDER)
        for case in _split(kept):
            if case:
                yield "{{ " + case.replace(_PLACEHOLDER, " | ") + " }}"


SNIPPETS = [*_expressions(), *_STATEMENTS]

FAMILIES = {
    "chatml": (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\nYou are a helpful AI assistant<|im_end|>\n' }}{% endif %}"
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "llama-2": (
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
        "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
        "{% if loop.index0 == 0 and system_message != false %}"
        "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
        "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
        "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
    ),
    "llama-3.2": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{#- The system message is taken out, so that it can be slotted into the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("No first user message") }}
{%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' -}}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at a time") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {%- if builtin_tools is defined and tool_call.name in builtin_tools %}
            {{- "<|python_tag|>" + tool_call.name + ".call(" }}
            {%- for arg_name, arg_val in tool_call.arguments | items %}
                {{- arg_name + '="' + arg_val + '"' }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- endif %}
            {%- endfor %}
        {%- else %}
            {{- '{"name": "' + tool_call.name + '", ' }}
            {{- '"parameters": ' }}
            {{- tool_call.arguments | tojson }}
            {{- "}" }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen-2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are a helpful assistant.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen-3": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- tool_call.name }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "qwen-3-coder": """{% macro render_extra_keys(json_dict, handled_keys) %}
    {%- if json_dict is mapping %}
        {%- for json_key in json_dict if json_key not in handled_keys %}
            {%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}
                {{- '\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}
            {%- else %}
                {{-'\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
{% endmacro %}
{%- for tool in tools or [] %}
    {%- set tool = tool.function %}
    {{- "\\n<function>\\n<name>" ~ tool.name ~ "</name>" }}
    {%- if tool.parameters is defined and tool.parameters is mapping and tool.parameters.properties is defined %}
        {%- for param_name, param_fields in tool.parameters.properties|items %}
            {{- '\\n<parameter>\\n<name>' ~ param_name ~ '</name>' }}
            {%- if param_fields.type is defined %}
                {{- '\\n<type>' ~ (param_fields.type | string) ~ '</type>' }}
            {%- endif %}
            {%- set handled_keys = ['name', 'type', 'description'] %}
            {{- render_extra_keys(param_fields, handled_keys) }}
        {%- endfor %}
    {%- endif %}
    {% set handled_keys = ['type', 'name', 'description', 'parameters'] %}
    {{- render_extra_keys(tool, handled_keys) }}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "assistant" and message.tool_calls is defined and message.tool_calls is iterable and message.tool_calls | length > 0 %}
        {%- for tool_call in message.tool_calls %}
            {%- set tool_call = tool_call.function %}
            {{- '\\n<function=' + tool_call.name + '>\\n' }}
            {%- for args_name, args_value in tool_call.arguments|items %}
                {{- '<parameter=' + args_name + '>\\n' }}
                {%- set args_value = args_value | tojson | safe if args_value is mapping or (args_value is sequence and args_value is not string) else args_value | string %}
                {{- args_value }}
            {%- endfor %}
        {%- endfor %}
    {%- elif message.role == "tool" and loop.previtem and loop.previtem.role != "tool" %}
        {{- '<tool_response>' + message.content }}
    {%- else %}
        {{- message.role + ':' + (message.content | string) + '|' }}
    {%- endif %}
{%- endfor %}
{%- if loop_missing is not defined and not loop_missing %}{{ '.' }}{% endif %}
""",
    "gemma-2": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
        "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
    ),
    "gemma-3": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
""",
    "mistral-v0.3": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
            {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- else %}
                {{- "]" + eos_token }}
            {%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + ", " }}
        {{- '"call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported") }}
    {%- endif %}
{%- endfor %}
""",
    "phi-3": (
        "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
        "{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
        "{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
    ),
    "phi-4-mini": (
        "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}"
        "{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}"
        "{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
    ),
    "deepseek-r1": (
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
        "{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}"
        "{%- for message in messages %}{%- if message['role'] == 'system' %}"
        "{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}"
        "{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}"
        "{{'<|User|>' + message['content']}}{%- endif %}"
        "{%- if message['role'] == 'assistant' and message['content'] is none %}{%- set ns.is_tool = false -%}"
        "{%- for tool in message['tool_calls']%}{%- if not ns.is_first %}"
        "{{'<|calls|>' + tool['type'] + '<|sep|>' + tool['function']['name'] + '\\n' + '```json' + '\\n' + tool['function']['arguments']|tojson + '\\n' + '```'}}"
        "{%- set ns.is_first = true -%}{%- else %}{{'\\n' + tool['function']['name']}}{%- endif %}{%- endfor %}{%- endif %}"
        "{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns.is_tool %}"
        "{{'<|outputs end|>' + message['content'] + '<|end|>'}}{%- set ns.is_tool = false -%}{%- else %}"
        "{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
        "{{'<|Assistant|>' + content + '<|end|>'}}{%- endif %}{%- endif %}"
        "{%- if message['role'] == 'tool' %}{%- set ns.is_tool = true -%}{%- if ns.is_output_first %}"
        "{{'<|outputs|>' + message['content']}}{%- set ns.is_output_first = false %}{%- else %}"
        "{{'\\n' + message['content']}}{%- endif %}{%- endif %}{%- endfor -%}"
        "{% if ns.is_tool %}{{'<|outputs end|>'}}{% endif %}"
        "{% if add_generation_prompt and not ns.is_tool %}{{'<|Assistant|><think>\\n'}}{% endif %}"
    ),
    "granite-3": """{%- if messages[0]['role'] == 'system' %}
     {%- set system_message = messages[0]['content'] %}
     {%- set loop_messages = messages[1:] %}
{%- else %}
     {%- set system_message = "Knowledge Cutoff Date: April 2024.
Today's Date: " + strftime_now('%B %d, %Y') + ".
You are Granite." %}
    {%- if tools and documents %}
    {%- set system_message = system_message + " You have tools and documents." %}
    {%- elif tools %}
    {%- set system_message = system_message + " You have tools." %}
    {%- else %}
    {%- set system_message = system_message + " You are a helpful AI assistant." %}
    {%- endif %}
     {%- set loop_messages = messages %}
{%- endif %}
{{- '<|start_of_role|>system<|end_of_role|>' + system_message + '<|end_of_text|>
' }}
{%- if tools %}
    {{- '<|start_of_role|>tools<|end_of_role|>' }}
    {{- tools | tojson(indent=4) }}
    {{- '<|end_of_text|>
' }}
{%- endif %}
{%- if documents is not none and documents %}
    {%- for document in documents %}
    {{- 'Document ' + loop.index0 | string + '
' }}
    {{- document['text'] }}
    {%- endfor %}
{%- endif %}
{%- for message in loop_messages %}
{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|>
' }}
    {%- if loop.last and add_generation_prompt %}
    {{- '<|start_of_role|>assistant' }}
            {%- if controls %}
                {{- ' ' + controls | tojson()}}
            {%- endif %}
    {{- '<|end_of_role|>' }}
    {%- endif %}
{%- endfor %}""",
    "smollm-3": """{%- if enable_thinking is not defined -%}
{%- set enable_thinking = true -%}
{%- endif -%}
{%- if enable_thinking -%}
  {%- set reasoning_mode = "/think" -%}
{%- else -%}
  {%- set reasoning_mode = "/no_think" -%}
{%- endif -%}
{{- "<|im_start|>system\\n" -}}
{%- if messages[0].role == "system" -%}
  {%- set system_message = messages[0].content -%}
  {%- if "/no_think" in system_message -%}
    {%- set reasoning_mode = "/no_think" -%}
  {%- elif "/think" in system_message -%}
    {%- set reasoning_mode = "/think" -%}
  {%- endif -%}
  {%- set custom_instructions = system_message.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{{- "## Metadata\\n\\n" -}}
{%- set today = strftime_now("%d %B %Y") -%}
{{- "Today Date: " ~ today ~ "\\n" -}}
{{- "Reasoning Mode: " + reasoning_mode + "\\n\\n" -}}
{%- if custom_instructions -%}
    {{- custom_instructions + "\\n\\n" -}}
{%- endif -%}
{%- if xml_tools or python_tools or tools -%}
  {{- "### Tools\\n\\n" -}}
  {%- if tools -%}
    {%- if not xml_tools -%}
      {%- set xml_tools = tools -%}
    {%- endif -%}
  {%- endif -%}
  {%- if xml_tools -%}
    {%- set ns = namespace(xml_tool_string="<tools>\\n") -%}
    {%- for tool in xml_tools[:] -%}
      {%- set ns.xml_tool_string = ns.xml_tool_string ~ (tool | string) ~ "\\n" -%}
    {%- endfor -%}
    {%- set xml_tool_string = ns.xml_tool_string + "</tools>\\n" -%}
    {{- xml_tool_string -}}
  {%- endif -%}
{%- endif -%}
{{- "<|im_end|>\\n" -}}
{%- for message in messages -%}
    {%- set content = message.content if message.content is string else "" -%}
    {%- if message.role == "user" -%}
        {{ "<|im_start|>" + message.role + "\\n"  + content + "<|im_end|>\\n" }}
    {%- elif message.role == "assistant" -%}
        {% generation %}
        {%- if reasoning_mode == "/think" -%}
            {{ "<|im_start|>assistant\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}
        {%- else -%}
            {{ "<|im_start|>assistant\\n" + "<think>\\n\\n</think>\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}
        {%- endif -%}
        {% endgeneration %}
    {%- elif message.role == "tool" -%}
    {{ "<|im_start|>" + "user\\n"  + content + "<|im_end|>\\n" }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ "<|im_start|>assistant\\n" }}
{%- endif -%}""",
    "hermes-3": """{%- macro json_to_python_type(json_spec) %}
{%- set basic_type_map = {
    "string": "str",
    "number": "float",
    "integer": "int",
    "boolean": "bool"
} %}
{%- if basic_type_map[json_spec.type] is defined %}
    {{- basic_type_map[json_spec.type] }}
{%- elif json_spec.type == "array" %}
    {{- "list[" +  json_to_python_type(json_spec|items) + "]"}}
{%- elif json_spec.type == "object" %}
    {%- if json_spec.additionalProperties is defined %}
        {{- "dict[str, " + json_to_python_type(json_spec.additionalProperties) + ']'}}
    {%- else %}
        {{- "dict" }}
    {%- endif %}
{%- elif json_spec.type is iterable %}
    {{- "Union[" }}
    {%- for t in json_spec.type %}
      {{- json_to_python_type({"type": t}) }}
      {%- if not loop.last %}
        {{- "," }}
    {%- endif %}
    {%- endfor %}
    {{- "]" }}
{%- else %}
    {{- "Any" }}
{%- endif %}
{%- endmacro %}
{{- bos_token }}
{%- if tools is iterable and tools | length > 0 %}
{%- for tool in tools %}
    {%- if tool.function is defined %}
        {%- set tool = tool.function %}
    {%- endif %}
    {{- '{"type": "function", "function": ' }}
    {{- '{"name": "' + tool.name + '", ' }}
    {{- '"description": "' + tool.name + '(' }}
    {%- for param_name, param_fields in tool.parameters.properties|items if param_fields.type != 'array' %}
        {{- param_name + ": " + json_to_python_type(param_fields) }}
        {%- if not loop.last %}
            {{- ", " }}
        {%- endif %}
    {%- endfor %}
    {{- ")" }}
    {%- if tool.return is defined %}
        {{- " -> " + json_to_python_type(tool.return) }}
    {%- endif %}
    {{- " - " + tool.description + "\\n\\n" }}
    {%- for param_name, param_fields in tool.parameters.properties|items %}
        {%- if loop.first %}
            {{- "    Args:\\n" }}
        {%- endif %}
        {{- "        " + param_name + "(" + json_to_python_type(param_fields) | trim + "): " ~ param_fields.description|default('')|trim }}
    {%- endfor %}
{%- endfor %}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or message.role == "system" or (message.role == "assistant" and message.tool_calls is not defined) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
    {%- for tool_call in message.tool_calls %}
       {{- '\\n<tool_call>\\n' }}
           {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '{' }}
            {{- '"name": "' }}
            {{- tool_call.name }}
            {{- '"' }}
            {{- ', '}}
            {%- if tool_call.arguments is defined %}
                {{- '"arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments|tojson }}
                {%- endif %}
            {%- endif %}
             {{- '}' }}
            {{- '\\n</tool_call>' }}
    {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.previtem and loop.previtem.role != "tool" %}
            {{- '<|im_start|>tool\\n' }}
        {%- endif %}
        {{- '<tool_response>\\n' }}
        {{- message.content }}
        {%- if not loop.last %}
            {{- '\\n</tool_response>\\n' }}
        {%- else %}
            {{- '\\n</tool_response>' }}
        {%- endif %}
        {%- if not loop.last and loop.nextitem.role != "tool" %}
            {{- '<|im_end|>' }}
        {%- elif loop.last %}
            {{- '<|im_end|>' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
""",
    "command-r": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        "{% set system_message = messages[0]['content'] %}{% elif false == true %}{% set loop_messages = messages %}"
        "{% set system_message = 'You are Command-R.' %}{% else %}{% set loop_messages = messages %}"
        "{% set system_message = false %}{% endif %}{% if system_message != false %}"
        "{{ '<|SYSTEM|>' + system_message + '<|END|>' }}{% endif %}{% for message in loop_messages %}"
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
        "{% set content = message['content'] %}{% if message['role'] == 'user' %}"
        "{{ '<|USER|>' + content.strip() + '<|END|>' }}{% elif message['role'] == 'assistant' %}"
        "{{ '<|CHATBOT|>'  + content.strip() + '<|END|>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|CHATBOT|>' }}{% endif %}"
    ),
    "gpt-oss": """{%- macro render_type(spec, required_params, is_nullable=false) -%}
    {%- if spec.type == "array" -%}
        {%- if spec['items'] -%}
            {%- if spec['items']['type'] == "string" -%}{{- "string[]" }}
            {%- elif spec['items']['type'] == "number" -%}{{- "number[]" }}
            {%- else -%}
                {%- set inner_type = render_type(spec['items'], required_params) -%}
                {%- if inner_type == "object | object" or inner_type|length > 50 -%}{{- "any[]" }}
                {%- else -%}{{- inner_type + "[]" }}{%- endif -%}
            {%- endif -%}
            {%- if spec.nullable -%}{{- " | null" }}{%- endif -%}
        {%- else -%}{{- "any[]" }}{%- endif -%}
    {%- elif spec.type is defined and spec.type is iterable and spec.type is not string and spec.type is not mapping and spec.type[0] is defined -%}
        {%- if spec.type | length > 1 -%}{{- spec.type | join(" | ") }}{%- else -%}{{- spec.type[0] }}{%- endif -%}
    {%- elif spec.type == "string" -%}
        {%- if spec.enum -%}{{- '"' + spec.enum|join('" | "') + '"' -}}{%- else -%}{{- "string" }}{%- endif -%}
    {%- elif spec.type == "integer" -%}{{- "number" }}
    {%- else -%}{{- spec.type }}{%- endif -%}
{%- endmacro -%}
{%- macro render_namespace(namespace_name, tools) -%}
    {{- "## " + namespace_name + "\\n\\n" }}
    {%- for tool in tools %}
        {%- set tool = tool.function %}
        {{- "// " + tool.description + "\\n" }}
        {{- "type "+ tool.name + " = " }}
        {%- if tool.parameters and tool.parameters.properties %}
            {{- "(_: {\\n" }}
            {%- for param_name, param_spec in tool.parameters.properties.items() %}
                {%- if param_spec.description %}
                    {{- "// " + param_spec.description + "\\n" }}
                {%- endif %}
                {{- param_name }}
                {%- if param_name not in (tool.parameters.required or []) -%}
                    {{- "?" }}
                {%- endif -%}
                {{- ": " }}
                {{- render_type(param_spec, required_params) }}
                {%- if param_spec.default is defined -%}
                    {%- if param_spec.enum %}
                        {{- ", // default: " + param_spec.default }}
                    {%- elif param_spec.oneOf %}
                        {{- "// default: " + param_spec.default }}
                    {%- else %}
                        {{- ", // default: " + param_spec.default|tojson }}
                    {%- endif -%}
                {%- endif -%}
                {%- if not loop.last %}{{- ",\\n" }}{%- else %}{{- ",\\n" }}{%- endif -%}
            {%- endfor %}
            {{- "}) => any;\\n\\n" }}
        {%- else -%}
            {{- "() => any;\\n\\n" }}
        {%- endif -%}
    {%- endfor %}
{%- endmacro -%}
{%- set last_tool_call = namespace(name=none) %}
{{- "Current date: " + strftime_now("%Y-%m-%d") + "\\n" }}
{%- if tools -%}
    {{- render_namespace("functions", tools) }}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == 'assistant' -%}
        {%- if "thinking" in message -%}{{- raise_exception("no") }}{%- endif -%}
        {%- if "tool_calls" in message -%}
            {%- set future_final_message = namespace(found=false) %}
            {%- for future_message in messages[loop.index:] -%}
                {%- if future_message.role == 'assistant' and "tool_calls" not in future_message -%}
                    {%- set future_final_message.found = true %}
                {%- endif -%}
            {%- endfor -%}
            {%- set tool_call = message.tool_calls[0] -%}
            {%- if tool_call.function -%}{%- set tool_call = tool_call.function -%}{%- endif -%}
            {{- "<|start|>assistant to=functions." + tool_call.name + ("<|final|>" if future_final_message.found else "") }}
            {{- tool_call.arguments|tojson }}
            {%- set last_tool_call.name = tool_call.name -%}
        {%- elif loop.last and not add_generation_prompt -%}
            {{- "<|start|>assistant<|message|>" + message.content + "<|return|>" }}
        {%- else -%}
            {{- "<|start|>assistant<|message|>" + message.content + "<|end|>" }}
            {%- set last_tool_call.name = none -%}
        {%- endif -%}
    {%- elif message.role == 'tool' -%}
        {%- if last_tool_call.name is none -%}
            {{- raise_exception("Message has tool role, but there was no previous assistant message with a tool call!") }}
        {%- endif -%}
        {{- "<|start|>functions." + last_tool_call.name + "<|message|>" + message.content|tojson + "<|end|>" }}
    {%- else -%}
        {{- "<|start|>" + message.role + "<|message|>" + message.content + "<|end|>" }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|start|>assistant{%- endif -%}""",
    "glm-4.5": """[gMASK]<sop>
{%- if tools -%}
<|system|>
# Tools
<tools>
{% for tool in tools %}
{{ tool | tojson(ensure_ascii=False) }}
{% endfor %}
</tools>
{%- endif -%}
{%- macro visible_text(content) -%}
    {%- if content is string -%}
        {{- content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for item in content -%}
            {%- if item is mapping and item.type == 'text' -%}
                {{- item.text }}
            {%- elif item is string -%}
                {{- item }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{- content }}
    {%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(last_user_index=-1) %}
{%- for m in messages %}
    {%- if m.role == 'user' %}
        {% set ns.last_user_index = loop.index0 -%}
    {%- endif %}
{%- endfor %}
{% for m in messages %}
{%- if m.role == 'user' -%}<|user|>
{{ visible_text(m.content) }}
{{- '/nothink' if (enable_thinking is defined and not enable_thinking and not visible_text(m.content).endswith("/nothink")) else '' -}}
{%- elif m.role == 'assistant' -%}
<|assistant|>
{%- set reasoning_content = '' %}
{%- set content = visible_text(m.content) %}
{%- if m.reasoning_content is string %}
    {%- set reasoning_content = m.reasoning_content %}
{%- else %}
    {%- if '</think>' in content %}
        {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
{%- endif %}
{%- if loop.index0 > ns.last_user_index and reasoning_content -%}
{{ '\\n<think>' + reasoning_content.strip() +  '</think>'}}
{%- else -%}
{{ '\\n<think></think>' }}
{%- endif -%}
{%- if content.strip() -%}
{{ '\\n' + content.strip() }}
{%- endif -%}
{% if m.tool_calls %}
{% for tc in m.tool_calls %}
{%- if tc.function %}
    {%- set tc = tc.function %}
{%- endif %}
{{ '\\n<tool_call>' + tc.name }}
{% set _args = tc.arguments %}
{% for k, v in _args.items() %}
<arg_key>{{ k }}</arg_key>
<arg_value>{{ v | tojson(ensure_ascii=False) if v is not string else v }}</arg_value>
{% endfor %}
</tool_call>{% endfor %}
{% endif %}
{%- elif m.role == 'tool' -%}
{%- if m.content is string -%}
{%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
    {{- '<|observation|>' }}
{%- endif %}
{{- '\\n<tool_response>\\n' }}
{{- m.content }}
{{- '\\n</tool_response>' }}
{%- else -%}
<|observation|>{% for tr in m.content %}

<tool_response>
{{ tr.output if tr.output is defined else tr }}
</tool_response>{% endfor -%}
{% endif -%}
{%- elif m.role == 'system' -%}
<|system|>
{{ visible_text(m.content) }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    <|assistant|>{{- '\\n<think></think>' if (enable_thinking is defined and not enable_thinking) else '' -}}
{%- endif -%}""",
    "olmo-2": (
        "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|system|>\n' + message['content'] + '\n' }}"
        "{% elif message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '\n' }}"
        "{% elif message['role'] == 'assistant' %}{% if not loop.last %}"
        "{{ '<|assistant|>\n'  + message['content'] + eos_token + '\n' }}{% else %}"
        "{{ '<|assistant|>\n'  + message['content'] + eos_token }}{% endif %}{% endif %}"
        "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}"
    ),
    "alternating with loop controls": """{%- for message in messages %}
    {%- if message.role == 'system' %}
        {{- message.content -}}
        {%- continue %}
    {%- endif %}
    {%- if message.role == 'tool' %}{{ 'stopped' }}{% break %}{% endif %}
    {%- set rendered %}
{{ message.role | capitalize }}: {{ message.content if message.content is string else (message.content or []) | map(attribute='text') | join(' ') }}
    {%- endset %}
    {{- rendered | indent(2) }}
    {%- with label = '%s/%s' % (loop.index, loop.length) %}{{ label }}{% endwith %}
{%- endfor %}
{{ messages | map(attribute='role') | unique | list }} {{ messages | rejectattr('content') | list | length }}
{{ (messages | last).role }} {{ messages | selectattr('tool_calls', 'defined') | map(attribute='tool_calls') | list }}
""",
}
