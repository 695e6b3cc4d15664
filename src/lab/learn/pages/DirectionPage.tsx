/** @file The alignment direction: V = aligned − unaligned, what it does to inputs, and how orthogonal chance is. */
import { useMemo, useState, type JSX } from "react";
import { i, o, row, subsup, sub, text } from "../../../methods/formula.ts";
import { Formula } from "../../ui/math.tsx";
import type { Point } from "../maths/anchored.ts";
import { add, norm, singular, type Matrix } from "../maths/matrix.ts";
import { expectedCosine, randomCosines } from "../maths/randomCosines.ts";
import { MATRIX } from "../copy.ts";
import { PageLink } from "../PageLink.tsx";
import { ASFT, ASFT_CODE, DERIVED, Sources } from "../Sources.tsx";
import { decimal, Figures, MatrixView, Sign, Slider, Widget } from "../widgets/controls.tsx";
import { Arrow, Curve, Plane } from "../widgets/Plane.tsx";
import { CosineStrip } from "../widgets/CosineStrip.tsx";
import css from "../widgets/widgets.module.css";

const ALIGNED: Matrix = [
  [1.4, 0.3],
  [0.6, 1.0],
];
const UNALIGNED: Matrix = [
  [0.2, 0.1],
  [0.1, 0.5],
];

export function DirectionPage(): JSX.Element {
  return (
    <>
      <p>
        Many chat models come in pairs: a base model, and the model that was trained from it to be helpful and safe.
        Subtract the base model’s weights from the aligned model’s, matrix by matrix, and you get what alignment
        changed.
      </p>
      <Formula label="V m is W m of the aligned model minus W m of the unaligned model">
        {row(
          sub(i("V"), i("m")),
          o("="),
          subsup(i("W"), i("m"), text("aligned")),
          o("−"),
          subsup(i("W"), i("m"), text("unaligned")),
        )}
      </Formula>
      <PairWidget />
      <p>
        “Direction” can mean two things here. As one long vector, V is a single direction among millions: all entries
        change together. As a matrix, V has as many output directions as its rank: the left singular vectors u, each as
        strong as its singular value s. What a penalty does depends on{" "}
        <PageLink page="penalty">which of the two it leaves free</PageLink>.
      </p>
      <p>
        V contains every difference between the two models: tone, format and languages as well as refusals. That it
        stands for safety is the method’s assumption. The paper supports it with a small cosine between V and a
        direction trained on harmful rows: 0.00063, compared with 0.0085 for what it calls random directions. So how
        small is the cosine of random directions?
      </p>
      <CosineWidget />
      <p>
        In high dimensions, almost everything is almost orthogonal: for a matrix of 4096 × 4096, the mean is about
        2·10⁻⁴, below both of the paper’s figures. So 0.0085 is not what pure chance gives, and 0.00063 alone does not
        show that harm is orthogonal to V. We do not know how the paper drew its random directions; treat the claim as
        open.
      </p>
      <Sources sources={[ASFT, ASFT_CODE, DERIVED]} />
    </>
  );
}

function PairWidget(): JSX.Element {
  const [aligned, setAligned] = useState(ALIGNED);
  const [unaligned, setUnaligned] = useState(UNALIGNED);
  const [t, setT] = useState(1);
  const v = add(aligned, unaligned, -1);
  const { values, left, rank } = singular(v);
  const axes = values.map((value, at): Point => [value * (left[0]?.[at] ?? 0), value * (left[1]?.[at] ?? 0)]);
  return (
    <Widget title="A model pair with two inputs and two outputs">
      <div className={css.equation}>
        <MatrixView name={MATRIX.editable("W aligned")} value={aligned} onChange={setAligned} />
        <Sign>−</Sign>
        <MatrixView name={MATRIX.editable("W unaligned")} value={unaligned} onChange={setUnaligned} />
        <Sign>=</Sign>
        <MatrixView name="V" value={v} />
      </div>
      <div className={css.split}>
        <Plane
          label={
            "What V makes of all inputs of length 1: an ellipse whose half-axes are the left singular vectors, " +
            "as long as the singular values"
          }
        >
          <Curve points={ellipse(v)} color="var(--aligned)" strength={1} />
          {axes.map((axis, at) => (
            <Arrow key={at} to={axis} color="var(--aligned)" name={`s${"₁₂"[at] ?? ""}u${"₁₂"[at] ?? ""}`} />
          ))}
        </Plane>
        <div>
          <Figures
            figures={[
              { name: "‖V‖, over all entries", value: decimal(norm(v)) },
              { name: "Singular values", value: values.map((value) => decimal(value)).join(", ") },
              { name: "Rank", value: String(rank) },
            ]}
          />
          <p>The ellipse shows what V adds to the output for all inputs of length 1.</p>
          <Slider label="t in W unaligned + t·V" value={t} min={-0.5} max={1.5} step={0.05} onChange={setT} />
          <MatrixView
            name={t === 0 ? "W unaligned" : t === 1 ? "W aligned" : "W unaligned + t·V"}
            value={add(unaligned, v, t)}
          />
        </div>
      </div>
    </Widget>
  );
}

function ellipse(v: Matrix): readonly Point[] {
  return Array.from({ length: 180 }, (_, index): Point => {
    const [c, s] = [Math.cos((2 * Math.PI * index) / 180), Math.sin((2 * Math.PI * index) / 180)];
    return [(v[0]?.[0] ?? 0) * c + (v[0]?.[1] ?? 0) * s, (v[1]?.[0] ?? 0) * c + (v[1]?.[1] ?? 0) * s];
  });
}

const PAIRS = 100;

function CosineWidget(): JSX.Element {
  const [power, setPower] = useState(1);
  const dimension = 2 ** power;
  const cosines = useMemo(() => randomCosines(dimension, PAIRS), [dimension]);
  const mean = cosines.reduce((sum, cosine) => sum + Math.abs(cosine), 0) / PAIRS;
  return (
    <Widget title="How orthogonal are random directions?">
      <Slider
        label="Dimensions"
        value={power}
        min={1}
        max={14}
        show={(value) => String(2 ** value)}
        onChange={setPower}
      />
      <CosineStrip cosines={cosines} />
      <Figures
        figures={[
          { name: `Mean |cos| of these ${PAIRS} random pairs`, value: mean.toPrecision(2) },
          { name: "Expected mean, about √(2/(πd))", value: expectedCosine(dimension).toPrecision(2) },
          { name: "Expected for 4096 × 4096", value: expectedCosine(4096 * 4096).toPrecision(2) },
        ]}
      />
      <p>Each tick is the cosine of two random directions (isotropic, fixed seed).</p>
    </Widget>
  );
}
