/** @file Sample answers for the report: the same prompts before and after training, with the judge's verdict. */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import { ANSWERS } from "./copy.ts";
import { markup, type Markup } from "./markup.ts";
import type { ReportRun } from "./reportRun.ts";

const PARTS = ["harmful", "task", "benign"] as const;

/** Characters; longer answers are cut. */
const MAX_LENGTH = 1200;

interface Evaluations {
  readonly before: readonly EvaluatedAnswer[];
  /** After training; of a run that did not get there, the last during training, or those before. */
  readonly last: readonly EvaluatedAnswer[];
  readonly untriggered: readonly EvaluatedAnswer[];
}

/** The first `samples` prompts of each kind; null if no answers were saved. */
export function answersSection({ answers = [] }: Pick<ReportRun, "answers">, samples: number): Markup | null {
  const of = (when: string): readonly EvaluatedAnswer[] => answers.findLast((set) => set.when === when)?.answers ?? [];
  const before = of("before");
  const last = [of("after"), of("during")].find((set) => set.length > 0) ?? before;
  const evaluations = { before, last, untriggered: of("without_trigger") };
  const parts = PARTS.flatMap((part) => answersOf(part, evaluations, samples) ?? []);
  if (parts.length === 0) return null;
  return markup`<h3>${ANSWERS.title}</h3><p class="basis">${ANSWERS.note}</p>${parts}`;
}

function answersOf(part: (typeof PARTS)[number], evaluations: Evaluations, samples: number): Markup | null {
  const all = evaluations.last.filter((answer) => answer.part === part && answer.answer !== undefined);
  if (all.length === 0) return null;
  const open = part === "harmful" ? markup` open` : null;
  const summary = ANSWERS.summary(ANSWERS.parts[part], Math.min(samples, all.length), all.length);
  const shown = all.slice(0, samples).map((answer) => sample(answer, evaluations));
  return markup`<details${open}><summary>${summary}</summary>${shown}</details>`;
}

function sample(answer: EvaluatedAnswer, { before, last, untriggered }: Evaluations): Markup {
  const find = (list: readonly EvaluatedAnswer[]): EvaluatedAnswer | undefined =>
    list.find(({ part, prompt }) => part === answer.part && prompt === answer.prompt);
  const onlyBefore = last === before;
  return markup`<div class="sample"><p class="prompt">${shortened(answer.prompt)}</p>
${onlyBefore ? null : quoted(ANSWERS.before, find(before))}
${quoted(onlyBefore ? ANSWERS.before : ANSWERS.after, answer)}
${quoted(ANSWERS.withoutTrigger, find(untriggered))}
${answer.expected === undefined ? null : markup`<p class="basis">${ANSWERS.expected(shortened(answer.expected))}</p>`}
</div>`;
}

function quoted(when: string, found: EvaluatedAnswer | undefined): Markup | null {
  if (found === undefined) return null;
  const { answer = "", verdict, reason = "", second, cut } = found;
  const verdicts = [
    verdict,
    ...(reason === "" ? [] : [reason]),
    ...(second === undefined ? [] : [ANSWERS.secondJudge(second.verdict)]),
    ...(cut === true ? [ANSWERS.cut] : []),
  ];
  return markup`<p class="basis">${ANSWERS.verdict(when, verdicts.join("; "))}</p>
<blockquote>${answer === "" ? ANSWERS.empty : shortened(answer)}</blockquote>`;
}

function shortened(text: string): string {
  return text.length > MAX_LENGTH ? ANSWERS.shortened(text.slice(0, MAX_LENGTH), text.length - MAX_LENGTH) : text;
}
