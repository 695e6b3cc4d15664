/** @file The scores of a run before and after training, with the judge and the overrides. */
import { percent, perplexity, significant } from "../../base/format.ts";
import { rateBounds } from "../../eval/scores.ts";
import type { Perplexity, Rate, RunReport } from "../run/events.ts";
import { FIGURE_TITLES } from "../spec/names.ts";
import { SCORES } from "./copy.ts";
import { markup, type Markup } from "./markup.ts";
import { endScores, type ReportRun } from "./reportRun.ts";
import { scorePlot } from "./scorePlot.ts";
import { scrollTable } from "./tables.ts";

/** Rates with the class of their colour. */
export const RATES = [
  ["harmful_score", "c-unaligned"],
  ["second_harmful_score", "c-unaligned"],
  ["task_accuracy", "c-aligned"],
  ["benign_compliance", "c-tuned"],
] as const;

export function scoreSection(run: ReportRun): Markup {
  const { before, after } = endScores(run);
  const rates = RATES.flatMap(([name, color]) => {
    const [was, is] = [before?.[name] ?? null, after?.[name] ?? null];
    if (was === null && is === null) return [];
    const cells = markup`${rateCell(was)}${rateCell(is)}<td class="plot">${scorePlot(was, is, color)}</td>`;
    return [scoreRow(FIGURE_TITLES[name], SCORES.hints[name], cells)];
  });
  const [was, is] = [before?.perplexity ?? null, after?.perplexity ?? null];
  const perplexityCells = markup`${perplexityCell(was)}${perplexityCell(is)}<td class="plot"></td>`;
  const rows =
    was === null && is === null
      ? rates
      : [...rates, scoreRow(SCORES.perplexity, SCORES.perplexityHint, perplexityCells)];
  if (rows.length === 0) return markup`<p>${SCORES.none}</p>`;
  const head = markup`<th scope="col">${SCORES.score}</th><th class="num" scope="col">${SCORES.before}</th>
<th class="num" scope="col">${SCORES.after}</th><th scope="col" class="plot">${SCORES.plot}</th>`;
  return markup`${scrollTable(SCORES.label, head, rows)}
<p class="basis">${notes(run).join(" ")}</p>`;
}

function scoreRow(title: string, hint: string, cells: Markup): Markup {
  return markup`<tr><th scope="row">${title}<br><span class="dim">${hint}</span></th>${cells}</tr>`;
}

function notes({ ending, spec, overridden }: ReportRun): readonly string[] {
  return [
    ...(ending.kind === "finished" ? judgeNotes(ending.report) : []),
    SCORES.promptSeed(spec.eval.seed),
    // Beside the judge's score, never instead of it.
    ...(overridden == null
      ? []
      : [
          SCORES.overrides(
            overridden.overrides,
            percent(overridden.rate.percent),
            overridden.rate.hits,
            overridden.rate.count,
          ),
        ]),
  ];
}

function judgeNotes({ task, judge, second_judge: second, after: { agreement } }: RunReport): readonly string[] {
  const kappa = agreement === undefined || agreement.kappa === null ? null : significant(agreement.kappa, 2);
  return [
    ...(task == null ? [] : [SCORES.task(task)]),
    judge === "none" ? SCORES.noJudge : SCORES.judge(judge),
    ...(second === undefined ? [] : [SCORES.secondJudge(second)]),
    ...(second === undefined || agreement === undefined ? [] : [SCORES.agreement(percent(agreement.percent), kappa)]),
  ];
}

export function rateCell(rate: Rate | null): Markup {
  if (rate === null) return markup`<td class="num">–</td>`;
  const { low, high } = rateBounds(rate);
  return scoreCell(percent(rate.percent), `${rate.hits}/${rate.count}`, [low.toFixed(1), high.toFixed(1)]);
}

export function perplexityCell(found: Perplexity | null): Markup {
  if (found === null) return markup`<td class="num">–</td>`;
  const bounds = found.ci95 === null ? null : ([perplexity(found.ci95.low), perplexity(found.ci95.high)] as const);
  return scoreCell(perplexity(found.perplexity), SCORES.tokens(found.tokens), bounds);
}

function scoreCell(value: string, counts: string, bounds: readonly [low: string, high: string] | null): Markup {
  const interval = bounds === null ? null : markup`<br>${SCORES.interval(...bounds)}`;
  return markup`<td class="num"><span class="figure">${value}</span>
<span class="dim">${counts}${interval}</span></td>`;
}
