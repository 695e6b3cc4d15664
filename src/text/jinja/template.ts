/**
 * @file Chat templates, rendered as transformers renders them: Jinja2 3.1 in its immutable sandbox, with trim_blocks,
 * lstrip_blocks, loop controls, `{% generation %}`, and transformers' own `tojson`, `raise_exception` and
 * `strftime_now`.
 *
 * It is written after Jinja2 (BSD-3-Clause, https://jinja.palletsprojects.com), because the JavaScript libraries render
 * with JavaScript's semantics what a template says in Python's: equality, division, the spelling of values, texts'
 * methods, scopes and white space. tests/text/jinja.test.ts says when @huggingface/jinja has caught up, and this
 * folder can go.
 *
 *     lexer.ts   expressions.ts, parser.ts   evaluate.ts, interpreter.ts   values.ts, spelling.ts, operators.ts
 *     tokens     syntax tree (ast.ts)        what it means                 Python's values
 */
import { NotRendered, TemplateSyntaxError } from "./errors.ts";
import { filters, REFUSED_FILTERS } from "./filters.ts";
import { globals } from "./globals.ts";
import { renderBody } from "./interpreter.ts";
import { parseTemplate } from "./parser.ts";
import { Scope } from "./scope.ts";
import { tests } from "./tests.ts";
import { fromJson } from "./values.ts";

export interface Template {
  /**
   * The text that the template makes of JSON values by name.
   * @throws TemplateError where Jinja2 raises, NotRendered for what this engine does not have
   */
  render(values: Readonly<Record<string, unknown>>): string;
}

/** @throws TemplateSyntaxError, or NotRendered for a filter or block that this engine does not have */
export function compileTemplate(source: string): Template {
  const body = parseTemplate(source, {
    filter: (name) => {
      if (REFUSED_FILTERS.includes(name)) throw new NotRendered(`the filter ${name}`);
      if (!filters.has(name)) throw new TemplateSyntaxError(`No filter named '${name}'.`, 0);
    },
    test: (name) => {
      if (!tests.has(name)) throw new TemplateSyntaxError(`No test named '${name}'.`, 0);
    },
  });
  return {
    render: (values) => {
      const given = Object.entries(values).map(([name, value]) => [name, fromJson(value)] as const);
      return renderBody(body, new Scope(new Scope(null, globals), given));
    },
  };
}
