/**
 * @file One prompt with three answers: of the unaligned model, the aligned model, and the model in training at a step.
 */
import { Button, Select } from "@mantine/core";
import { useState, type JSX, type ReactNode } from "react";
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import { samplePlanned } from "../../../experiment/spec/evaluationSchedule.ts";
import { bindMethod } from "../../../methods/registry.ts";
import { useView } from "../../shell/app/labContext.ts";
import type { ChartCursorStore } from "../../ui/chartCursor.ts";
import { SAMPLES } from "../copy.ts";
import { isActive, type RunState } from "../runState.ts";
import type { RunLog } from "../runLog.ts";
import { comparedWords, followedPrompts, answerHistory, momentsOf, pairAnswer, verdictOf } from "./samples.ts";
import { Scrubber } from "./Scrubber.tsx";
import boxes from "../../ui/boxes.module.css";
import css from "./samples.module.css";

export interface SamplesPanelProps {
  readonly run: Exclude<RunState, { kind: "idle" }>;
  readonly cursor: ChartCursorStore;
}

export function SamplesPanel({ run, cursor }: SamplesPanelProps): JSX.Element {
  const samples = run.log.samples ?? [];
  return (
    <section className={`${boxes.panel} ${css.panel}`} aria-labelledby="samples-title" data-testid="samples">
      <h3 id="samples-title">{SAMPLES.title}</h3>
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
  if (!samplePlanned(run.log.spec)) return SAMPLES.noPrompts;
  if (isActive(run)) return SAMPLES.pending;
  return run.log.steps.length === 0 ? SAMPLES.endedEarly : SAMPLES.olderVersion;
}

function Followed({ log, cursor }: { readonly log: RunLog; readonly cursor: ChartCursorStore }): JSX.Element | null {
  const show = useView((view) => view.show);
  const samples = log.samples ?? [];
  const prompts = followedPrompts(samples);
  const moments = momentsOf(samples);
  const [chosen, choose] = useState(0);
  // null: follow the latest.
  const [place, setPlace] = useState<number | null>(null);
  const at = Math.min(place ?? moments.length - 1, moments.length - 1);
  const moment = moments[at];
  const prompt = prompts[chosen] ?? prompts[0];
  if (prompt === undefined || moment === undefined) return null;
  const now = moment.answers[prompt.index] ?? null;
  const [unaligned, aligned] = [
    pairAnswer(samples, "unaligned", prompt.index),
    pairAnswer(samples, "aligned", prompt.index),
  ];
  const trigger = bindMethod(log.spec.method).rows.trigger(log.spec.train.seed) !== null;
  return (
    <>
      <Select
        size="sm"
        label={SAMPLES.prompt}
        data={prompts.map(({ index, part, prompt }) => ({
          value: String(index),
          label: `${SAMPLES.parts[part]}: ${prompt}`,
        }))}
        value={String(prompt.index)}
        allowDeselect={false}
        onChange={(next) => choose(Number(next ?? 0))}
        className={css.prompts ?? ""}
      />
      {prompt.expected !== null && <p className={css.note}>{SAMPLES.expected(prompt.expected)}</p>}
      <Scrubber
        moments={moments}
        index={prompt.index}
        at={at}
        total={log.plan?.totalSteps ?? null}
        onMove={(next) => {
          setPlace(next === moments.length - 1 ? null : next);
          cursor.getState().point(moments[next]?.step ?? null);
        }}
      />
      <div className={css.answers}>
        <Answer
          who={SAMPLES.unaligned}
          color="--unaligned"
          answer={unaligned}
          missing={<Missing log={log} who="unaligned" onChat={() => show("chat")} />}
        />
        <Answer
          who={SAMPLES.aligned}
          color="--aligned"
          answer={aligned}
          missing={<Missing log={log} who="aligned" onChat={() => show("chat")} />}
        />
        <Answer
          who={moment.step === 0 ? SAMPLES.beforeTraining : SAMPLES.afterStep(moment.step)}
          color="--tuned"
          answer={now}
          against={aligned}
          missing={null}
        />
      </div>
      <p className={css.note} data-testid="sample-history">
        {answerHistory(moments, prompt.index, at, aligned)}
        {trigger && moment.step > 0 && SAMPLES.withTrigger}
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
  if (who === "unaligned" && log.spec.model.unaligned === null) return <>{SAMPLES.noUnaligned}</>;
  return (
    <>
      {SAMPLES.notRecorded}{" "}
      <Button size="compact-xs" variant="default" onClick={onChat}>
        {SAMPLES.askInChat}
      </Button>
    </>
  );
}

interface AnswerProps {
  readonly who: string;
  readonly color: string;
  readonly answer: EvaluatedAnswer | null;
  /** Words that it does not contain are highlighted. */
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
        {answer !== null && verdict === null && <span className={css.unjudged}>{SAMPLES.notJudged}</span>}
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
        <em>{SAMPLES.empty}</em>
      ) : (
        words.map(({ text, changed }, i) => (changed ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>))
      )}
      {cut && <span className={css.cut}>{SAMPLES.cut}</span>}
    </p>
  );
}
