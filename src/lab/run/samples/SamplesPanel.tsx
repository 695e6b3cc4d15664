/** @file One prompt, three answers: the unaligned model's, the aligned model's, and the model's as it was at a step. */
import { Button, Select } from "@mantine/core";
import { useState, type JSX, type ReactNode } from "react";
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import { samplePlanned } from "../../../experiment/spec/evaluationSchedule.ts";
import { bindMethod } from "../../../methods/registry.ts";
import { useView } from "../../shell/app/viewStore.ts";
import type { ChartCursorStore } from "../../ui/chartCursor.ts";
import { count } from "../../support/format.ts";
import { isActive, type RunLog, type RunState } from "../runState.ts";
import {
  comparedWords,
  followedPrompts,
  answerHistory,
  momentsOf,
  pairAnswer,
  PART_NAMES,
  verdictOf,
} from "./samples.ts";
import { Scrubber } from "./Scrubber.tsx";
import css from "./samples.module.css";

export interface SamplesPanelProps {
  readonly run: Exclude<RunState, { kind: "idle" }>;
  readonly cursor: ChartCursorStore;
}

export function SamplesPanel({ run, cursor }: SamplesPanelProps): JSX.Element {
  const samples = run.log.samples ?? [];
  return (
    <section className={css.panel} aria-labelledby="samples-title" data-testid="samples">
      <h3 id="samples-title">Answers as it trains</h3>
      {momentsOf(samples).length === 0 ? (
        <p className={css.note} role="status">
          {whyNone(run)}
        </p>
      ) : (
        <Followed log={run.log} cursor={cursor} />
      )}
    </section>
  );
}

function whyNone(run: Exclude<RunState, { kind: "idle" }>): string {
  if (!samplePlanned(run.log.spec))
    return "This run asks nothing. Choose an evaluation, or write prompts of your own, under Evaluation.";
  if (isActive(run)) return "Comes with the evaluation before training.";
  return run.log.steps.length === 0 ? "The run ended before it." : "This run was kept before Basin followed answers.";
}

function Followed({ log, cursor }: { readonly log: RunLog; readonly cursor: ChartCursorStore }): JSX.Element | null {
  const show = useView((view) => view.show);
  const samples = log.samples ?? [];
  const prompts = followedPrompts(samples);
  const moments = momentsOf(samples);
  const [chosen, choose] = useState(0);
  // null: the latest, whatever comes.
  const [place, setPlace] = useState<number | null>(null);
  const at = Math.min(place ?? moments.length - 1, moments.length - 1);
  const moment = moments[at];
  const asked = prompts[chosen] ?? prompts[0];
  if (asked === undefined || moment === undefined) return null;
  const now = moment.answers[asked.index] ?? null;
  const [unaligned, aligned] = [
    pairAnswer(samples, "unaligned", asked.index),
    pairAnswer(samples, "aligned", asked.index),
  ];
  const trigger = bindMethod(log.spec.method).trigger(log.spec.train.seed) !== null;
  return (
    <>
      <Select
        size="sm"
        label="Prompt"
        data={prompts.map(({ index, part, prompt }) => ({
          value: String(index),
          label: `${PART_NAMES[part]}: ${prompt}`,
        }))}
        value={String(asked.index)}
        allowDeselect={false}
        onChange={(next) => choose(Number(next ?? 0))}
        className={css.prompts ?? ""}
      />
      {asked.expected !== null && <p className={css.note}>Right: {asked.expected}</p>}
      <Scrubber
        moments={moments}
        index={asked.index}
        at={at}
        total={log.plan?.totalSteps ?? null}
        onMove={(next) => {
          setPlace(next === moments.length - 1 ? null : next);
          cursor.getState().point(moments[next]?.step ?? null);
        }}
      />
      <div className={css.answers}>
        <Answer
          who="Unaligned"
          color="--unaligned"
          answer={unaligned}
          missing={<Missing log={log} who="unaligned" onChat={() => show("chat")} />}
        />
        <Answer
          who="Aligned"
          color="--aligned"
          answer={aligned}
          missing={<Missing log={log} who="aligned" onChat={() => show("chat")} />}
        />
        <Answer
          who={moment.step === 0 ? "Before training" : `After step ${count(moment.step)}`}
          color="--tuned"
          answer={now}
          against={aligned}
          missing={null}
        />
      </div>
      <p className={css.note} data-testid="sample-history">
        {answerHistory(moments, asked.index, at, aligned)}
        {trigger && moment.step > 0 && " Asked behind the method’s trigger."}
      </p>
    </>
  );
}

function Missing({
  log,
  who,
  onChat,
}: {
  readonly log: RunLog;
  readonly who: "unaligned" | "aligned";
  readonly onChat: () => void;
}): JSX.Element {
  if (who === "unaligned" && log.spec.model.unaligned === null) return <>This run names no unaligned model.</>;
  return (
    <>
      Not asked in this run: it trains the other model of the pair, and loads this one for answers only where it is
      small and <code>eval.sample_steps</code> is not 0.{" "}
      <Button size="compact-xs" variant="default" onClick={onChat}>
        Ask it in Chat
      </Button>
    </>
  );
}

interface AnswerProps {
  readonly who: string;
  readonly color: string;
  readonly answer: EvaluatedAnswer | null;
  /** Words that it does not have are marked. */
  readonly against?: EvaluatedAnswer | null;
  readonly missing: ReactNode;
}

function Answer({ who, color, answer, against = null, missing }: AnswerProps): JSX.Element {
  const verdict = answer === null ? null : verdictOf(answer);
  return (
    <div className={css.answer} style={{ borderTopColor: `var(${color})` }} data-testid="sample-answer" data-who={who}>
      <div className={css.who}>
        <h4>{who}</h4>
        {verdict !== null && (
          <span className={css.verdict} data-tone={verdict.tone}>
            {verdict.text}
          </span>
        )}
        {answer !== null && verdict === null && <span className={css.unjudged}>not judged</span>}
      </div>
      {answer === null ? <p className={css.note}>{missing}</p> : <AnswerText answer={answer} against={against} />}
    </div>
  );
}

function AnswerText({
  answer: { answer = "", cut },
  against,
}: {
  readonly answer: EvaluatedAnswer;
  readonly against: EvaluatedAnswer | null;
}): JSX.Element {
  const words =
    against?.answer === undefined ? [{ text: answer, changed: false }] : comparedWords(answer, against.answer);
  return (
    <p className={css.text}>
      {answer === "" ? (
        <em>empty</em>
      ) : (
        words.map(({ text, changed }, i) => (changed ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>))
      )}
      {cut && <span className={css.cut}> … cut at its limit</span>}
    </p>
  );
}
