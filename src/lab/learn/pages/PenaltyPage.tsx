/** @file What AsFT penalises: the part of the update that leaves the alignment direction, in a plane that can be moved. */
import { useState, type JSX } from "react";
import { i, lines, norm, o, paren, row, sub, text, under } from "../../../methods/formula.ts";
import { Formula } from "../../ui/math.tsx";
import { column, levelCurve, point, restingPoint, split, type Anchor, type Point } from "../maths/anchored.ts";
import { DIAL_ROWS, MEASURED_ROWS } from "../measured.ts";
import { MeasuredTable } from "../MeasuredTable.tsx";
import { PageLink } from "../PageLink.tsx";
import { ASFT, ASFT_CODE, DERIVED, DIAL, MEASURED, Sources } from "../Sources.tsx";
import { Choice, decimal, Figures, Slider, Widget } from "../widgets/controls.tsx";
import { Arrow, Curve, Dot, Handle, Line, Plane, REACH } from "../widgets/Plane.tsx";
import css from "../widgets/widgets.module.css";

type Kind = "flat" | "one-sided" | "published" | "none";

const KINDS: readonly (readonly [Kind, string])[] = [
  ["flat", "Exact"],
  ["one-sided", "One-sided"],
  ["published", "Published"],
  ["none", "None (plain L2)"],
];

const REMARKS: Readonly<Record<Kind, string>> = {
  flat: "Exact: everything along the line of V is free, forwards and backwards. Only what leaves the line costs.",
  "one-sided":
    "One-sided: only movement along +V is free. Movement against V, which undoes the alignment, costs as much as any other.",
  published:
    "Published: C = V·Vᵀ/‖V‖_F multiplies the part along V by ‖V‖, not by 1. A short V frees almost nothing; only at length 1 is C a projector; beyond length 2 moving along V costs more than moving across it.",
  none: "None: every direction costs the same. This is the control that shows what the anchor adds.",
};

const LEVELS = [0.25, 1, 2.25] as const;

export function PenaltyPage(): JSX.Element {
  return (
    <>
      <p>
        Fine-tuning pulls the weights wherever the rows lead, harmful ones included. AsFT lets the update move along the{" "}
        <PageLink page="direction">alignment direction</PageLink> V and charges for the rest: it adds to the loss, for
        every targeted matrix m, the squared size of what C leaves of the update B·A.
      </p>
      <Formula label="Loss is cross-entropy plus lambda times the sum over matrices m of the squared norm of I minus C m, times B m A m">
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
        Three things to know. The penalty acts on B·A without the LoRA scale: with r 8 and alpha 32, lambda 1 equals
        1/16 on the true update. At the start B is zero, so penalty and gradient are zero. And in a real matrix V has
        thousands of directions: the factors of the published C along them, s²/‖V‖ for each singular value s, sum to
        only ‖V‖, so most are far below 1 and its penalty comes close to plain L2. A run’s log says how close.
      </p>
      <MeasuredTable
        head="Apothecary world, lambda 1"
        rows={MEASURED_ROWS}
        only={["SFT", "AsFT, published projector", "Plain L2", "AsFT, flattened one-sided"]}
      />
      <p>
        In this world the anchored forms can hardly be told from plain L2: the published penalty ended at 0.92 to 0.94
        of ‖B·A‖². The paper does not report that comparison; the lab runs it with <em>projector: none</em>.
      </p>
      <MeasuredTable head="Published projector, lambda" rows={DIAL_ROWS} />
      <p>
        The dial turns sharply, and not at the same place for every seed: at lambda 1 two seeds are nearly safe and one
        is not. Beyond that safety is paid for with the task, until nothing is learnt.
      </p>
      <Sources sources={[ASFT, ASFT_CODE, DERIVED, MEASURED, DIAL]} />
    </>
  );
}

function SplitWidget(): JSX.Element {
  const [v, setV] = useState<Point>([1.3, 0.5]);
  const [update, setUpdate] = useState<Point>([0.1, 1.4]);
  const [kind, setKind] = useState<Kind>("flat");
  const anchor: Anchor = { kind };
  const { along, outside, penalty } = split(column(update), column(v), anchor);
  const [free, charged] = [point(along), point(outside)];
  const size = update[0] ** 2 + update[1] ** 2;
  return (
    <Widget title="Move the update, move the direction">
      <Choice label="What C is" value={kind} options={KINDS} onChange={setKind} />
      <div className={css.split}>
        <Plane label="Alignment direction V, update B·A, and its split into a free part and a part that is charged for">
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
                name: "Charged: (I − C)·(B·A), length",
                value: decimal(Math.hypot(...charged)),
                color: "var(--unaligned)",
              },
              { name: "Penalty", value: decimal(penalty) },
              { name: "Share of plain L2", value: size === 0 ? "–" : `${decimal(100 * (penalty / size), 0)} %` },
              { name: "Length of V", value: decimal(Math.hypot(...v)), color: "var(--aligned)" },
            ]}
          />
          <p role="status">{REMARKS[kind]}</p>
          <p>
            Thin lines: equal penalty (0.25, 1, 2.25). Drag the round grips, or reach them with Tab and use the arrow
            keys, with Shift in larger steps.
          </p>
        </div>
      </div>
      <p>
        The plane is a real case: a layer with one input and two outputs. There “exact” is both the rank-1 and the
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
  const rest = restingPoint(pull, v, { kind }, lambda);
  return (
    <Widget title="What lambda does">
      <Choice label="What C is" value={kind} options={KINDS} onChange={setKind} />
      <div className={css.split}>
        <Plane label="Where the update comes to rest between the pull of the rows and the penalty">
          <Line direction={v} half={kind === "one-sided"} color="var(--aligned)" />
          <Arrow to={v} color="var(--aligned)" name="V" />
          <Curve points={path(pull, v, { kind })} color="var(--ink-2)" strength={0.8} />
          <Arrow to={rest} color="var(--ink)" />
          <Dot at={rest} color="var(--ink)" />
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
              { name: "The update comes to rest at", value: `${decimal(rest[0])}, ${decimal(rest[1])}` },
              {
                name: "Of the pull it keeps",
                value:
                  Math.hypot(...pull) === 0
                    ? "–"
                    : `${decimal((100 * Math.hypot(...rest)) / Math.hypot(...pull), 0)} %`,
              },
            ]}
          />
          <p>
            Here the loss is ½‖x − pull‖² plus lambda times the penalty, solved exactly; a model’s loss is no such bowl.
            Small lambda: the pull wins. Large lambda: only what is free remains, the task’s share of the rest goes too.
            The paper recommends 0.1 to 10.
          </p>
        </div>
      </div>
    </Widget>
  );
}

/** Resting points from lambda 0 to 1000, there and back, as one closed line. */
function path(pull: Point, v: Point, anchor: Anchor): readonly Point[] {
  const there = Array.from({ length: 61 }, (_, index) =>
    restingPoint(pull, v, anchor, index === 0 ? 0 : 10 ** (-3 + index / 10)),
  );
  return [...there, ...[...there].reverse()];
}
