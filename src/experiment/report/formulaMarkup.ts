/** @file A method's formula in a report: MathML, which browsers set themselves. */
import type { MethodFormula } from "../../methods/description.ts";
import type { FormulaPiece } from "../../methods/formula.ts";
import { markup, trusted, type Markup } from "./markup.ts";

export function formulaMarkup({ label, formula }: Pick<MethodFormula, "label" | "formula">): Markup {
  const content = element("math", { display: "block", "aria-label": label }, draw(formula));
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${label}">${content}</div>`;
}

function draw(piece: FormulaPiece): Markup {
  if ("text" in piece) return element(piece.tag, {}, piece.text);
  return element(piece.tag, piece.attributes ?? {}, piece.children.map(draw));
}

/** `tag` and the names of attributes are constants of the source; their values and texts are escaped. */
function element(
  tag: FormulaPiece["tag"] | "math",
  attributes: Readonly<Record<string, string>>,
  content: string | Markup | readonly Markup[],
): Markup {
  const written = Object.entries(attributes).map(([name, value]) => markup` ${trusted(name)}="${value}"`);
  return markup`<${trusted(tag)}${written}>${content}</${trusted(tag)}>`;
}
