/** @file The curves of a run: scores during training, losses, gradient norm, learning rate, and the modules. */
import { FIGURE_TITLES } from "../spec/names.ts";
import { CURVES } from "./copy.ts";
import { lineChart, type Line } from "./lineChart.ts";
import { markup, type Markup } from "./markup.ts";
import { moduleMap } from "./moduleMap.ts";
import { colorOf, type ReportRun } from "./reportRun.ts";
import { RATES } from "./scoreSection.ts";

type Step = ReportRun["steps"][number];

export function curvesSection({ steps, spec, evaluations, modules }: ReportRun): Markup | null {
  if (steps.length === 0) return null;
  const color = colorOf(spec.method);
  const line = (label: string, value: (step: Step) => number): Line[] => [
    { label, color, points: steps.map((step) => [step.step, value(step)]) },
  ];
  const scores = scoreLines(evaluations);
  const losses = steps.some(({ stream }) => stream === "safety")
    ? streamLines(steps, color)
    : line(CURVES.crossEntropyLine, ({ ce }) => ce);
  const penalty = steps.some((step) => step.penalty !== 0) ? line(CURVES.penaltyLine, (step) => step.penalty) : [];
  const norm = line(CURVES.gradientNormLine, ({ grad_norm }) => grad_norm);
  const rate = line(CURVES.learningRateLine, ({ learning_rate }) => learning_rate);
  return markup`<h3>${CURVES.title}</h3><div class="charts">
${lineChart({ title: CURVES.scores, unit: CURVES.percent, lines: scores })}
${lineChart({ title: CURVES.crossEntropy, unit: CURVES.crossEntropyUnit, lines: losses })}
${lineChart({ title: CURVES.penalty, unit: CURVES.penaltyUnit, lines: penalty })}
${lineChart({ title: CURVES.gradientNorm, unit: CURVES.gradientNormUnit, lines: norm })}
${lineChart({ title: CURVES.learningRate, unit: "", lines: rate })}
</div>
${moduleMap(modules)}`;
}

/** The scores that were also measured during training. */
function scoreLines(evaluations: ReportRun["evaluations"]): Line[] {
  return RATES.flatMap(([name, color]): Line[] => {
    const points = evaluations.flatMap(({ step, scores }): [number, number][] =>
      scores[name] == null ? [] : [[step, scores[name].percent]],
    );
    if (points.length <= 2) return [];
    return [{ label: FIGURE_TITLES[name].toLowerCase(), color, dash: name === "task_accuracy", points }];
  });
}

/** Cross-entropy of task rows and safety rows, for methods that alternate between them. */
function streamLines(steps: readonly Step[], color: string): Line[] {
  const points = (safety: boolean): [number, number][] =>
    steps.filter(({ stream }) => (stream === "safety") === safety).map(({ step, ce }) => [step, ce]);
  return [
    { label: CURVES.taskRows, color, points: points(false) },
    { label: CURVES.safetyRows, color: "c-aligned", dash: true, points: points(true) },
  ];
}
