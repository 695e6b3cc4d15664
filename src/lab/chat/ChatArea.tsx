/** @file One question to the unaligned, the aligned and a tuned model, side by side, and conversations with them. */
import { Button, Textarea } from "@mantine/core";
import { useMemo, type JSX, type KeyboardEvent } from "react";
import { useChat, useDevice, useLab, useRun, useSpec } from "../shell/app/labContext.ts";
import { isActive } from "../run/runState.ts";
import { duration } from "../support/format.ts";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import { AdapterPicker, useTuned } from "./AdapterPicker.tsx";
import { conversations, isAnswering, type AnswerState, type Exchange } from "./chatStore.ts";
import { SUBJECTS, type SubjectName } from "./subjects.ts";
import { ANSWER, BLOCKED, CHAT, MODELS } from "./copy.ts";
import { examplesFor } from "./examples.ts";
import { SamplingPanel } from "./SamplingPanel.tsx";
import type { ChatVerdict } from "../worker/protocol/chat.ts";
import { TokenLegend } from "./TokenLegend.tsx";
import { TokenText } from "./TokenText.tsx";
import boxes from "../ui/boxes.module.css";
import css from "./chat.module.css";

export default function ChatArea(): JSX.Element {
  const exchanges = useChat((state) => state.exchanges);
  const threads = useMemo(() => conversations(exchanges), [exchanges]);
  return (
    <section data-testid="chat-area">
      <div className={css.head}>
        <h2>{CHAT.title}</h2>
        <p>{CHAT.text}</p>
      </div>
      <Question />
      {exchanges.length > 0 && <TokenLegend />}
      {threads.map((turns) => (
        <Conversation key={turns[0]?.thread} turns={turns} />
      ))}
    </section>
  );
}

function Question(): JSX.Element {
  const lab = useLab();
  const prompt = useChat((state) => state.prompt);
  const setPrompt = useChat((state) => state.setPrompt);
  const busy = useChat((state) => state.exchanges.some(isAnswering));
  const check = useSpec((state) => state.check);
  const device = useDevice();
  const training = useRun((state) => isActive(state.run));
  const { tuned } = useTuned();
  // The models that the adapter was trained with, if known; else those in Setup.
  const spec = tuned?.spec ?? (check.kind === "valid" ? check.spec : null);
  const groups = useMemo(() => (spec === null ? [] : examplesFor(spec)), [spec]);
  const reason = training
    ? BLOCKED.training
    : device.kind !== "ready"
      ? BLOCKED.noGpu
      : spec === null
        ? BLOCKED.invalid
        : busy
          ? BLOCKED.answering
          : prompt.trim() === ""
            ? BLOCKED.empty
            : null;
  const send = (text: string): void => {
    if (spec === null || text.trim() === "") return;
    lab.chat.ask(text.trim(), spec, tuned);
    if (lab.chat.store.getState().thread !== null) setPrompt("");
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && reason === null) {
      event.preventDefault();
      send(prompt);
    }
  };
  return (
    <>
      <ContinuedConversation />
      <div className={css.ask}>
        <Textarea
          label={CHAT.question}
          value={prompt}
          onChange={(event) => setPrompt(event.currentTarget.value)}
          onKeyDown={onKey}
          autosize
          minRows={2}
          maxRows={8}
        />
        <Button onClick={() => send(prompt)} disabled={reason !== null} aria-describedby="chat-reason">
          {CHAT.ask}
        </Button>
      </div>
      <span role="status" className={css.status} id="chat-reason">
        {reason}
      </span>
      {groups.length > 0 && (
        <div className={css.examples}>
          {groups.map(({ kind, prompts }) => (
            <ExampleRow key={kind} kind={kind} prompts={prompts} onChoose={setPrompt} />
          ))}
        </div>
      )}
      <SamplingPanel />
      <AdapterPicker model={spec?.model.aligned ?? null} />
    </>
  );
}

/** The conversation that the next question belongs to. */
function ContinuedConversation(): JSX.Element | null {
  const first = useChat(({ exchanges, thread }) =>
    thread === null ? null : (exchanges.find(({ id }) => id === thread)?.prompt ?? null),
  );
  const setThread = useChat((state) => state.setThread);
  if (first === null) return null;
  return (
    <p className={css.continuing} data-testid="continuing">
      <span>{CHAT.continuing(first.length > 70 ? `${first.slice(0, 69)}…` : first)}</span>
      <Button variant="subtle" size="compact-xs" onClick={() => setThread(null)}>
        {CHAT.startNew}
      </Button>
    </p>
  );
}

function Conversation({ turns }: { readonly turns: readonly Exchange[] }): JSX.Element {
  const setThread = useChat((state) => state.setThread);
  const current = useChat((state) => state.thread);
  const thread = turns[0]?.thread ?? "";
  const last = turns.at(-1);
  return (
    <div className={css.conversation} data-testid="conversation">
      {turns.map((exchange) => (
        <ExchangeView key={exchange.id} exchange={exchange} />
      ))}
      {current !== thread && last !== undefined && !isAnswering(last) && (
        <Button variant="default" size="xs" onClick={() => setThread(thread)}>
          {CHAT.continueConversation}
        </Button>
      )}
    </div>
  );
}

function ExampleRow({
  kind,
  prompts,
  onChoose,
}: {
  readonly kind: string;
  readonly prompts: readonly string[];
  readonly onChoose: (prompt: string) => void;
}): JSX.Element {
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

const COLORS: Readonly<Record<SubjectName, string>> = {
  unaligned: "--unaligned",
  aligned: "--aligned",
  tuned: "--tuned",
};

function ExchangeView({ exchange }: { readonly exchange: Exchange }): JSX.Element {
  const lab = useLab();
  return (
    <article className={css.exchange} aria-busy={isAnswering(exchange)} data-testid="exchange">
      <div className={css.prompt}>
        <p className={css.promptText}>
          {exchange.prompt}
          {exchange.samplingText !== "" && <span className={css.drawn}>{exchange.samplingText}</span>}
        </p>
        {isAnswering(exchange) && (
          <Button variant="default" size="compact-xs" onClick={() => lab.chat.stop(exchange.id)}>
            {CHAT.stop}
          </Button>
        )}
      </div>
      <div className={css.answers}>
        {SUBJECTS.map((subject) => {
          const answer = exchange.answers[subject];
          return (
            <div
              key={subject}
              className={`${boxes.panel} ${css.answer}`}
              style={{ ["--who" as string]: `var(${COLORS[subject]})` }}
              data-subject={subject}
            >
              <div className={css.who}>
                <strong>{MODELS[subject].name}</strong>
                {subject === "tuned" && exchange.tuned !== null && (
                  <span title={exchange.tuned.note}>{exchange.tuned.title}</span>
                )}
              </div>
              {answer === undefined ? (
                <p className={`${css.text} ${css.waiting}`}>
                  {subject === "tuned" ? ANSWER.noTuned : ANSWER.noUnaligned}
                </p>
              ) : (
                <Answer answer={answer} label={MODELS[subject].answer} />
              )}
            </div>
          );
        })}
      </div>
    </article>
  );
}

function Answer({ answer, label }: { readonly answer: AnswerState; readonly label: string }): JSX.Element {
  const coloured = useChat((state) => state.coloured);
  switch (answer.kind) {
    case "waiting":
      return <p className={`${css.text} ${css.waiting}`}>{ANSWER.waiting}</p>;
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
          {answer.failure.what}. {answer.failure.fix} <CopyDetails compact failure={answer.failure} />
        </p>
      );
    case "done":
      return (
        <>
          {answer.odds === null || answer.odds.length === 0 ? (
            <p className={css.text}>{answer.text === "" ? ANSWER.empty : answer.text}</p>
          ) : (
            <TokenText tokens={answer.odds} coloured={coloured} label={label} />
          )}
          <div className={css.verdict}>
            {answer.verdict !== null && <Verdict verdict={answer.verdict} />}
            <span>
              {ANSWER.speed(answer.tokens, duration(answer.ms))}
              {answer.ended === "length" && ANSWER.endedLength}
              {answer.ended === "stop" && ANSWER.endedStop}
              {answer.ended === "stopped" && ANSWER.endedStopped}
            </span>
          </div>
        </>
      );
  }
}

function Verdict({ verdict }: { readonly verdict: ChatVerdict }): JSX.Element {
  return verdict.kind === "judged" ? (
    <span className={css.verdictWord} data-tone={verdict.tone} title={verdict.judge}>
      {verdict.verdict}
    </span>
  ) : (
    <span>{ANSWER.notJudged(verdict.why)}</span>
  );
}
