/** @file The same question to the unaligned, the aligned and a tuned model, side by side. */
import { Button, Select, Textarea } from "@mantine/core";
import { useMemo, useState, type JSX, type KeyboardEvent } from "react";
import { useChat, useDevice, useLab, useRun, useRuns, useSpec } from "../app/labContext.ts";
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import type { StoredRun } from "../runs/storedRun.ts";
import { duration, moment } from "../support/format.ts";
import { isAnswering, SUBJECTS, type AnswerState, type Exchange, type SubjectName } from "./chatStore.ts";
import { examplesFor } from "./examples.ts";
import css from "./chat.module.css";

const MAX_NEW_TOKENS = 96;

export default function ChatArea(): JSX.Element {
  const exchanges = useChat((state) => state.exchanges);
  return (
    <section data-testid="chat-area">
      <div className={css.head}>
        <h2>One question, three models</h2>
        <p>Answers are greedy: the most likely token each time, so the same question gets the same answer. Each model is asked afresh; none sees earlier questions.</p>
      </div>
      <Ask />
      {exchanges.map((exchange) => (
        <Answers key={exchange.id} exchange={exchange} />
      ))}
    </section>
  );
}

function Ask(): JSX.Element {
  const lab = useLab();
  const prompt = useChat((state) => state.prompt);
  const setPrompt = useChat((state) => state.setPrompt);
  const busy = useChat((state) => state.exchanges.some(isAnswering));
  const check = useSpec((state) => state.check);
  const device = useDevice();
  const training = useRun((state) => isActive(state.run));
  const { tuned, choices, choose } = useTuned();
  // The tuned model's own pair where there is one; else the pair in Setup.
  const spec = tuned?.spec ?? (check.kind === "valid" ? check.spec : null);
  const groups = useMemo(() => (spec === null ? [] : examplesFor(spec)), [spec]);
  const reason = training
    ? "A run is using the GPU: questions wait until it has ended."
    : device.kind !== "ready"
      ? "The GPU is not open."
      : spec === null
        ? "The settings are not valid: there is no pair to ask."
        : busy
          ? "The models are answering."
          : prompt.trim() === ""
            ? "Write a question, or choose one below."
            : null;
  const send = (text: string): void => {
    if (spec !== null && text.trim() !== "") lab.ask(text.trim(), spec, tuned, MAX_NEW_TOKENS);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && reason === null) {
      event.preventDefault();
      send(prompt);
    }
  };
  return (
    <>
      <div className={css.ask}>
        <Textarea label="Question" value={prompt} onChange={(event) => setPrompt(event.currentTarget.value)} onKeyDown={onKey} autosize minRows={2} maxRows={8} />
        <Button onClick={() => send(prompt)} disabled={reason !== null}>
          Ask all three
        </Button>
      </div>
      <div className={css.settings}>
        <Select
          label="Tuned model"
          data={choices}
          value={tuned?.runId ?? null}
          onChange={(id) => choose(id)}
          placeholder={choices.length === 0 ? "No run with an adapter yet" : "Choose a run"}
          disabled={choices.length === 0}
          w={380}
          maw="100%"
        />
        <span role="status" className={css.waiting}>
          {reason}
        </span>
      </div>
      {groups.length > 0 && (
        <div className={css.examples}>
          {groups.map(({ kind, prompts }) => (
            <ExampleRow key={kind} kind={kind} prompts={prompts} onChoose={setPrompt} />
          ))}
        </div>
      )}
    </>
  );
}

function ExampleRow({ kind, prompts, onChoose }: { readonly kind: string; readonly prompts: readonly string[]; readonly onChoose: (prompt: string) => void }): JSX.Element {
  return (
    <>
      <span className={css.exampleKind}>{kind}</span>
      <span className={css.exampleList}>
        {prompts.map((prompt) => (
          <button key={prompt} type="button" className={css.example} onClick={() => onChoose(prompt)} title={prompt}>
            {prompt.split("\n").at(-1)}
          </button>
        ))}
      </span>
    </>
  );
}

/** The run whose adapter answers: the one chosen here, else the newest with an adapter. */
function useTuned(): { readonly tuned: StoredRun | null; readonly choices: { value: string; label: string }[]; readonly choose: (id: string | null) => void } {
  const runs = useRuns((state) => state.runs);
  const [id, choose] = useState<string | null>(null);
  const usable = runs.filter(({ adapter }) => adapter !== null);
  const tuned = usable.find(({ runId }) => runId === id) ?? usable[0] ?? null;
  const choices = usable.map((run) => ({ value: run.runId, label: `${runTitle(run)} · ${moment(run.endedAt).slice(5)}` }));
  return { tuned, choices, choose };
}

function runTitle({ spec }: Pick<StoredRun, "spec">): string {
  return `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
}

const WHO: Readonly<Record<SubjectName, { readonly name: string; readonly color: string }>> = {
  unaligned: { name: "Unaligned", color: "--unaligned" },
  aligned: { name: "Aligned", color: "--aligned" },
  tuned: { name: "Tuned", color: "--tuned" },
};

function Answers({ exchange }: { readonly exchange: Exchange }): JSX.Element {
  const lab = useLab();
  const run = useRuns((state) => state.runs.find(({ runId }) => runId === exchange.tunedRun));
  return (
    <article className={css.exchange} aria-busy={isAnswering(exchange)} data-testid="exchange">
      <div className={css.prompt}>
        <p className={css.promptText}>{exchange.prompt}</p>
        {isAnswering(exchange) && (
          <Button variant="default" size="compact-xs" onClick={() => lab.stopAnswers(exchange.id)}>
            Stop
          </Button>
        )}
      </div>
      <div className={css.answers}>
        {SUBJECTS.map((subject) => {
          const answer = exchange.answers[subject];
          const { name, color } = WHO[subject];
          const note = subject === "tuned" ? (run === undefined ? "" : runTitle(run)) : "";
          return (
            <div key={subject} className={css.answer} style={{ ["--who" as string]: `var(${color})` }} data-subject={subject}>
              <div className={css.who}>
                <strong>{name}</strong>
                <span title={run === undefined ? undefined : dataTitle(run.spec)}>{note}</span>
              </div>
              {answer === undefined ? <p className={`${css.text} ${css.waiting}`}>{absent(subject)}</p> : <Answer answer={answer} />}
            </div>
          );
        })}
      </div>
    </article>
  );
}

function absent(subject: SubjectName): string {
  return subject === "tuned" ? "No tuned model yet: finish a run, and it answers here." : "This experiment names no unaligned model.";
}

function Answer({ answer }: { readonly answer: AnswerState }): JSX.Element {
  switch (answer.kind) {
    case "waiting":
      return <p className={`${css.text} ${css.waiting}`}>waiting for its turn …</p>;
    case "streaming":
      return (
        <p className={css.text}>
          {answer.text}
          <span className={css.caret} />
        </p>
      );
    case "failed":
      return (
        <p className={css.error} role="alert">
          {answer.failure.what}. {answer.failure.fix}
        </p>
      );
    case "done":
      return (
        <>
          <p className={css.text}>{answer.text === "" ? "(an empty answer)" : answer.text}</p>
          <div className={css.verdict}>
            {answer.verdict !== null && (
              <span className={css.verdictWord} data-tone={answer.verdict.tone} title={answer.verdict.judge}>
                {answer.verdict.verdict}
              </span>
            )}
            <span>
              {answer.tokens} tokens in {duration(answer.ms)}
              {answer.ended === "length" && ", cut at the limit"}
              {answer.ended === "stopped" && ", stopped"}
            </span>
          </div>
        </>
      );
  }
}
