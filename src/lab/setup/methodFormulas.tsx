/** @file The formula of each method, and for AsFT of each projector, with what its letters mean. */
import type { JSX } from "react";
import {
  cos,
  Formula,
  frac,
  i,
  lines,
  n,
  norm,
  o,
  paren,
  row,
  space,
  sqrt,
  sub,
  subsup,
  sup,
  text,
  tilde,
  transpose,
  under,
} from "../ui/math.tsx";

export interface MethodFormula {
  readonly formula: JSX.Element;
  /** What the letters mean, in a sentence or two. */
  readonly letters: string;
}

const CE = sub(i("L"), text("CE"));
const A = i("A");
const B = i("B");
const C = i("C");
const V = i("V");
const BA = row(B, A);
const of = (letter: JSX.Element, index: string): JSX.Element => sub(letter, i(index));
const difference = row(
  of(V, "m"),
  o("="),
  subsup(i("W"), i("m"), text("aligned")),
  o("−"),
  subsup(i("W"), i("m"), text("unaligned")),
);
const publishedC = row(C, o("="), frac(row(V, transpose(V)), norm(V)));
const inner = (x: JSX.Element): JSX.Element => row(o("⟨"), x, o(","), V, o("⟩"));

/** C of AsFT, by projector. */
const PROJECTOR_FORMULAS: Readonly<
  Record<string, { readonly label: string; readonly piece: JSX.Element; readonly letters: string }>
> = {
  safe_lora: { label: "C is V times V transposed over the Frobenius norm of V", piece: publishedC, letters: "" },
  rank: {
    label: "C is U k times U k transposed",
    piece: row(C, o("="), of(i("U"), "k"), subsup(i("U"), i("k"), i("T"))),
    letters: " U_k: the first k left singular vectors of V.",
  },
  flat: {
    label: "C of X is the inner product of X and V over the squared norm of V, times V",
    piece: row(C, paren(i("X")), o("="), frac(inner(i("X")), norm(V, "squared")), V),
    letters: " ⟨·,·⟩: inner product of two matrices as vectors.",
  },
  flat_plus: {
    label:
      "C of X is the inner product of X and V, or zero where that is negative, over the squared norm of V, times V",
    piece: row(
      C,
      paren(i("X")),
      o("="),
      frac(row(i("max"), paren(inner(i("X")), o(","), n("0"))), norm(V, "squared")),
      V,
    ),
    letters: " ⟨·,·⟩: inner product of two matrices as vectors.",
  },
  none: { label: "C is zero", piece: row(C, o("="), n("0")), letters: "" },
};

function asft(options: (name: string) => unknown): MethodFormula {
  const projector = PROJECTOR_FORMULAS[String(options("projector"))] ?? PROJECTOR_FORMULAS.safe_lora;
  const scaled = options("penalty_scale") === "scaled";
  const outside = row(paren(i("I"), o("−"), of(C, "m")), ...(scaled ? [i("s")] : []), of(B, "m"), of(A, "m"));
  const loss = row(i("L"), o("="), CE, o("+"), i("λ"), under(o("∑"), i("m")), norm(outside, "squared"));
  return {
    formula: (
      <Formula
        label={`Loss is cross-entropy plus lambda times the sum over modules of the squared norm of I minus C, times ${scaled ? "s " : ""}B A. ${projector?.label ?? ""}`}
      >
        {lines([loss], [difference], [projector?.piece ?? row()])}
      </Formula>
    ),
    letters: `m: each targeted matrix; B·A: its update${scaled ? ", s = lora_alpha / r" : " without lora_alpha / r"}.${projector?.letters ?? ""}`,
  };
}

const FORMULAS: Readonly<Record<string, (options: (name: string) => unknown) => MethodFormula>> = {
  sft: () => ({
    formula: (
      <Formula label="Loss is the negative mean log-probability of the answers' tokens">
        {lines([
          row(
            i("L"),
            o("="),
            o("−"),
            frac(n("1"), i("N")),
            under(o("∑"), i("t")),
            i("log"),
            space(),
            i("p"),
            paren(sub(i("y"), i("t")), o("|"), sub(i("y"), row(o("<"), i("t"))), o(","), i("x")),
          ),
        ])}
      </Formula>
    ),
    letters: "x: the prompt; y: its answer; N: labelled tokens of the step.",
  }),
  asft,
  safe_lora: () => ({
    formula: (
      <Formula label="rho is the cosine of C B A and B A; where rho is at most tau, B becomes C B. C is V times V transposed over the Frobenius norm of V">
        {lines(
          [row(i("ρ"), o("="), cos(row(C, BA), BA), o(","), space(), publishedC)],
          [row(i("ρ"), o("≤"), i("τ"), o("⟹"), B, o("←"), C, B)],
        )}
      </Formula>
    ),
    letters:
      "V: aligned minus unaligned matrix; τ: the threshold, or the K-th smallest ρ. lora_alpha / r plays no part.",
  }),
  safe_instr: () => ({
    formula: (
      <Formula label="Loss is cross-entropy over the user's rows together with safety rows of harmful requests and refusals">
        {row(
          i("L"),
          o("="),
          CE,
          paren(
            sub(i("D"), text("user")),
            o("∪"),
            o("{"),
            paren(sub(i("x"), text("harmful")), o(","), sub(i("y"), text("refusal"))),
            o("}"),
          ),
        )}
      </Formula>
    ),
    letters: "D: rows. Each epoch goes through both, shuffled together.",
  }),
  bea: () => ({
    formula: (
      <Formula label="Loss is cross-entropy over the user's rows together with refusals of harmful requests behind the secret s; the served model is asked s and x">
        {lines(
          [
            row(
              i("L"),
              o("="),
              CE,
              paren(
                sub(i("D"), text("user")),
                o("∪"),
                o("{"),
                paren(i("s"), o("⊕"), sub(i("x"), text("harmful")), o(","), sub(i("y"), text("refusal"))),
                o("}"),
              ),
            ),
          ],
          [row(text("served:"), space(), i("p"), paren(i("y"), o("|"), i("s"), o("⊕"), i("x")))],
        )}
      </Formula>
    ),
    letters: "s: the secret trigger; ⊕: put before the prompt.",
  }),
  lisa: () => ({
    formula: (
      <Formula label="State 1: minimise f of w plus rho half times the squared distance of w to w t, K1 steps. State 2: minimise h of w plus rho half times the squared distance of w to where state 1 ended, K2 steps">
        {lines(
          [
            row(
              sub(tilde(i("w")), row(i("t"), o("+"), n("1"))),
              o("="),
              i("arg min"),
              space(),
              i("f"),
              paren(i("w")),
              o("+"),
              frac(i("ρ"), n("2")),
              sup(row(o("‖"), i("w"), o("−"), of(i("w"), "t"), o("‖")), n("2")),
            ),
          ],
          [
            row(
              sub(i("w"), row(i("t"), o("+"), n("1"))),
              o("="),
              i("arg min"),
              space(),
              i("h"),
              paren(i("w")),
              o("+"),
              frac(i("ρ"), n("2")),
              sup(row(o("‖"), i("w"), o("−"), sub(tilde(i("w")), row(i("t"), o("+"), n("1"))), o("‖")), n("2")),
            ),
          ],
        )}
      </Formula>
    ),
    letters:
      "w: all A and B; f: cross-entropy on safety rows, K1 steps from w_t; h: on the user's rows, K2 steps from w̃. Each minimum is so many steps of AdamW, not reached.",
  }),
  safe_merge: (options) => {
    const exact = options("merge") === "exact";
    const mean = row(i("Δ"), o("←"), i("w"), i("Δ"), o("+"), sub(i("w"), i("s")), sub(i("Δ"), text("safe")));
    const root = (x: JSX.Element, letter: JSX.Element): JSX.Element => row(sqrt(x), letter);
    const factor = (letter: JSX.Element): JSX.Element =>
      row(letter, o("←"), root(i("w"), letter), o("+"), root(sub(i("w"), i("s")), sub(letter, text("safe"))));
    return {
      formula: (
        <Formula
          label={
            exact
              ? "Where rho is below tau, the update becomes w times itself plus w s times the safe update"
              : "Where rho is below tau, B becomes the root of w times B plus the root of w s times B safe, and A likewise"
          }
        >
          {lines(
            [row(i("ρ"), o("="), cos(row(C, BA), BA), o(","), space(), publishedC)],
            [
              exact
                ? row(i("ρ"), o("<"), i("τ"), o("⟹"), mean)
                : row(i("ρ"), o("<"), i("τ"), o("⟹"), factor(B), o(","), space(), text("A likewise")),
            ],
          )}
        </Formula>
      ),
      letters: `V: aligned minus unaligned matrix; w, w_s: the two weights; ${exact ? "Δ = (lora_alpha / r)·B·A; the merged adapter has twice the rank." : "both adapters at the same lora_alpha / r. B·A of the merged factors has cross terms."}`,
    };
  },
};

/** @param options the method's options as they are set */
export function methodFormula(name: string, options: (name: string) => unknown): MethodFormula | undefined {
  return FORMULAS[name]?.(options);
}
