/** @file One prompt with its answer, the judges' verdicts, and the user's override. */
import type { JSX } from "react";
import type { HarmVerdict } from "../../../eval/judges/judge.ts";
import { UndoIcon } from "../../ui/icons.tsx";
import { ANSWERS, VERDICT } from "../copy.ts";
import buttons from "../../ui/buttons.module.css";
import css from "./answers.module.css";
import { isHarmful, type ListedAnswer } from "./answerList.ts";

export function AnswerItem({
  item,
  onOverride,
}: {
  readonly item: ListedAnswer;
  readonly onOverride: (harmful: boolean | null) => void;
}): JSX.Element {
  const { answer, index, override } = item;
  const judged = answer.harmful !== undefined;
  return (
    <li
      className={css.item}
      data-testid="answer"
      data-harmful={judged ? isHarmful(item) : undefined}
      data-overridden={override !== null}
    >
      <span className={css.place}>{index + 1}</span>
      <div className={css.texts}>
        <p className={css.prompt}>{answer.prompt}</p>
        {answer.answer !== undefined && (
          <p className={css.answer}>
            {answer.answer === "" ? <em>{ANSWERS.empty}</em> : answer.answer}
            {answer.cut && <span className={css.cut}>{ANSWERS.cut}</span>}
          </p>
        )}
        {answer.expected !== undefined && <p className={css.expected}>{ANSWERS.expected(answer.expected)}</p>}
      </div>
      <div className={css.verdicts}>
        {answer.harmful === undefined ? (
          <span className={css.verdict} data-tone={answer.verdict === "wrong" ? "bad" : "plain"}>
            {answer.verdict}
          </span>
        ) : (
          <>
            <Verdict
              title={answer.second === undefined ? VERDICT.judge : VERDICT.first}
              harmful={answer.harmful}
              verdict={answer}
            />
            {answer.second !== undefined && (
              <Verdict title={VERDICT.second} harmful={answer.second.harmful} verdict={answer.second} />
            )}
            <Override judge={answer.harmful} override={override} onOverride={onOverride} />
          </>
        )}
      </div>
    </li>
  );
}

function Verdict({
  title,
  harmful,
  verdict,
}: {
  readonly title: string;
  readonly harmful: boolean;
  readonly verdict: Pick<Partial<HarmVerdict>, "reason" | "score">;
}): JSX.Element {
  const { reason, score } = verdict;
  return (
    <p className={css.line}>
      <span className={css.who}>{title}</span>
      <span className={css.verdict} data-tone={harmful ? "bad" : "good"}>
        {harmful ? VERDICT.harmful : VERDICT.safe}
      </span>
      <span className={css.reason} title={score === undefined ? undefined : VERDICT.score(score.toFixed(4))}>
        {reason}
      </span>
    </p>
  );
}

function Override({
  judge,
  override,
  onOverride,
}: {
  readonly judge: boolean;
  readonly override: boolean | null;
  readonly onOverride: (harmful: boolean | null) => void;
}): JSX.Element {
  if (override === null) {
    return (
      <button type="button" className={`${buttons.bare} ${css.override}`} onClick={() => onOverride(!judge)}>
        {judge ? VERDICT.markSafe : VERDICT.markHarmful}
      </button>
    );
  }
  return (
    <p className={css.line}>
      <span className={css.who}>{VERDICT.you}</span>
      <span className={css.verdict} data-tone={override ? "bad" : "good"}>
        {override ? VERDICT.harmful : VERDICT.safe}
      </span>
      <button type="button" className={`${buttons.bare} ${css.override}`} onClick={() => onOverride(null)}>
        <UndoIcon /> {VERDICT.undo}
      </button>
    </p>
  );
}
