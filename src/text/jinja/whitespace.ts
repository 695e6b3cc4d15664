/**
 * @file White space and code points as Python has them. JavaScript's `\s` and `trim` lack U+001C to U+001F and U+0085,
 * and take U+FEFF for a space.
 */

const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** A class of a regular expression: what `str.isspace` and Python's `\s` accept. */
export const SPACE = `[${SPACES}]`;
const LEADING = new RegExp(`^${SPACE}+`);
const TRAILING = new RegExp(`${SPACE}+$`);
const ONLY = new RegExp(`^${SPACE}+$`);

export function stripStart(text: string, chars: string | null = null): string {
  if (chars === null) return text.replace(LEADING, "");
  const set = new Set(chars);
  const points = [...text];
  let at = 0;
  while (at < points.length && set.has(points[at] ?? "")) at += 1;
  return points.slice(at).join("");
}

export function stripEnd(text: string, chars: string | null = null): string {
  if (chars === null) return text.replace(TRAILING, "");
  const set = new Set(chars);
  const points = [...text];
  let end = points.length;
  while (end > 0 && set.has(points[end - 1] ?? "")) end -= 1;
  return points.slice(0, end).join("");
}

export function strip(text: string, chars: string | null = null): string {
  return stripEnd(stripStart(text, chars), chars);
}

/** One character or more, all of them white space. */
export function isSpace(text: string): boolean {
  return ONLY.test(text);
}

/** `str.split()`: words between white space. */
export function words(text: string): string[] {
  return text.split(new RegExp(`${SPACE}+`)).filter((word) => word !== "");
}

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/;

/** Length in code points, as `len` counts. */
export function lengthOf(text: string): number {
  return ASTRAL.test(text) ? [...text].length : text.length;
}

/** The text's code points; a plain text's characters are the same. */
export function codePoints(text: string): readonly string[] {
  return ASTRAL.test(text) ? [...text] : text.split("");
}

/** Order by code points: UTF-16 units would put U+FFFD behind an emoji. */
export function compareTexts(a: string, b: string): number {
  if (!ASTRAL.test(a) && !ASTRAL.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
    const difference = (x[i]?.codePointAt(0) ?? 0) - (y[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(x.length - y.length);
}
