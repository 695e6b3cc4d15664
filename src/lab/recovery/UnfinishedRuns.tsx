/** @file Unfinished runs: in the run area as cards with the inputs they need, elsewhere as one line at the top. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useDevice, useLab, useRecovery, useRun, useSpec, useView } from "../shell/app/labContext.ts";
import { PlayIcon, TrashIcon } from "../ui/icons.tsx";
import { useReason } from "../ui/Reason.tsx";
import parts from "../ui/ui.module.css";
import { methodColor } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { AskOnce } from "./AskOnce.tsx";
import { DISCARD, UNFINISHED } from "./copy.ts";
import type { UnfinishedEntry } from "./recoveryStore.ts";
import boxes from "../ui/boxes.module.css";
import css from "./recovery.module.css";
import { NeedsList, usePresent } from "./NeedsList.tsx";
import { isRequired, isAvailable, runInputs } from "./runInputs.ts";
import { aboutOf, interruptedText, progressText, resumeLabel, snapshotText, titleOf } from "./runText.ts";

/** In the run area, while no run is active in this tab. */
export function UnfinishedRuns(): JSX.Element | null {
  const entries = useRecovery((state) => state.entries);
  const active = useRun(({ run }) => isActive(run));
  if (active || entries.length === 0) return null;
  const interruptedRuns = entries.filter(({ status }) => status === "interrupted");
  const elsewhere = entries.filter(({ status }) => status === "elsewhere");
  return (
    <section className={css.list} aria-label={UNFINISHED.region} data-testid="unfinished">
      <h2>
        {interruptedRuns.length === 0 ? UNFINISHED.runsElsewhere : UNFINISHED.interrupted(interruptedRuns.length)}
      </h2>
      {interruptedRuns.map((entry) => (
        <InterruptedCard key={entry.run.runId} entry={entry} />
      ))}
      {elsewhere.map((entry) => (
        <article
          key={entry.run.runId}
          className={`${boxes.panel} ${css.card}`}
          data-testid="unfinished-run"
          data-where="elsewhere"
        >
          <CardTitle entry={entry} />
          <p>{UNFINISHED.elsewhere(progressText(entry))}</p>
        </article>
      ))}
    </section>
  );
}

function InterruptedCard({ entry }: { readonly entry: UnfinishedEntry }): JSX.Element {
  const lab = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const now = useRecovery((state) => state.readAt);
  const { run, snapshot } = entry;
  // The failed run below shows the same failure.
  const shownBelow = useRun((state) => state.run.kind === "failed" && state.run.log.runId === run.runId);
  return (
    <article className={`${boxes.panel} ${css.card}`} data-testid="unfinished-run" data-where="interrupted">
      <CardTitle entry={entry} />
      <p>
        {capital(interruptedText(entry, now))}. {snapshotText(entry)}
      </p>
      {run.failure !== null && !shownBelow && (
        <p className={css.failure}>
          {run.failure.what}. {run.failure.fix}
        </p>
      )}
      <NeedsList needs={runInputs(run.spec, run.token, snapshot)} />
      <div className={css.tools}>
        <ResumeButton entry={entry} />
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            replace(lab.codec.toDraft(run.spec), { kind: "edited" });
            show("setup");
          }}
        >
          {UNFINISHED.openSettings}
        </Button>
        <Discard entry={entry} />
      </div>
    </article>
  );
}

function CardTitle({ entry }: { readonly entry: UnfinishedEntry }): JSX.Element {
  return (
    <>
      <h3>
        <span
          className={parts.swatch}
          style={{ borderColor: `var(${methodColor(entry.run.spec.method)})`, borderTopWidth: 4 }}
        />
        {titleOf(entry)}
      </h3>
      <p className={css.about}>{aboutOf(entry)}</p>
    </>
  );
}

/** Above every other area, while no run is active in this tab. */
export function UnfinishedLine(): JSX.Element | null {
  const entries = useRecovery((state) => state.entries);
  const active = useRun(({ run }) => isActive(run));
  const show = useView((view) => view.show);
  const now = useRecovery((state) => state.readAt);
  const [first] = [...entries].sort((a, b) => (a.status === b.status ? 0 : a.status === "interrupted" ? -1 : 1));
  if (active || first === undefined) return null;
  const others = entries.length - 1;
  return (
    <section
      className={css.line}
      aria-label={UNFINISHED.lineRegion}
      data-testid="unfinished-line"
      data-where={first.status}
    >
      <p>
        <strong>{titleOf(first)}</strong>{" "}
        <span className={css.when}>
          {first.status === "elsewhere" ? UNFINISHED.elsewhereLine(progressText(first)) : interruptedText(first, now)}
        </span>
      </p>
      <div className={css.tools}>
        {others > 0 && (
          <Button size="xs" variant="default" onClick={() => show("run")}>
            {UNFINISHED.more(others)}
          </Button>
        )}
        {first.status === "interrupted" && (
          <>
            <ResumeButton entry={first} leads />
            <Discard entry={first} />
          </>
        )}
      </div>
    </section>
  );
}

/** @param leads stays enabled when inputs are missing, and opens the run area, which lists them */
function ResumeButton({
  entry,
  leads = false,
}: {
  readonly entry: UnfinishedEntry;
  readonly leads?: boolean;
}): JSX.Element {
  const lab = useLab();
  const device = useDevice();
  const present = usePresent();
  const show = useView((view) => view.show);
  const missing = runInputs(entry.run.spec, entry.run.token, entry.snapshot).filter(
    (need) => isRequired(need) && !isAvailable(need, present),
  );
  const blocked = device.kind !== "ready" || (missing.length > 0 && !leads);
  const why =
    device.kind !== "ready"
      ? UNFINISHED.gpuNotReady
      : missing.length > 0
        ? UNFINISHED.chooseFirst(missing.map(({ name }) => name))
        : null;
  const reason = useReason(blocked ? why : null);
  return (
    <>
      <Button
        size="xs"
        leftSection={<PlayIcon />}
        disabled={blocked}
        aria-describedby={reason.describedBy}
        onClick={() => {
          if (missing.length === 0) lab.run.resumeInterrupted(entry.run.runId);
          show("run");
        }}
      >
        {resumeLabel(entry)}
      </Button>
      {reason.text}
    </>
  );
}

function Discard({ entry: { run } }: { readonly entry: UnfinishedEntry }): JSX.Element {
  const lab = useLab();
  return (
    <AskOnce
      label={DISCARD.label}
      ariaLabel={DISCARD.ariaLabel}
      icon={<TrashIcon />}
      words={DISCARD}
      onYes={() => void lab.recovery.discard(run.runId)}
    />
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
