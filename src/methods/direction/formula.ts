/** @file How the alignment direction is written in formulas. */

import { type FormulaPiece, cos, frac, i, norm, o, row, space, sub, subsup, text, transpose } from "../formula.ts";

const [A, B, C, V] = [i("A"), i("B"), i("C"), i("V")];

/** V_m = W_m^aligned - W_m^unaligned */
export const DIRECTION: FormulaPiece = row(
  sub(V, i("m")),
  o("="),
  subsup(i("W"), i("m"), text("aligned")),
  o("−"),
  subsup(i("W"), i("m"), text("unaligned")),
);

/** C = V Vᵀ/‖V‖_F, the operator of AsFT's and Safe LoRA's released code. */
export const PUBLISHED_OPERATOR: FormulaPiece = row(C, o("="), frac(row(V, transpose(V)), norm(V)));

/** ρ = cos(C B A, B A), with that C: how far an update lies along the direction. */
export const ALIGNMENT_COSINE: FormulaPiece = row(
  i("ρ"),
  o("="),
  cos(row(C, row(B, A)), row(B, A)),
  o(","),
  space(),
  PUBLISHED_OPERATOR,
);
