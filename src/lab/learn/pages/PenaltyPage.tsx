/** @file What AsFT penalises: the part of the update that leaves the alignment direction, in an interactive plane. */
import { useState, type JSX } from "react";
import { i, lines, norm, o, paren, row, sub, text, under } from "../../../methods/formula.ts";
import { Formula } from "../../ui/math.tsx";
import { PROJECTOR_NOTES, PROJECTORS } from "../copy.ts";
import { column, levelCurve, point, restingPoint, split, type Anchor, type Point } from "../maths/anchored.ts";
import { SWEEP_ROWS, MEASURED_ROWS } from "../measured.ts";
import { MeasuredTable } from "../MeasuredTable.tsx";
import { PageLink } from "../PageLink.tsx";
import { ASFT, ASFT_CODE, DERIVED, SWEEP, MEASURED, Sources } from "../Sources.tsx";
import { Choice, decimal, Figures, Slider, Widget } from "../widgets/controls.tsx";
import { Arrow, Curve, Dot, Handle, Line, Plane, REACH } from "../widgets/Plane.tsx";
import css from "../widgets/widgets.module.css";

type Kind = "flat" | "one-sided" | "published" | "none";

const KINDS: readonly (readonly [Kind, string])[] = (["flat", "one-sided", "published", "none"] as const).map(
  (kind) => [kind, PROJECTORS[kind]],
);

const LEVELS = [0.25, 1, 2.25] as const;

export function PenaltyPage(): JSX.Element {
  return (
    <>
      <p>
        Fine-tuning moves the weights wherever the rows push them, and harmful rows push, too. AsFT lets the update move
        along the <PageLink page="direction">alignment direction</PageLink> V and penalises the rest: for every target
        module m, it adds to the loss the squared norm of what remains of the update B·A after its projection by C is
        subtracted.
      </p>
      <Formula
        label={
          "Loss is cross-entropy plus lambda times the sum over modules m of the squared norm of I minus C m, times " +
          "B m A m"
        }
      >
        {lines([
          row(
            i("L"),
            o("="),
            sub(i("L"), text("CE")),
            o("+"),
            i("λ"),
            under(o("∑"), i("m")),
            norm(row(paren(i("I"), o("−"), sub(i("C"), i("m"))), sub(i("B"), i("m")), sub(i("A"), i("m"))), "squared"),
          ),
        ])}
      </Formula>
      <SplitWidget />
      <LambdaWidget />
      <p>
        Three things to know. First, the penalty acts on B·A without the LoRA scale: with r 8 and alpha 32, lambda 1
        corresponds to 1/16 on the true update. Second, B starts at zero, so the penalty and its gradient start at zero.
        Third, in a real matrix V has thousands of directions. The published C scales each of them by s²/‖V‖, where s is
        its singular value. These factors sum to only ‖V‖, so most are far below 1 and the penalty is close to plain L2.
        A run’s log says how close.
      </p>
      <MeasuredTable
        head="Apothecary world, lambda 1"
        rows={MEASURED_ROWS}
        only={["SFT", "AsFT, published projector", "Plain L2", "AsFT, flattened one-sided"]}
      />
      <p>
        In this world, the anchored variants are almost indistinguishable from plain L2: the published penalty ended at
        0.92 to 0.94 of ‖B·A‖². The paper does not report this comparison; in the lab you can run it with{" "}
        <em>projector: none</em>.
      </p>
      <MeasuredTable head="Published projector, lambda" rows={SWEEP_ROWS} />
      <p>
        Lambda acts abruptly, and not at the same value for every seed: at lambda 1, two seeds are almost safe and one
        is not. Beyond that, safety costs task accuracy, until nothing is learnt.
      </p>
      <Sources sources={[ASFT, ASFT_CODE, DERIVED, MEASURED, SWEEP]} />
    </>
  );
}

function SplitWidget(): JSX.Element {
  const [v, setV] = useState<Point>([1.3, 0.5]);
  const [update, setUpdate] = useState<Point>([0.1, 1.4]);
  const [kind, setKind] = useState<Kind>("flat");
  const anchor: Anchor = { kind };
  const { along, outside, penalty } = split(column(update), column(v), anchor);
  const [free, penalised] = [point(along), point(outside)];
  const size = update[0] ** 2 + update[1] ** 2;
  return (
    <Widget title="Move the update, move the direction">
      <Choice label={PROJECTORS.label} value={kind} options={KINDS} onChange={setKind} />
      <div className={css.split}>
        <Plane label="Alignment direction V, update B·A, and its split into a free and a penalised part">
          <Line direction={v} half={kind === "one-sided"} color="var(--aligned)" />
          {LEVELS.map((level) => (
            <Curve key={level} points={levelCurve(v, anchor, level, 4 * REACH)} color="var(--ink-3)" strength={0.45} />
          ))}
          <Arrow to={v} color="var(--aligned)" name="V" />
          <Arrow to={free} color="var(--tuned)" />
          <Arrow from={free} to={update} color="var(--unaligned)" dashed />
          <Arrow to={update} color="var(--ink)" name="B·A" />
          <Handle name="Alignment direction V" at={v} color="var(--aligned)" onMove={setV} />
          <Handle name="Update B·A" at={update} color="var(--ink)" onMove={setUpdate} />
        </Plane>
        <div>
          <Figures
            figures={[
              { name: "Free: C·(B·A), length", value: decimal(Math.hypot(...free)), color: "var(--tuned)" },
              {
                name: "Penalised: (I − C)·(B·A), length",
                value: decimal(Math.hypot(...penalised)),
                color: "var(--unaligned)",
              },
              { name: "Penalty", value: decimal(penalty) },
              { name: "Relative to plain L2", value: size === 0 ? "–" : `${decimal(100 * (penalty / size), 0)} %` },
              { name: "Length of V", value: decimal(Math.hypot(...v)), color: "var(--aligned)" },
            ]}
          />
          <p role="status">{PROJECTOR_NOTES[kind]}</p>
          <p>
            Thin lines: equal penalty (0.25, 1, 2.25). Drag the round handles, or focus them with Tab and use the arrow
            keys; with Shift, the steps are larger.
          </p>
        </div>
      </div>
      <p>
        The plane is a real case: a layer with one input and two outputs. There, “exact” is both the rank-1 and the
        flattened projector.
      </p>
    </Widget>
  );
}

function LambdaWidget(): JSX.Element {
  const [pull, setPull] = useState<Point>([-0.6, 1.5]);
  const [power, setPower] = useState(0);
  const [kind, setKind] = useState<Kind>("flat");
  const v: Point = [1, 0.4];
  const lambda = 10 ** power;
  const end = restingPoint(pull, v, { kind }, lambda);
  return (
    <Widget title="What lambda does">
      <Choice label={PROJECTORS.label} value={kind} options={KINDS} onChange={setKind} />
      <div className={css.split}>
        <Plane label="Where training ends, between the pull of the rows and the penalty">
          <Line direction={v} half={kind === "one-sided"} color="var(--aligned)" />
          <Arrow to={v} color="var(--aligned)" name="V" />
          <Curve points={path(pull, v, { kind })} color="var(--ink-2)" strength={0.8} />
          <Arrow to={end} color="var(--ink)" />
          <Dot at={end} color="var(--ink)" />
          <Handle name="Pull of the rows" at={pull} color="var(--unaligned)" onMove={setPull} />
        </Plane>
        <div>
          <Slider
            label="lambda"
            value={power}
            min={-2}
            max={2}
            step={0.05}
            show={(value) => Number((10 ** value).toPrecision(2)).toString()}
            onChange={setPower}
          />
          <Figures
            figures={[
              {
                name: "Pull of the rows",
                value: `${decimal(pull[0])}, ${decimal(pull[1])}`,
                color: "var(--unaligned)",
              },
              { name: "Training ends at", value: `${decimal(end[0])}, ${decimal(end[1])}` },
              {
                name: "Share of the pull that remains",
                value:
                  Math.hypot(...pull) === 0 ? "–" : `${decimal((100 * Math.hypot(...end)) / Math.hypot(...pull), 0)} %`,
              },
            ]}
          />
          <p>
            Here the loss is ½‖x − pull‖² plus lambda times the penalty, solved exactly; a real model’s loss is not that
            simple. With a small lambda, the pull wins. With a large lambda, only what is free remains, and the part of
            the task that is not free is lost as well. The paper recommends 0.1 to 10.
          </p>
        </div>
      </div>
    </Widget>
  );
}

/** The minima for lambda from 0 to 1000, there and back, as one closed line. */
function path(pull: Point, v: Point, anchor: Anchor): readonly Point[] {
  const there = Array.from({ length: 61 }, (_, index) =>
    restingPoint(pull, v, anchor, index === 0 ? 0 : 10 ** (-3 + index / 10)),
  );
  return [...there, ...[...there].reverse()];
}
