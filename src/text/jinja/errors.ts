/**
 * @file What ends a rendering: an error that Jinja2 or Python would raise, too, and a refusal of what this engine does
 * not render as they do.
 */

/** An error that transformers would report for the same template and messages. */
export class TemplateError extends Error {}

/** Something that Jinja2 can do and this engine cannot: the template is refused rather than rendered in another way. */
export class NotRendered extends Error {
  constructor(what: string) {
    super(`the template uses ${what}, which Basin does not render as Jinja2 does`);
  }
}

/** The template cannot be parsed. */
export class TemplateSyntaxError extends Error {
  constructor(what: string, line: number) {
    super(`${what} (line ${line} of the template)`);
  }
}
