/**
 * @file Formulas as data: MathML's elements under short names, drawn by the lab (React) and by reports (markup).
 *
 *     row(i("L"), o("="), sub(i("L"), text("CE")), o("+"), i("λ"), norm(i("x"), "squared"))
 *
 * Every function returns a piece; a piece holds text or further pieces.
 */

/** An element that holds text. */
export interface FormulaText {
  readonly tag: "mi" | "mn" | "mo" | "mtext";
  readonly text: string;
}

/** An element that holds others, in the order and number that MathML wants. */
export interface FormulaGroup {
  readonly tag:
    | "mrow"
    | "msub"
    | "msup"
    | "msubsup"
    | "munder"
    | "mover"
    | "mfrac"
    | "msqrt"
    | "mspace"
    | "mtable"
    | "mtr"
    | "mtd";
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children: readonly FormulaPiece[];
}

export type FormulaPiece = FormulaText | FormulaGroup;

/** An identifier: one letter is italic, more are upright. */
export function i(name: string): FormulaPiece {
  return { tag: "mi", text: name };
}

/** A number. */
export function n(value: string): FormulaPiece {
  return { tag: "mn", text: value };
}

/** An operator, fence or separator. */
export function o(sign: string): FormulaPiece {
  return { tag: "mo", text: sign };
}

export function text(words: string): FormulaPiece {
  return { tag: "mtext", text: words };
}

function group(
  tag: FormulaGroup["tag"],
  children: readonly FormulaPiece[],
  attributes?: FormulaGroup["attributes"],
): FormulaGroup {
  return attributes === undefined ? { tag, children } : { tag, attributes, children };
}

export function row(...pieces: readonly FormulaPiece[]): FormulaPiece {
  return group("mrow", pieces);
}

export function sub(base: FormulaPiece, below: FormulaPiece): FormulaPiece {
  return group("msub", [base, below]);
}

export function sup(base: FormulaPiece, above: FormulaPiece): FormulaPiece {
  return group("msup", [base, above]);
}

export function subsup(base: FormulaPiece, below: FormulaPiece, above: FormulaPiece): FormulaPiece {
  return group("msubsup", [base, below, above]);
}

export function space(): FormulaPiece {
  return group("mspace", [], { width: "0.25em" });
}

export function sqrt(x: FormulaPiece): FormulaPiece {
  return group("msqrt", [x]);
}

/** x with a tilde. */
export function tilde(x: FormulaPiece): FormulaPiece {
  return group("mover", [x, o("~")], { accent: "true" });
}

/** base with something under it, as a sum has its index. */
export function under(base: FormulaPiece, below: FormulaPiece): FormulaPiece {
  return group("munder", [base, below]);
}

export function frac(above: FormulaPiece, below: FormulaPiece): FormulaPiece {
  return group("mfrac", [above, below]);
}

export function paren(...pieces: readonly FormulaPiece[]): FormulaPiece {
  return row(o("("), ...pieces, o(")"));
}

/** ‖x‖_F, or its square. */
export function norm(x: FormulaPiece, power?: "squared", index: FormulaPiece = i("F")): FormulaPiece {
  const bars = row(o("‖"), x, o("‖"));
  return power === undefined ? sub(bars, index) : subsup(bars, index, n("2"));
}

export function transpose(x: FormulaPiece): FormulaPiece {
  return sup(x, i("T"));
}

export function cos(x: FormulaPiece, y: FormulaPiece): FormulaPiece {
  return row(i("cos"), paren(x, o(","), y));
}

/** Lines below each other, aligned at their beginning. */
export function lines(...each: readonly (readonly FormulaPiece[])[]): FormulaPiece {
  return group(
    "mtable",
    each.map((pieces) =>
      group(
        "mtr",
        pieces.map((piece) => group("mtd", [piece])),
      ),
    ),
    { displaystyle: "true" },
  );
}

/** The loss without a method's own terms. */
export const CROSS_ENTROPY = sub(i("L"), text("CE"));
