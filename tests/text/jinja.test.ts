/**
 * @file Templates are rendered letter for letter as transformers renders them (python/make_jinja_fixture.py), and what
 * it refuses is refused.
 */
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";
import { describe, expect, it } from "vitest";
import { compileTemplate } from "../../src/text/jinja/template.ts";

interface JinjaGolden {
  readonly context: Record<string, unknown>;
  readonly tools: readonly unknown[];
  readonly special: Record<string, string>;
  readonly conversations: Readonly<Record<string, unknown>>;
  /** Template and text; null where transformers raises. */
  readonly snippets: readonly (readonly [string, string | null])[];
  readonly families: readonly {
    readonly name: string;
    readonly template: string;
    /** For each conversation: plain, and with tools and the generation prompt. */
    readonly renders: readonly (readonly [string | null, string | null])[];
  }[];
}

const file = new URL("../fixtures/tokenizers/jinja.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as JinjaGolden;

function render(template: string, values: Record<string, unknown>): string | null {
  try {
    return compileTemplate(template).render(values);
  } catch {
    return null;
  }
}

it("one expression or statement is rendered as by transformers", () => {
  const rendered = golden.snippets.map(([template]) => [template, render(template, golden.context)]);
  expect(rendered).toEqual(golden.snippets);
});

it.each(golden.families)("a template in the manner of $name renders every conversation", ({ template, renders }) => {
  const rendered = Object.values(golden.conversations).map((messages) => {
    const values = { ...golden.special, messages, tools: null, documents: null, add_generation_prompt: false };
    return [
      render(template, values),
      render(template, { ...values, tools: golden.tools, add_generation_prompt: true }),
    ];
  });
  expect(rendered).toEqual(renders);
});

describe("what is not rendered as Jinja2 does", () => {
  it.each([
    ["{% include 'x' %}", "{% include %}"],
    ["{% if false %}{{ x | wordwrap(3) }}{% endif %}", "the filter wordwrap"],
    ["{{ 'a'.encode() }}", "str.encode"],
    ["{{ (1).bit_length() }}", "int.bit_length"],
    ["{{ messages.items }}", "a builtin_function_or_method as text"],
    ["{{ [1] | map('string') }}", "a generator as text"],
    ["{{ strftime_now('%s') }}", "the date format %s"],
    ["{{ '%c' % 65 }}", "%c in % formatting"],
    ["{{ lipsum() }}", "lipsum()"],
  ])("%s is refused by name", (template, name) => {
    expect(() => compileTemplate(template).render({ messages: {} })).toThrow(name);
    expect(() => compileTemplate(template).render({ messages: {} })).toThrow("does not render as Jinja2 does");
  });

  it("a mistake names its line", () => {
    expect(() => compileTemplate("a\n{# #}\n{% for %}")).toThrow("line 3");
    expect(() => compileTemplate("{{ a | nope }}")).toThrow("No filter named 'nope'");
  });
});

it("@huggingface/jinja does not render as Jinja2 does yet: once it does, it can replace src/text/jinja", () => {
  const theirs = (template: string): string | null => {
    try {
      return new Template(template).render({ ...golden.context });
    } catch {
      return null;
    }
  };
  const same = golden.snippets.filter(([template, text]) => theirs(template) === text);
  expect(same.length).toBeLessThan(golden.snippets.length);
});
