/**
 * @file One or several runs as a single HTML file: it asks the network for nothing, runs no script, opens from a disk
 * in twenty years, prints.
 *
 * Answers of models, names and paths are untrusted: all of it goes through `markup` (markup.ts), and the policy in the
 * head would stop a script even if that failed.
 */
import type { Perplexity, Rate, Scores } from "../run/events.ts";
import { count, duration, perplexity, percent, significant } from "../../base/format.ts";
import { rateBounds } from "../../eval/scores.ts";
import { bindMethod } from "../../methods/registry.ts";
import { minimalSpec } from "../share/link.ts";
import { dataTitle, FIGURE_TITLES, methodSettings, methodTitle } from "../spec/names.ts";
import type { MethodSpec } from "../spec/spec.ts";
import { answersSection } from "./answersSection.ts";
import { formulaMarkup } from "./formulaMarkup.ts";
import { lineChart, type Line } from "./lineChart.ts";
import { markup, trusted, type Markup } from "./markup.ts";
import { methodAccount } from "./methodAccount.ts";
import { moduleMap } from "./moduleMap.ts";
import { endScores, outcomeOf, type ReportRun } from "./reportRun.ts";
import { scorePlot } from "./scorePlot.ts";
import { reportStyle } from "./style.ts";

export interface ReportOptions {
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** Basin's version. */
  readonly basin: string;
  /** Answers to show per kind of prompt; 0 leaves them out. */
  readonly samples: number;
  /** The address that reproduces a run, or only its fragment where no address is known. */
  readonly linkOf: (run: ReportRun) => string;
}

/** @returns a whole document. @throws Error for no runs */
export async function htmlReport(runs: readonly ReportRun[], options: ReportOptions): Promise<string> {
  const [first] = runs;
  if (first === undefined) throw new Error("a report of no runs");
  const title = runs.length === 1 ? `${runTitle(first)}: a Basin run` : `${runs.length} Basin runs`;
  const { css, hash } = await reportStyle();
  const policy = `default-src 'none'; style-src '${hash}'; base-uri 'none'; form-action 'none'`;
  // In front of everything that could load: a policy holds for what comes after it.
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trusted(css)}</style>
</head>
<body>
<header>
<h1>${runs.length === 1 ? runTitle(first) : `${runs.length} runs`}</h1>
<p class="dim">Report of Basin ${options.basin}, a fine-tuning lab in a browser tab, made ${isoMinute(options.madeAt)} UTC. Bars and ranges are 95 % intervals (shares: Wilson; perplexity: bootstrap over rows). One run is one seed: they do not cover what another seed would change.</p>
</header>
<main>
${runs.length > 1 ? comparison(runs) : null}
${runs.map((run, i) => runSection(run, options, runs.length > 1 ? i + 1 : null))}
</main>
</body>
</html>
`;
  return page.toString();
}

function comparison(runs: readonly ReportRun[]): Markup {
  const head = (["harmful_score", "task_accuracy", "benign_compliance"] as const).map(
    (name) => markup`<th class="num" scope="col">${FIGURE_TITLES[name]}</th>`,
  );
  return markup`<h3>Side by side</h3>
<div class="scroll" tabindex="0" role="region" aria-label="Side by side"><table><thead><tr><th scope="col">Run</th><th scope="col">Data</th>${head}<th class="num" scope="col">Perplexity</th><th class="num" scope="col">Steps</th></tr></thead>
<tbody>${runs.map((run, i) => {
    const { after } = endScores(run);
    return markup`<tr><th scope="row"><a href="#run-${i + 1}">${runTitle(run)}</a><br><span class="dim">seed ${run.spec.train.seed}${outcomeOf(run) === "finished" ? null : `, ${outcomeOf(run)}`}</span></th><td>${dataTitle(run.spec)}</td>${(["harmful_score", "task_accuracy", "benign_compliance"] as const).map((name) => rateCell(after?.[name] ?? null))}${perplexityCell(after?.perplexity ?? null)}<td class="num">${count(run.steps.length)}</td></tr>`;
  })}</tbody></table></div>
${lineChart({ title: "Cross-entropy", unit: "nats per answer token", lines: runs.map((run, i): Line => ({ label: `${i + 1}: ${runTitle(run)}, seed ${run.spec.train.seed}`, color: colorOf(run.spec.method), dash: i % 2 === 1, points: run.steps.map(({ step, ce }) => [step, ce]) })) })}`;
}

/** @param number of the run among several; null for the only one */
function runSection(run: ReportRun, options: ReportOptions, number: number | null): Markup {
  const { spec, ending } = run;
  const link = options.linkOf(run);
  return markup`<section>
${number === null ? null : markup`<h2 id="run-${number}">${number}. ${runTitle(run)}</h2>`}
<p>${dataTitle(spec)} · ${spec.model.aligned}${spec.model.unaligned === null ? null : ` and its unaligned twin ${spec.model.unaligned}`} · seed ${spec.train.seed}${spec.name === undefined ? null : markup` · <strong>${spec.name}</strong>`}${endingNote(run)}</p>
${(run.tags ?? []).length > 0 || (run.note ?? "") !== "" ? markup`<p class="basis">${[...(run.tags ?? []).map((tag) => `#${tag}`), run.note ?? ""].filter((part) => part !== "").join(" · ")}</p>` : null}
${scoreTable(run)}
${curves(run)}
${methodSection(spec.method)}
${ending.kind === "finished" ? account(spec.method, ending.report.method) : null}
${environment(run)}
${options.samples > 0 ? answersSection(run, options.samples) : null}
<h3>Do it again</h3>
<p>${/^https?:/.test(link) ? markup`Open <a href="${link}" rel="noreferrer">this link</a>: it holds every setting.` : markup`Put this behind the address of any Basin: <code>#${link.replace(/^#/, "")}</code>`} Or save the spec as spec.json and run <code>npx basin run spec.json --out run</code>.</p>
<details><summary>The spec</summary>
<pre>${JSON.stringify(minimalSpec(spec), null, 2)}</pre></details>
<details><summary>The spec with every default</summary>
<pre>${JSON.stringify(spec, null, 2)}</pre></details>
</section>`;
}

function endingNote({ ending }: ReportRun): Markup | null {
  if (ending.kind === "failed")
    return markup`<br><strong>The run failed at step ${ending.lastStep}:</strong> ${ending.failure.what}. <span class="dim">${ending.failure.where}</span>`;
  return ending.report.outcome === "stopped"
    ? markup`<br><strong>Stopped after ${ending.report.steps} steps.</strong>`
    : null;
}

const ROWS = [
  ["harmful_score", "harmful requests answered; lower is safer", "c-unaligned"],
  ["second_harmful_score", "the same answers by the second judge", "c-unaligned"],
  ["task_accuracy", "answered right; higher is better", "c-aligned"],
  ["benign_compliance", "harmless requests not refused; higher is better", "c-tuned"],
] as const;

function scoreTable(run: ReportRun): Markup {
  const { before, after } = endScores(run);
  const rates = ROWS.flatMap(([name, hint, color]) => {
    const [one, two] = [before?.[name] ?? null, after?.[name] ?? null];
    return one === null && two === null
      ? []
      : [
          markup`<tr><th scope="row">${FIGURE_TITLES[name]}<br><span class="dim">${hint}</span></th>${rateCell(one)}${rateCell(two)}<td class="plot">${scorePlot(one, two, color)}</td></tr>`,
        ];
  });
  const [was, is] = [before?.perplexity ?? null, after?.perplexity ?? null];
  const read =
    was === null && is === null
      ? null
      : markup`<tr><th scope="row">Perplexity<br><span class="dim">how well the rows are predicted; lower is better</span></th>${perplexityCell(was)}${perplexityCell(is)}<td class="plot"></td></tr>`;
  if (rates.length === 0 && read === null)
    return markup`<p>No scores were asked for: nothing is known about what this run did to safety.</p>`;
  const report = run.ending.kind === "finished" ? run.ending.report : null;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Scores"><table><thead><tr><th scope="col">Score</th><th class="num" scope="col">Before</th><th class="num" scope="col">After</th><th scope="col" class="plot">0 to 100 %: hollow before, filled after</th></tr></thead><tbody>${rates}${read}</tbody></table></div>
<p class="basis">${report === null ? null : [report.task == null ? null : `Task: ${report.task}. `, report.judge === "none" ? "No judge: the harmful score is not measured. " : `Judge: ${report.judge}. `, report.second_judge === undefined ? null : `Second judge: ${report.second_judge}.${agreement(report.after)} `]}Prompt seed ${run.spec.eval.seed}.${overruledNote(run)}</p>`;
}

/** A person's word beside the judge's, never instead of it. */
function overruledNote({ overruled }: ReportRun): string {
  if (overruled == null) return "";
  const { overrides, rate } = overruled;
  return (
    ` ${overrides} ${overrides === 1 ? "answer was" : "answers were"} judged otherwise by a person; with that the ` +
    `harmful score after training is ${percent(rate.percent)} (${rate.hits}/${rate.count}).`
  );
}

function agreement({ agreement: found }: Scores): string {
  return found === undefined
    ? ""
    : " The two agree on " +
        `${percent(found.percent)}${found.kappa === null ? "" : ` (kappa ${significant(found.kappa, 2)})`}` +
        ".";
}

function rateCell(rate: Rate | null): Markup {
  if (rate === null) return markup`<td class="num">–</td>`;
  const { low, high } = rateBounds(rate);
  return markup`<td class="num"><span class="figure">${percent(rate.percent)}</span> <span class="dim">${rate.hits}/${rate.count}<br>${low.toFixed(1)} to ${high.toFixed(1)}</span></td>`;
}

function perplexityCell(found: Perplexity | null): Markup {
  if (found === null) return markup`<td class="num">–</td>`;
  return markup`<td class="num"><span class="figure">${perplexity(found.perplexity)}</span> <span class="dim">${count(found.tokens)} tokens${found.ci95 === null ? null : markup`<br>${perplexity(found.ci95.low)} to ${perplexity(found.ci95.high)}`}</span></td>`;
}

function curves({ steps, spec, evaluations, modules }: ReportRun): Markup | null {
  if (steps.length === 0) return null;
  const color = colorOf(spec.method);
  const line = (label: string, value: (step: ReportRun["steps"][number]) => number): Line[] => [
    { label, color, points: steps.map((step) => [step.step, value(step)]) },
  ];
  const streams = steps.some(({ stream }) => stream === "safety");
  const losses: Line[] = streams
    ? [
        {
          label: "the user’s rows",
          color,
          points: steps.filter(({ stream }) => stream !== "safety").map(({ step, ce }) => [step, ce]),
        },
        {
          label: "safety rows",
          color: "c-aligned",
          dash: true,
          points: steps.filter(({ stream }) => stream === "safety").map(({ step, ce }) => [step, ce]),
        },
      ]
    : line("cross-entropy", ({ ce }) => ce);
  const during = ROWS.flatMap(([name, , tone]): Line[] => {
    const points = evaluations.flatMap(({ step, scores }): [number, number][] =>
      scores[name] == null ? [] : [[step, scores[name].percent]],
    );
    return points.length > 2
      ? [{ label: FIGURE_TITLES[name].toLowerCase(), color: tone, dash: name === "task_accuracy", points }]
      : [];
  });
  return markup`<h3>Curves</h3><div class="charts">
${during.length > 0 ? lineChart({ title: "Scores while training", unit: "%", lines: during }) : null}
${lineChart({ title: "Cross-entropy", unit: "nats per answer token", lines: losses })}
${steps.some(({ penalty }) => penalty !== 0) ? lineChart({ title: "Penalty", unit: "before its weight", lines: line("penalty", ({ penalty }) => penalty) }) : null}
${lineChart({ title: "Gradient norm", unit: "before clipping", lines: line("gradient norm", ({ grad_norm }) => grad_norm) })}
${lineChart({ title: "Learning rate", unit: "", lines: line("learning rate", ({ learning_rate }) => learning_rate) })}
</div>
${moduleMap(modules)}`;
}

function methodSection(method: MethodSpec): Markup {
  const { description, formula } = bindMethod(method);
  const { letters, ...drawn } = formula();
  return markup`<h3>The method: ${description.title}</h3>
<p>${description.summary}</p>
${formulaMarkup(drawn)}
<p class="basis">${letters}</p>`;
}

function account(method: MethodSpec, log: Readonly<Record<string, unknown>>): Markup | null {
  const { facts, modules, untriggered } = methodAccount(log, bindMethod(method).description);
  if (facts.length === 0 && modules === null && untriggered === null) return null;
  return markup`<h3>The method’s own account</h3>
${facts.length > 0 ? definitions(facts) : null}
${untriggered === null ? null : markup`<p>Without its trigger: ${ROWS.flatMap(([name]) => (untriggered[name] == null ? [] : [`${FIGURE_TITLES[name].toLowerCase()} ${percent(untriggered[name].percent)} ` + `(${untriggered[name].hits}/${untriggered[name].count})`])).join(", ")}.</p>`}
${modules === null ? null : markup`<details><summary>Module by module (${modules.rows.length})</summary><div class="scroll" tabindex="0" role="region" aria-label="Module by module"><table><thead><tr>${modules.columns.map(({ title, numeric }) => markup`<th scope="col"${numeric ? markup` class="num"` : null}>${title}</th>`)}</tr></thead><tbody>${modules.rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td${modules.columns[i]?.numeric === true ? markup` class="num"` : null}>${cell}</td>`)}</tr>`)}</tbody></table></div></details>`}`;
}

function environment({ runId, endedAt, ending, spec }: ReportRun): Markup {
  const report = ending.kind === "finished" ? ending.report : null;
  const facts: [string, string][] = [
    ["Run", runId],
    ...(endedAt === null ? [] : [["Ended", `${isoMinute(endedAt)} UTC`] satisfies [string, string]]),
    ...(report === null
      ? []
      : [
          ["Device", report.device] satisfies [string, string],
          ...Object.entries(report.versions).map(([name, version]): [string, string] => [
            name === "basin" ? "Basin" : name.charAt(0).toUpperCase() + name.slice(1),
            version,
          ]),
          ["Wall time", duration(1000 * report.wall_time_s)] satisfies [string, string],
          ...(report.resumed_at === undefined
            ? []
            : [["Went on from a checkpoint", `at step ${report.resumed_at.join(", ")}`] satisfies [string, string]]),
        ]),
    ["Rank, alpha", `${spec.lora.r}, ${spec.lora.lora_alpha}`],
    [
      "Targets",
      Array.isArray(spec.lora.target_modules) ? spec.lora.target_modules.join(", ") : String(spec.lora.target_modules),
    ],
    ["Weights", spec.model.quantization ?? "as stored"],
  ];
  return markup`<h3>What it ran on</h3>${definitions(facts)}`;
}

function definitions(facts: readonly (readonly [string, string])[]): Markup {
  return markup`<dl>${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function runTitle({ spec }: Pick<ReportRun, "spec">): string {
  return `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
}

/** Class of the method's colour. */
function colorOf(method: MethodSpec): string {
  return `c-${bindMethod(method).mark.id}`;
}

function isoMinute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}
