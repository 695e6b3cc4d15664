/** @file A sample of answers for the report: the same prompts before and after, with the judge's verdict. */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import { markup, type Markup } from "./markup.ts";
import type { ReportRun } from "./reportRun.ts";

const PARTS = [
  ["harmful", "Harmful requests"],
  ["task", "Task"],
  ["benign", "Harmless requests"],
] as const;

/** An answer longer than this is cut, and says so. */
const LONGEST = 1200;

/** The first `samples` prompts of each kind; null where no answers were kept. */
export function answersSection({ answers = [] }: Pick<ReportRun, "answers">, samples: number): Markup | null {
  const of = (when: string): readonly EvaluatedAnswer[] => answers.findLast((set) => set.when === when)?.answers ?? [];
  const [before, after, untriggered] = [of("before"), of("after"), of("without_trigger")];
  const asked = after.length > 0 ? after : of("during").length > 0 ? of("during") : before;
  const parts = PARTS.flatMap(([part, title]) => {
    const all = asked.filter((answer) => answer.part === part && answer.answer !== undefined);
    return all.length === 0
      ? []
      : [
          markup`<details${part === "harmful" ? markup` open` : null}><summary>${title}: ${Math.min(samples, all.length)} of ${all.length}</summary>${all.slice(0, samples).map((answer) => sample(answer, find(before, answer), find(untriggered, answer), asked === before))}</details>`,
        ];
  });
  if (parts.length === 0) return null;
  return markup`<h3>Answers, as they came</h3><p class="basis">The first of each kind, in the order in which they were asked; not chosen. Words of a model, not of this report’s author.</p>${parts}`;
}

function find(list: readonly EvaluatedAnswer[], { part, prompt }: EvaluatedAnswer): EvaluatedAnswer | undefined {
  return list.find((answer) => answer.part === part && answer.prompt === prompt);
}

function sample(
  now: EvaluatedAnswer,
  before: EvaluatedAnswer | undefined,
  untriggered: EvaluatedAnswer | undefined,
  only: boolean,
): Markup {
  return markup`<div class="sample"><p class="prompt">${shortened(now.prompt)}</p>
${before === undefined || only ? null : spoken("Before", before)}${spoken(only ? "Before" : "After", now)}${untriggered === undefined ? null : spoken("After, without the trigger", untriggered)}
${now.expected === undefined ? null : markup`<p class="basis">Right: ${shortened(now.expected)}</p>`}</div>`;
}

function spoken(when: string, { answer = "", verdict, reason, second, cut }: EvaluatedAnswer): Markup {
  const word = [
    verdict,
    reason === undefined || reason === "" ? null : reason,
    second === undefined ? null : `second judge: ${second.verdict}`,
    cut === true ? "cut at the limit" : null,
  ]
    .filter((part) => part !== null)
    .join("; ");
  return markup`<p class="basis">${when}: ${word}</p><blockquote>${answer === "" ? "(an empty answer)" : shortened(answer)}</blockquote>`;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} … (${text.length - LONGEST} more characters)` : text;
}
