/**
 * @file HTML as a template whose every value is escaped: what comes from outside (a model's answer, a name, a file's
 * path) can be text and nothing else.
 *
 *     markup`<td title="${name}">${answer}</td>`          escaped, in text and in quoted attributes alike
 *     markup`<table>${rows.map((row) => markup`…`)}</table>`   markup stays markup; lists are joined
 */

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** Text that is HTML already. Made by `markup` only, or by `trusted` from a constant of the source. */
export class Markup {
  readonly #html: string;

  constructor(html: string) {
    this.#html = html;
  }

  toString(): string {
    return this.#html;
  }
}

/** null and undefined are nothing. */
export type Value = string | number | Markup | null | undefined | readonly Value[];

export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((html, part, i) => `${html}${textOf(values[i - 1])}${part}`));
}

/** For constants of the source alone: nothing is escaped. */
export function trusted(html: string): Markup {
  return new Markup(html);
}

function textOf(value: Value): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Markup) return value.toString();
  if (typeof value === "object") return value.map(textOf).join("");
  return escapeHtml(String(value));
}

// eslint-disable-next-line no-control-regex -- control characters are intended here
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Also drops control characters, which XML and some browsers refuse. */
export function escapeHtml(text: string): string {
  return text.replaceAll(CONTROL_CHARACTERS, "\ufffd").replaceAll(/[&<>"'`]/g, (character) => ESCAPES[character] ?? "");
}
