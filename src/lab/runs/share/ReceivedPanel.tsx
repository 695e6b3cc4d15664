/**
 * @file Results that came with a link: the sender's scores, a button to run it here, and whether they were reproduced.
 */
import { Button } from "@mantine/core";
import { useMemo, type JSX } from "react";
import { canonical } from "../../../experiment/spec/canonical.ts";
import { FIGURE_TITLES } from "../../../experiment/spec/names.ts";
import { DEFINITION, type Reproduction } from "../../../experiment/share/reproduction.ts";
import { useDevice, useLab, usePlan, useReceived, useRun, useRuns, useSpec } from "../../shell/app/labContext.ts";
import { PlayIcon, UndoIcon } from "../../ui/icons.tsx";
import { readiness } from "../../setup/readiness.ts";
import { moment } from "../../support/format.ts";
import { comparedWithStored, repetitionOf, runsOfLink, type Received, type Repetition } from "./receivedStore.ts";
import { OUTCOMES, RECEIVED, REPRODUCTION } from "../copy.ts";
import { lossText, readingText, sentFigures } from "./shareText.ts";
import { ReadingNotice } from "../reading/ReadingNotice.tsx";
import type { StoredRun } from "../storedRun.ts";
import { useStoredRuns } from "../reading/useStoredRuns.ts";
import boxes from "../../ui/boxes.module.css";
import tables from "../../ui/tables.module.css";
import css from "./share.module.css";

export default function ReceivedPanel(): JSX.Element | null {
  const received = useReceived((state) => state.received);
  const dismiss = useReceived((state) => state.dismiss);
  if (received.kind === "none") return null;
  if (received.kind === "unreadable") {
    return (
      <section
        className={`${boxes.panel} ${css.received}`}
        data-testid="received"
        data-state="unreadable"
        role="status"
      >
        <p>
          <strong>{RECEIVED.unreadable}</strong> {RECEIVED.unreadableText(received.why)}
        </p>
        <Button variant="default" size="xs" onClick={dismiss}>
          {RECEIVED.close}
        </Button>
      </section>
    );
  }
  return <Results received={received} />;
}

function Results({ received }: { readonly received: Extract<Received, { kind: "received" }> }): JSX.Element {
  const dismiss = useReceived((state) => state.dismiss);
  const run = useRun((state) => state.run);
  const history = useRuns((state) => state.runs);
  const repeated = useMemo(() => runsOfLink(received, history), [received, history]);
  const found = repetitionOf(received, run, repeated);
  const [readings, retry] = useStoredRuns(found.kind === "stored" ? [found.runId] : [], stepsAndEnding);
  const reading = found.kind === "stored" ? readings.get(found.runId) : undefined;
  const { results } = received;
  const stored = useMemo(
    () => (reading?.kind === "read" ? comparedWithStored(results, reading.part) : null),
    [results, reading],
  );
  const repetition = found.kind === "stored" && stored !== null ? stored : found;
  const outcome = repetition.kind === "compared" ? OUTCOMES[repetition.reproduction.outcome] : null;
  return (
    <section
      className={`${boxes.panel} ${css.received}`}
      data-testid="received"
      data-state={repetition.kind === "compared" ? repetition.reproduction.outcome : repetition.kind}
      data-tone={outcome?.tone ?? "plain"}
      aria-labelledby="received-title"
    >
      <div className={css.receivedHead}>
        <div role="status">
          <h2 id="received-title">{outcome?.title ?? RECEIVED.title}</h2>
        </div>
        <Button variant="subtle" size="compact-xs" onClick={dismiss}>
          {RECEIVED.dismiss}
        </Button>
      </div>
      <p className={css.lead}>
        {outcome !== null && <>{outcome.text} </>}
        {RECEIVED.sender(results.device, moment(1000 * results.ended), results.basin)}
        {repetition.kind === "compared" && RECEIVED.here(repetition.device)}
      </p>
      {repetition.kind === "compared" ? (
        <Compared reproduction={repetition.reproduction} />
      ) : (
        <Sent received={received} />
      )}
      {repetition.kind === "stored" && (
        <ReadingNotice
          runs={repeated.filter(({ runId }) => runId === repetition.runId)}
          readings={readings}
          onRetry={retry}
        />
      )}
      <Invitation received={received} repetition={repetition} />
      <p className={css.fine}>
        {DEFINITION} {RECEIVED.claim}
      </p>
    </section>
  );
}

type ComparedRun = Pick<StoredRun, "runId" | "steps" | "ending">;

function stepsAndEnding({ runId, steps, ending }: StoredRun): ComparedRun {
  return { runId, steps, ending };
}

function Sent({ received: { results } }: { readonly received: Extract<Received, { kind: "received" }> }): JSX.Element {
  const figures = sentFigures(results.before, results.after);
  return (
    <table className={`${tables.table} ${css.figures}`}>
      <Head titles={[RECEIVED.score, RECEIVED.before, RECEIVED.after]} />
      <tbody>
        {figures.map(({ title, before, after }) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            <td data-label={RECEIVED.before}>{before}</td>
            <td data-label={RECEIVED.after}>{after}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">{RECEIVED.steps}</th>
          <td data-label={RECEIVED.before} />
          <td data-label={RECEIVED.after}>
            {results.losses.steps}
            {results.losses.sample.length > 0 && RECEIVED.lastLoss(String(results.losses.sample.at(-1)))}
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function Head({ titles }: { readonly titles: readonly string[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {titles.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Compared({
  reproduction: { figures, losses, sameKernels, otherData },
}: {
  readonly reproduction: Reproduction;
}): JSX.Element {
  return (
    <>
      <table className={`${tables.table} ${css.figures}`}>
        <Head titles={[RECEIVED.score, RECEIVED.sent, RECEIVED.yours, RECEIVED.verdict]} />
        <tbody>
          {figures.map(({ name, moment: when, verdict, sent, here }) => (
            <tr key={`${name} ${when}`}>
              <th scope="row">{RECEIVED.figure(FIGURE_TITLES[name], when)}</th>
              <td data-label={RECEIVED.sent}>{readingText(sent)}</td>
              <td data-label={RECEIVED.yours}>{readingText(here)}</td>
              <td data-label={RECEIVED.verdict} data-verdict={verdict}>
                {REPRODUCTION.verdicts[verdict]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={css.losses}>{lossText(losses, sameKernels)}</p>
      {otherData.map((part) => (
        <p key={part} className={css.losses}>
          {REPRODUCTION.otherData[part]}
        </p>
      ))}
    </>
  );
}

function Invitation({
  received,
  repetition,
}: {
  readonly received: Extract<Received, { kind: "received" }>;
  readonly repetition: Repetition;
}): JSX.Element {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const typing = useSpec((state) => state.typing);
  const replace = useSpec((state) => state.replace);
  const device = useDevice();
  const run = useRun((state) => state.run);
  const plan = usePlan();
  const ready = readiness({ check, typing, device, run, plan });
  const changed = check.kind === "invalid" || canonical(check.spec) !== received.key;
  if (repetition.kind === "running") return <p className={css.lead}>{RECEIVED.running}</p>;
  return (
    <div className={css.invitation}>
      {changed ? (
        <Button
          variant="default"
          leftSection={<UndoIcon />}
          onClick={() => replace(lab.codec.toDraft(received.spec), { kind: "link" })}
        >
          {RECEIVED.restore}
        </Button>
      ) : (
        <Button
          leftSection={<PlayIcon />}
          variant={repetition.kind === "compared" ? "default" : "filled"}
          disabled={ready.kind !== "ready"}
          aria-describedby="received-reason"
          onClick={() => ready.kind === "ready" && lab.run.start(ready.spec)}
        >
          {repetition.kind === "compared" ? RECEIVED.runAgain : RECEIVED.run}
        </Button>
      )}
      <span className={css.reason} id="received-reason">
        {repetition.kind === "own" && RECEIVED.own}
        {repetition.kind === "incomplete" && RECEIVED.incomplete(repetition.why)}
        {changed
          ? RECEIVED.changed
          : ready.kind === "soon"
            ? `${ready.reason} …`
            : ready.kind === "blocked"
              ? `${ready.reason}. ${ready.fix}`
              : RECEIVED.ready}
      </span>
    </div>
  );
}
