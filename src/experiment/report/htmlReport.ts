/**
 * @file One or several runs as a single HTML file without network requests or scripts, which opens from any disk and
 * prints.
 *
 * Answers of models, names and paths are untrusted: all of it goes through `markup` (markup.ts), and the
 * Content-Security-Policy in the head would stop a script even if that failed.
 */
import { count } from "../../base/format.ts";
import { trainingWarnings, WARNING_FIX, warningText } from "../run/trainingWarnings.ts";
import { minimalSpec } from "../share/link.ts";
import { dataTitle, FIGURE_TITLES } from "../spec/names.ts";
import { answersSection } from "./answersSection.ts";
import { COMPARISON, CURVES, REPORT, RUN } from "./copy.ts";
import { curvesSection } from "./curvesSection.ts";
import { detailsSection } from "./detailsSection.ts";
import { lineChart, type Line } from "./lineChart.ts";
import { markup, trusted, type Markup } from "./markup.ts";
import { accountSection, methodSection } from "./methodSection.ts";
import { colorOf, endScores, isoMinute, outcomeOf, runTitle, type ReportRun } from "./reportRun.ts";
import { perplexityCell, rateCell, scoreSection } from "./scoreSection.ts";
import { reportStyle } from "./style.ts";
import { scrollTable } from "./tables.ts";

export interface ReportOptions {
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** Basin's version. */
  readonly basin: string;
  /** Answers to show per kind of prompt; 0 leaves them out. */
  readonly samples: number;
  /** The address that reproduces a run, or only its fragment if no address is known. */
  readonly linkOf: (run: ReportRun) => string;
}

/** @returns a whole document. @throws Error for no runs */
export async function htmlReport(runs: readonly ReportRun[], options: ReportOptions): Promise<string> {
  const [first] = runs;
  if (first === undefined) throw new Error("a report of no runs");
  const single = runs.length === 1;
  const { css, hash } = await reportStyle();
  const policy = `default-src 'none'; style-src '${hash}'; base-uri 'none'; form-action 'none'`;
  // The policy comes before everything that could load: it holds only for what follows it.
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${single ? REPORT.title(runTitle(first)) : REPORT.titleOfSeveral(runs.length)}</title>
<style>${trusted(css)}</style>
</head>
<body>
<header>
<h1>${single ? runTitle(first) : REPORT.headingOfSeveral(runs.length)}</h1>
<p class="dim">${REPORT.intro(options.basin, isoMinute(options.madeAt))}</p>
</header>
<main>
${single ? null : comparison(runs)}
${runs.map((run, i) => runSection(run, options, single ? null : i + 1))}
</main>
</body>
</html>
`;
  return page.toString();
}

const COMPARED = ["harmful_score", "task_accuracy", "benign_compliance"] as const;

function comparison(runs: readonly ReportRun[]): Markup {
  const scoreHeads = COMPARED.map((name) => markup`<th class="num" scope="col">${FIGURE_TITLES[name]}</th>`);
  const head = markup`<th scope="col">${COMPARISON.run}</th><th scope="col">${COMPARISON.data}</th>
${scoreHeads}<th class="num" scope="col">${COMPARISON.perplexity}</th>
<th class="num" scope="col">${COMPARISON.steps}</th>`;
  const lines = runs.map(
    (run, i): Line => ({
      label: COMPARISON.line(i + 1, runTitle(run), run.spec.train.seed),
      color: colorOf(run.spec.method),
      dash: i % 2 === 1,
      points: run.steps.map(({ step, ce }) => [step, ce]),
    }),
  );
  return markup`<h3>${COMPARISON.title}</h3>
${scrollTable(COMPARISON.title, head, runs.map(comparisonRow))}
${lineChart({ title: CURVES.crossEntropy, unit: CURVES.crossEntropyUnit, lines })}`;
}

function comparisonRow(run: ReportRun, index: number): Markup {
  const { after } = endScores(run);
  const [seed, outcome] = [run.spec.train.seed, outcomeOf(run)];
  const about = outcome === "finished" ? COMPARISON.seed(seed) : COMPARISON.seedOutcome(seed, outcome);
  return markup`<tr><th scope="row"><a href="#run-${index + 1}">${runTitle(run)}</a><br>
<span class="dim">${about}</span></th><td>${dataTitle(run.spec)}</td>
${COMPARED.map((name) => rateCell(after?.[name] ?? null))}${perplexityCell(after?.perplexity ?? null)}
<td class="num">${count(run.steps.length)}</td></tr>`;
}

/** @param number of the run among several; null for a single one */
function runSection(run: ReportRun, options: ReportOptions, number: number | null): Markup {
  const { spec, ending } = run;
  return markup`<section>
${number === null ? null : markup`<h2 id="run-${number}">${number}. ${runTitle(run)}</h2>`}
${aboutRun(run)}
${warningsNote(run)}
${scoreSection(run)}
${curvesSection(run)}
${methodSection(spec.method)}
${ending.kind === "finished" ? accountSection(spec.method, ending.report.method) : null}
${detailsSection(run)}
${options.samples > 0 ? answersSection(run, options.samples) : null}
${reproduceSection(run, options.linkOf(run))}
</section>`;
}

function aboutRun(run: ReportRun): Markup {
  const { spec, tags = [], note = "" } = run;
  const { aligned, unaligned } = spec.model;
  const about = `${dataTitle(spec)} · ${aligned}${unaligned === null ? "" : RUN.twin(unaligned)}`;
  const notes = [...tags.map((tag) => `#${tag}`), ...(note === "" ? [] : [note])];
  return markup`<p>${about} · ${COMPARISON.seed(spec.train.seed)}${
    spec.name === undefined ? null : markup` · <strong>${spec.name}</strong>`
  }${endingNote(run)}</p>
${notes.length === 0 ? null : markup`<p class="basis">${notes.join(" · ")}</p>`}`;
}

function warningsNote({ steps }: ReportRun): Markup | null {
  const warnings = trainingWarnings(steps);
  if (warnings.length === 0) return null;
  return markup`<p><strong>${RUN.warning}</strong> ${warnings.map(warningText).join(" ")} ${WARNING_FIX}</p>`;
}

function endingNote({ ending }: ReportRun): Markup | null {
  if (ending.kind === "failed") {
    const { what, where } = ending.failure;
    return markup`<br><strong>${RUN.failed(ending.lastStep)}</strong> ${what}. <span class="dim">${where}</span>`;
  }
  return ending.report.outcome === "stopped" ? markup`<br><strong>${RUN.stopped(ending.report.steps)}</strong>` : null;
}

function reproduceSection({ spec }: ReportRun, link: string): Markup {
  const address = /^https?:/.test(link)
    ? markup`${RUN.openLink} <a href="${link}" rel="noreferrer">${RUN.link}</a>${RUN.linkText}`
    : markup`${RUN.fragment} <code>#${link.replace(/^#/, "")}</code>`;
  return markup`<h3>${RUN.reproduce}</h3>
<p>${address} ${RUN.commandLine} <code>npx basin run spec.json --out run</code>.</p>
<details><summary>${RUN.spec}</summary>
<pre>${JSON.stringify(minimalSpec(spec), null, 2)}</pre></details>
<details><summary>${RUN.fullSpec}</summary>
<pre>${JSON.stringify(spec, null, 2)}</pre></details>`;
}
