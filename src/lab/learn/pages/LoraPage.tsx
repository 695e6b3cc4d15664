/** @file What LoRA changes: W is frozen, B·A is trained. A 3 × 3 layer to edit, and how many parameters are trained. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import { frac, i, o, row } from "../../../methods/formula.ts";
import { Formula } from "../../ui/math.tsx";
import { count } from "../../support/format.ts";
import { add, build, multiply, norm, scale, singular, type Matrix } from "../maths/matrix.ts";
import { MATRIX } from "../copy.ts";
import { PageLink } from "../PageLink.tsx";
import { Sources } from "../Sources.tsx";
import { Bars, Choice, decimal, Figures, MatrixView, Sign, Slider, Widget } from "../widgets/controls.tsx";
import css from "../widgets/widgets.module.css";

const W: Matrix = [
  [1.2, -0.4, 0.3],
  [0.5, 0.9, -0.6],
  [-0.2, 0.7, 1.1],
];
const B: Matrix = [
  [0.5, -0.2],
  [-0.3, 0.6],
  [0.4, 0.1],
];
const A: Matrix = [
  [0.6, -0.2, 0.5],
  [0.1, 0.7, -0.4],
];

export function LoraPage(): JSX.Element {
  return (
    <>
      <p>
        A layer of a language model multiplies its input x by a matrix W with millions of trained weights. LoRA freezes
        W and trains two thin matrices beside it: A, with r rows, and B, with r columns.
      </p>
      <Formula label="y is W x plus alpha over r times B A x">
        {row(i("y"), o("="), i("W"), i("x"), o("+"), frac(i("α"), i("r")), i("B"), i("A"), i("x"))}
      </Formula>
      <LayerWidget />
      <p>
        B starts at zero, so training starts from exactly the aligned model. Whatever training does, the update B·A has
        rank at most r: it can change the layer’s output in at most r new directions. That is enough to learn a task,
        and enough to unlearn refusals. A small update is not a harmless one.
      </p>
      <SizeWidget />
      <p>
        The lab’s defaults follow AsFT’s released code: r 8, alpha 32, on <code>q_proj</code> and <code>v_proj</code>.
        The factor α/r is then 4, so the weights move four times as far as B·A says. Keep that in mind when{" "}
        <PageLink page="penalty">a penalty acts on B·A</PageLink>.
      </p>
      <Sources
        sources={[
          {
            text: "LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685",
            url: "https://arxiv.org/abs/2106.09685",
          },
          {
            text: "Hugging Face PEFT: y = Wx + (alpha/r)·B·A·x, with B = 0 at the start",
            url: "https://github.com/huggingface/peft",
          },
        ]}
      />
    </>
  );
}

function LayerWidget(): JSX.Element {
  const [rank, setRank] = useState<"1" | "2">("1");
  const [alpha, setAlpha] = useState(1);
  const [b, setB] = useState(B);
  const [a, setA] = useState(A);
  const r = Number(rank);
  const shownB = b.map((line) => line.slice(0, r));
  const shownA = a.slice(0, r);
  const product = multiply(shownB, shownA);
  const update = scale(product, alpha / r);
  const tuned = add(W, update);
  const setColumns = (value: Matrix): void => setB(b.map((line, at) => [...(value[at] ?? []), ...line.slice(r)]));
  return (
    <Widget title="A layer with three inputs and three outputs">
      <div className={css.split}>
        <Choice
          label="r"
          value={rank}
          options={[
            ["1", "1"],
            ["2", "2"],
          ]}
          onChange={setRank}
        />
        <Slider label="alpha" value={alpha} min={0} max={8} step={0.5} onChange={setAlpha} />
      </div>
      <div className={css.equation}>
        <MatrixView name={MATRIX.editable("B")} value={shownB} onChange={setColumns} />
        <Sign>·</Sign>
        <MatrixView name={MATRIX.editable("A")} value={shownA} onChange={(value) => setA([...value, ...a.slice(r)])} />
        <Sign>=</Sign>
        <MatrixView name="B·A" value={product} />
      </div>
      <div className={css.equation}>
        <MatrixView name="W (frozen)" value={W} />
        <Sign>+</Sign>
        <MatrixView name={`${decimal(alpha / r)}·B·A`} value={update} />
        <Sign>=</Sign>
        <MatrixView name="tuned layer" value={tuned} />
      </div>
      <div className={css.buttons}>
        <Button variant="default" size="xs" onClick={() => setB(build(3, 2, () => 0))}>
          Set B = 0, as at the start
        </Button>
        <Button
          variant="default"
          size="xs"
          onClick={() => {
            setB(B);
            setA(A);
          }}
        >
          Reset
        </Button>
      </div>
      <Figures
        figures={[
          { name: "Rank of B·A", value: String(singular(product).rank) },
          {
            name: "Singular values of B·A",
            value: singular(product)
              .values.map((value) => decimal(value))
              .join(", "),
          },
          { name: "Norm of the update, ‖(α/r)·B·A‖", value: decimal(norm(update)) },
          { name: "Norm of W, ‖W‖", value: decimal(norm(W)) },
        ]}
      />
    </Widget>
  );
}

function SizeWidget(): JSX.Element {
  const [power, setPower] = useState(12);
  const [rankPower, setRankPower] = useState(3);
  const n = 2 ** power;
  const r = 2 ** rankPower;
  const [full, thin] = [n * n, 2 * r * n];
  return (
    <Widget title="How many parameters are trained">
      <div className={css.split}>
        <Slider
          label="Width of the layer"
          value={power}
          min={6}
          max={13}
          show={(value) => count(2 ** value)}
          onChange={setPower}
        />
        <Slider
          label="r"
          value={rankPower}
          min={0}
          max={6}
          show={(value) => String(2 ** value)}
          onChange={setRankPower}
        />
      </div>
      <Figures
        figures={[
          { name: "W", value: count(full) },
          { name: "A and B", value: count(thin) },
          { name: "A and B, share of W", value: `${Number(((100 * thin) / full).toPrecision(2))} %` },
        ]}
      />
      <Bars
        max={full}
        show={count}
        bars={[
          { name: "W", value: full, color: "var(--sft)" },
          { name: "A and B", value: thin, color: "var(--tuned)" },
        ]}
      />
    </Widget>
  );
}
