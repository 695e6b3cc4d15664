/**
 * @file Formulas as MathML, which browsers render themselves: no library, no fonts, accessible to screen readers.
 *
 *     <Formula label="rho is the cosine">{row(i("ρ"), o("="), cos(x, y))}</Formula>
 *
 * The pieces are data (methods/formula.ts), so that reports draw the same formulas.
 */
import { createElement, type JSX } from "react";
import type { FormulaPiece } from "../../methods/formula.ts";
import css from "./math.module.css";

export interface FormulaProps {
  /** What the formula says, for screen readers. */
  readonly label: string;
  readonly children: FormulaPiece;
}

/** A formula on a line of its own. */
export function Formula({ label, children }: FormulaProps): JSX.Element {
  return (
    <div className={css.formula} tabIndex={0} role="group" aria-label={label}>
      {createElement("math", { display: "block", "aria-label": label }, draw(children))}
    </div>
  );
}

function draw(piece: FormulaPiece): JSX.Element {
  if ("text" in piece) return createElement(piece.tag, null, piece.text);
  const { tag, attributes, children } = piece;
  const className = tag === "mtable" ? { className: css.lines } : {};
  return createElement(tag, { ...attributes, ...className }, ...children.map(draw));
}
