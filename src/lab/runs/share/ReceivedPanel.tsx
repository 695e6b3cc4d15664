/** @file "Sent with results": what the sender got, one click to run it, and afterwards whether it was reproduced. */
import { Button } from "@mantine/core";
import { useMemo, type JSX } from "react";
import { canonical } from "../../../experiment/spec/canonical.ts";
import { FIGURE_TITLES } from "../../../experiment/spec/names.ts";
import { DEFINITION, type Reproduction } from "../../../experiment/share/reproduction.ts";
import { useDevice, useLab, usePlan, useReceived, useRun, useRuns, useSpec } from "../../shell/app/labContext.ts";
import { PlayIcon, UndoIcon } from "../../ui/icons.tsx";
import { readiness } from "../../setup/readiness.ts";
import { moment } from "../../support/format.ts";
import { repetitionOf, runsOfLink, type Received, type Repetition } from "./receivedStore.ts";
import { lossText, OUTCOMES, readingText, sentFigures, VERDICTS } from "./shareText.ts";
import css from "./share.module.css";

export default function ReceivedPanel(): JSX.Element | null {
  const received = useReceived((state) => state.received);
  const dismiss = useReceived((state) => state.dismiss);
  if (received.kind === "none") return null;
  if (received.kind === "unreadable") {
    return (
      <section className={css.received} data-testid="received" data-state="unreadable" role="status">
        <p>
          <strong>The results in this link cannot be used:</strong> {received.why}. The settings are as they were sent.
        </p>
        <Button variant="default" size="xs" onClick={dismiss}>
          Close
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
  const repetition = repetitionOf(received, run, repeated);
  const { results } = received;
  const outcome = repetition.kind === "compared" ? OUTCOMES[repetition.reproduction.outcome] : null;
  return (
    <section
      className={css.received}
      data-testid="received"
      data-state={repetition.kind === "compared" ? repetition.reproduction.outcome : repetition.kind}
      data-tone={outcome?.tone ?? "plain"}
      aria-labelledby="received-title"
    >
      <div className={css.receivedHead}>
        <div role="status">
          <h2 id="received-title">{outcome?.title ?? "Sent with results"}</h2>
        </div>
        <Button variant="subtle" size="compact-xs" onClick={dismiss}>
          Put away
        </Button>
      </div>
      <p className={css.lead}>
        {outcome !== null && <>{outcome.text} </>}
        The sender ran this on {results.device === "" ? "a device that is not named" : results.device},{" "}
        {moment(1000 * results.ended)}, Basin {results.basin === "" ? "of an unknown version" : results.basin}.
        {repetition.kind === "compared" && ` Here: ${repetition.device}.`}
      </p>
      {repetition.kind === "compared" ? (
        <Compared reproduction={repetition.reproduction} />
      ) : (
        <Sent received={received} />
      )}
      <Invitation received={received} repetition={repetition} />
      <p className={css.fine}>
        {DEFINITION} The figures in a link are the sender’s word: anybody can write one. Only a run of your own shows
        more.
      </p>
    </section>
  );
}

function Sent({ received: { results } }: { readonly received: Extract<Received, { kind: "received" }> }): JSX.Element {
  const figures = sentFigures(results.before, results.after);
  return (
    <table className={css.figures}>
      <thead>
        <tr>
          <th scope="col">Score</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {figures.map(({ title, before, after }) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            <td data-label="Before">{before}</td>
            <td data-label="After">{after}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">Steps</th>
          <td data-label="Before" />
          <td data-label="After">
            {results.losses.steps}
            {results.losses.sample.length > 0 && `, last cross-entropy ${String(results.losses.sample.at(-1))}`}
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function Compared({
  reproduction: { figures, losses, sameKernels },
}: {
  readonly reproduction: Reproduction;
}): JSX.Element {
  return (
    <>
      <table className={css.figures}>
        <thead>
          <tr>
            <th scope="col">Score</th>
            <th scope="col">Sent</th>
            <th scope="col">Here</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {figures.map(({ name, moment: when, verdict, sent, here }) => (
            <tr key={`${name} ${when}`}>
              <th scope="row">
                {FIGURE_TITLES[name]}, {when}
              </th>
              <td data-label="Sent">{readingText(sent)}</td>
              <td data-label="Here">{readingText(here)}</td>
              <td data-label="Verdict" data-verdict={verdict}>
                {VERDICTS[verdict]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={css.losses}>{lossText(losses, sameKernels)}</p>
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
  if (repetition.kind === "running")
    return <p className={css.lead}>Running it here; the comparison comes when it has finished.</p>;
  return (
    <div className={css.invitation}>
      {changed ? (
        <Button
          variant="default"
          leftSection={<UndoIcon />}
          onClick={() => replace(lab.codec.toDraft(received.spec), { kind: "link" })}
        >
          Bring the sender’s settings back
        </Button>
      ) : (
        <Button
          leftSection={<PlayIcon />}
          variant={repetition.kind === "compared" ? "default" : "filled"}
          disabled={ready.kind !== "ready"}
          onClick={() => ready.kind === "ready" && lab.start(ready.spec)}
        >
          {repetition.kind === "compared" ? "Run it again" : "Run it here"}
        </Button>
      )}
      <span className={css.reason}>
        {repetition.kind === "own" &&
          "This browser holds the very run that the figures were taken from: comparing it with itself would show nothing. "}
        {repetition.kind === "incomplete" && `Nothing to compare: ${repetition.why}. `}
        {changed
          ? "The settings have been changed since the link was opened."
          : ready.kind === "soon"
            ? `${ready.reason} …`
            : ready.kind === "blocked"
              ? `${ready.reason}. ${ready.fix}`
              : "The same settings, on this machine; nothing is uploaded."}
      </span>
    </div>
  );
}
