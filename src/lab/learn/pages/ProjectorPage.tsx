/** @file Why an exact projector can fail: with full rank nothing is penalised, and both directions along V are free. */
import { useState, type JSX } from "react";
import { i, lines, n, o, paren, row, sup, text, transpose } from "../../../methods/formula.ts";
import { Formula } from "../../ui/math.tsx";
import { publishedEigenvalues, split, truncated, type Anchor } from "../maths/anchored.ts";
import { add, inner, multiply, norm, scale, singular, type Matrix } from "../maths/matrix.ts";
import { MEASURED_ROWS } from "../measured.ts";
import { MeasuredTable } from "../MeasuredTable.tsx";
import { PageLink } from "../PageLink.tsx";
import { ASFT, ASFT_CODE, DERIVED, MEASURED, Sources } from "../Sources.tsx";
import { Bars, Choice, decimal, Figures, MatrixView, Sign, Slider, Widget } from "../widgets/controls.tsx";
import css from "../widgets/widgets.module.css";

/** Of full rank, with distinct singular values. */
const V: Matrix = [
  [0.9, -0.3, 0.4],
  [0.3, 0.5, 0.1],
  [0.5, 0.1, -0.2],
];
const UPDATE: Matrix = multiply([[0.3], [0.9], [-0.7]], [[0.8, 0.5, -0.6]]);
/** Small relative to the weights, as real differences are. */
const SMALL = scale(V, 0.4);
/** Largest |t|. */
const MAX_T = 1.5;
const UNALIGNED: Matrix = [
  [0.4, 0.2, -0.3],
  [-0.1, 0.6, 0.2],
  [0.2, -0.4, 0.7],
];

export function ProjectorPage(): JSX.Element {
  return (
    <>
      <p>
        The paper gives the textbook projector: C = d·(dᵀd)⁻¹·dᵀ projects exactly onto the span of d. Its released code
        does not use it, and there is a reason. Substitute a matrix V for d:
      </p>
      <Formula
        label={
          "C is V times the inverse of V transposed V, times V transposed. If the columns of V span all " +
          "outputs, C is the identity and I minus C, times B A, is zero for every B A"
        }
      >
        {lines(
          [row(i("C"), o("="), i("V"), sup(paren(transpose(i("V")), i("V")), row(o("−"), n("1"))), transpose(i("V")))],
          [row(text("rank of V = number of outputs"), o("⟹"), i("C"), o("="), i("I"))],
          [row(o("⟹"), paren(i("I"), o("−"), i("C")), i("B"), i("A"), o("="), n("0"))],
        )}
      </Formula>
      <p>
        If V reaches every output direction, everything is “along V”, and the penalty is zero for any update.
        Differences of trained square or wide matrices usually do have full rank, if only through tiny singular values.
        So an exact projector must be truncated to the first k left singular vectors, C = U<sub>k</sub>·U<sub>k</sub>
        ᵀ, and everything depends on k.
      </p>
      <RankWidget />
      <h3>Free in both directions</h3>
      <p>
        An exact projector ignores the sign. What it leaves free is free along +V and also along −V, back to the
        unaligned model. The update −V undoes alignment completely; truncated to k directions, it undoes the k
        strongest.
      </p>
      <UndoWidget />
      <p>
        With r = k = 8 this is within LoRA’s reach: up to the scale, B = −U₈ and A = U₈ᵀ·V remove the eight strongest
        directions of alignment without any penalty (our own algebra). In the apothecary world, training does end
        unsafe:
      </p>
      <MeasuredTable
        head="Apothecary world, lambda 1"
        rows={MEASURED_ROWS}
        only={["SFT", "AsFT, exact rank 8", "AsFT, published projector", "Plain L2"]}
      />
      <p>
        The published C avoids the first problem only because it is not a projector: it penalises almost everything,
        much like plain L2, and it depends on the scale of V. It ignores the sign as well. The one-sided form penalises
        the way back by design; <PageLink page="penalty">see it in the plane</PageLink>.
      </p>
      <Sources sources={[ASFT, ASFT_CODE, DERIVED, MEASURED]} />
    </>
  );
}

function RankWidget(): JSX.Element {
  const [rank, setRank] = useState<"1" | "2" | "3">("3");
  const [k, setK] = useState(3);
  const [power, setPower] = useState(0);
  const factor = 2 ** power;
  const v = scale(truncated(V, Number(rank)), factor);
  const plain = inner(UPDATE, UPDATE);
  const penalty = (anchor: Anchor): number => split(UPDATE, v, anchor).penalty;
  const exact = penalty({ kind: "exact", rank: k });
  return (
    <Widget title="The same update with each C">
      <div className={css.equation}>
        <MatrixView name="V" value={v} />
        <MatrixView name="B·A" value={UPDATE} />
      </div>
      <Choice
        label="Rank of V"
        value={rank}
        options={[
          ["1", "1"],
          ["2", "2"],
          ["3", "3 (full)"],
        ]}
        onChange={setRank}
      />
      <div className={css.split}>
        <Slider label="k: singular vectors that the exact C leaves free" value={k} min={0} max={3} onChange={setK} />
        <Slider
          label="Scale of V"
          value={power}
          min={-3}
          max={3}
          step={0.25}
          show={(value) => decimal(2 ** value)}
          onChange={setPower}
        />
      </div>
      <Bars
        max={plain}
        bars={[
          { name: "Plain L2, ‖B·A‖²", value: plain, color: "var(--l2)" },
          { name: "Flattened", value: penalty({ kind: "flat" }), color: "var(--tuned)" },
          { name: "Published", value: penalty({ kind: "published" }), color: "var(--asft)" },
          { name: `Exact, k = ${k}`, value: exact, color: "var(--unaligned)" },
        ]}
      />
      <Figures
        figures={[
          {
            name: "Singular values of V",
            value: singular(v)
              .values.map((value) => decimal(value))
              .join(", "),
          },
          {
            name: "Eigenvalues of the published C, s²/‖V‖",
            value: publishedEigenvalues(v)
              .map((value) => decimal(value))
              .join(", "),
          },
        ]}
      />
      <p role="status">
        {exact < 1e-12
          ? "The exact penalty is 0 for every update: nothing is anchored any more."
          : k === 0
            ? "With k = 0 nothing is free: plain L2."
            : `The exact C penalises ${decimal((100 * exact) / plain, 0)} % of the update. ` +
              "Scaling V changes only the published penalty."}
      </p>
    </Widget>
  );
}

function UndoWidget(): JSX.Element {
  const [t, setT] = useState(-1);
  const [k, setK] = useState(1);
  const update = scale(truncated(SMALL, k), t);
  const tuned = add(add(UNALIGNED, SMALL), update);
  const left = norm(add(tuned, UNALIGNED, -1)) / norm(SMALL);
  const penalty = (anchor: Anchor): number => split(update, SMALL, anchor).penalty;
  return (
    <Widget title="Back to the unaligned model">
      <div className={css.split}>
        <Slider
          label="t: the update is t times the k strongest parts of V"
          value={t}
          min={-MAX_T}
          max={MAX_T}
          step={0.05}
          onChange={setT}
        />
        <Slider label="k, for the update and the exact C" value={k} min={1} max={3} onChange={setK} />
      </div>
      <div className={css.equation}>
        <MatrixView name="W aligned" value={add(UNALIGNED, SMALL)} />
        <Sign>+</Sign>
        <MatrixView name="update" value={update} />
        <Sign>=</Sign>
        <MatrixView name="tuned" value={tuned} />
        <MatrixView name="W unaligned" value={UNALIGNED} />
      </div>
      <Bars
        max={(MAX_T * norm(SMALL)) ** 2}
        bars={[
          { name: "Plain L2", value: penalty({ kind: "none" }), color: "var(--l2)" },
          { name: "Published", value: penalty({ kind: "published" }), color: "var(--asft)" },
          { name: `Exact, k = ${k}`, value: penalty({ kind: "exact", rank: k }), color: "var(--unaligned)" },
          { name: "Flattened", value: penalty({ kind: "flat" }), color: "var(--tuned)" },
          { name: "One-sided", value: penalty({ kind: "one-sided" }), color: "var(--aligned)" },
        ]}
      />
      <Figures
        figures={[{ name: "Remaining distance to W unaligned, relative to ‖V‖", value: `${decimal(100 * left, 0)} %` }]}
      />
    </Widget>
  );
}
