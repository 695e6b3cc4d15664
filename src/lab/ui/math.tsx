/**
 * @file Formulas as MathML, which browsers set themselves: no library, no fonts to fetch, readable to screen readers.
 *
 *     <Formula label="rho is the cosine">{i("ρ")}{o("=")}{cos(x, y)}</Formula>
 *
 * The helpers are MathML's elements under short names; text inside `row` is set as given.
 */
import { createElement, type JSX, type ReactNode } from "react";
import css from "./math.module.css";

type Piece = JSX.Element;

/** A line of its own. `label`: what it says, for those who hear it. */
export function Formula({ label, children }: { readonly label: string; readonly children: ReactNode }): JSX.Element {
  return (
    <div className={css.formula} tabIndex={0} role="group" aria-label={label}>
      {createElement("math", { display: "block", "aria-label": label }, children)}
    </div>
  );
}

/** An identifier: one letter is italic, more are upright. */
export function i(name: string): Piece {
  return createElement("mi", null, name);
}

export function n(value: string): Piece {
  return createElement("mn", null, value);
}

export function o(sign: string): Piece {
  return createElement("mo", null, sign);
}

export function text(words: string): Piece {
  return createElement("mtext", null, words);
}

export function row(...pieces: readonly Piece[]): Piece {
  return createElement("mrow", null, ...pieces);
}

export function sub(base: Piece, below: Piece): Piece {
  return createElement("msub", null, base, below);
}

export function sup(base: Piece, above: Piece): Piece {
  return createElement("msup", null, base, above);
}

export function subsup(base: Piece, below: Piece, above: Piece): Piece {
  return createElement("msubsup", null, base, below, above);
}

export function space(): Piece {
  return createElement("mspace", { width: "0.25em" });
}

export function sqrt(x: Piece): Piece {
  return createElement("msqrt", null, x);
}

/** x with a tilde. */
export function tilde(x: Piece): Piece {
  return createElement("mover", { accent: "true" }, x, o("~"));
}

/** base with something under it, as a sum has its index. */
export function under(base: Piece, below: Piece): Piece {
  return createElement("munder", null, base, below);
}

export function frac(above: Piece, below: Piece): Piece {
  return createElement("mfrac", null, above, below);
}

export function paren(...pieces: readonly Piece[]): Piece {
  return row(o("("), ...pieces, o(")"));
}

/** ‖x‖_F, or its square. */
export function norm(x: Piece, power?: "squared", index: Piece = i("F")): Piece {
  const bars = row(o("‖"), x, o("‖"));
  return power === undefined ? sub(bars, index) : subsup(bars, index, n("2"));
}

export function transpose(x: Piece): Piece {
  return sup(x, i("T"));
}

export function cos(x: Piece, y: Piece): Piece {
  return row(i("cos"), paren(x, o(","), y));
}

/** Lines below each other, aligned at their beginning. */
export function lines(...each: readonly (readonly Piece[])[]): Piece {
  return createElement(
    "mtable",
    { displaystyle: "true", className: css.lines },
    ...each.map((pieces, at) =>
      createElement("mtr", { key: at }, ...pieces.map((piece, column) => createElement("mtd", { key: column }, piece))),
    ),
  );
}
