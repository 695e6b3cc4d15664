/** @file Unfinished runs: in the run area each with what it needs, in every other area as one line at the top. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useDevice, useKeep, useLab, useRun, useSpec } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { PlayIcon, TrashIcon } from "../ui/icons.tsx";
import parts from "../ui/ui.module.css";
import { methodColor } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { AskOnce } from "./AskOnce.tsx";
import type { UnfinishedEntry } from "./recovery.ts";
import css from "./recovery.module.css";
import { NeedsList, usePresent } from "./NeedsList.tsx";
import { isMust, isThere, needsOf } from "./needs.ts";
import { aboutOf, goOnLabel, interrupted, reached, restsOn, titleOf } from "./words.ts";

/** In the run area, while nothing runs here. */
export function UnfinishedRuns(): JSX.Element | null {
  const entries = useKeep((state) => state.entries);
  const active = useRun(({ run }) => isActive(run));
  if (active || entries.length === 0) return null;
  const interruptedRuns = entries.filter(({ where }) => where === "interrupted");
  const elsewhere = entries.filter(({ where }) => where === "elsewhere");
  return (
    <section className={css.list} aria-label="Unfinished runs" data-testid="unfinished">
      <h2>
        {interruptedRuns.length === 0
          ? "Under way in another tab"
          : interruptedRuns.length === 1
            ? "A run was interrupted"
            : `${interruptedRuns.length} runs were interrupted`}
      </h2>
      {interruptedRuns.map((entry) => (
        <InterruptedCard key={entry.run.runId} entry={entry} />
      ))}
      {elsewhere.map((entry) => (
        <article key={entry.run.runId} className={css.card} data-testid="unfinished-run" data-where="elsewhere">
          <CardTitle entry={entry} />
          <p>Another tab runs it, {reached(entry)}. It can go on here once that tab is closed.</p>
        </article>
      ))}
    </section>
  );
}

function InterruptedCard({ entry }: { readonly entry: UnfinishedEntry }): JSX.Element {
  const lab = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const now = useKeep((state) => state.readAt);
  const { run, checkpoint } = entry;
  // A failure that stands below is not said twice.
  const below = useRun((state) => state.run.kind === "failed" && state.run.log.runId === run.runId);
  return (
    <article className={css.card} data-testid="unfinished-run" data-where="interrupted">
      <CardTitle entry={entry} />
      <p>
        It was {interrupted(entry, now)}. {restsOn(entry)}
      </p>
      {run.failure !== null && !below && (
        <p className={css.failure}>
          {run.failure.what}. {run.failure.fix}
        </p>
      )}
      <NeedsList needs={needsOf(run.spec, run.token, checkpoint)} />
      <div className={css.tools}>
        <GoOn entry={entry} />
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            replace(lab.codec.toDraft(run.spec), { kind: "edited" });
            show("setup");
          }}
        >
          Open its settings
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

/** Above every other area, while nothing runs here. */
export function UnfinishedLine(): JSX.Element | null {
  const entries = useKeep((state) => state.entries);
  const active = useRun(({ run }) => isActive(run));
  const show = useView((view) => view.show);
  const now = useKeep((state) => state.readAt);
  const [first] = [...entries].sort((a, b) => (a.where === b.where ? 0 : a.where === "interrupted" ? -1 : 1));
  if (active || first === undefined) return null;
  const others = entries.length - 1;
  return (
    <section className={css.line} aria-label="Unfinished run" data-testid="unfinished-line" data-where={first.where}>
      <p>
        <strong>{titleOf(first)}</strong>{" "}
        <span className={css.when}>
          {first.where === "elsewhere"
            ? `is under way in another tab, ${reached(first)}`
            : `was ${interrupted(first, now)}`}
        </span>
      </p>
      <div className={css.tools}>
        {others > 0 && (
          <Button size="xs" variant="default" onClick={() => show("run")}>
            {others === 1 ? "One more" : `${others} more`}
          </Button>
        )}
        {first.where === "interrupted" && (
          <>
            <GoOn entry={first} leads />
            <Discard entry={first} />
          </>
        )}
      </div>
    </section>
  );
}

/** @param leads where something is missing, leads to where that is said */
function GoOn({ entry, leads = false }: { readonly entry: UnfinishedEntry; readonly leads?: boolean }): JSX.Element {
  const lab = useLab();
  const device = useDevice();
  const present = usePresent();
  const show = useView((view) => view.show);
  const missing = needsOf(entry.run.spec, entry.run.token, entry.checkpoint).filter(
    (need) => isMust(need) && !isThere(need, present),
  );
  const blocked = device.kind !== "ready" || (missing.length > 0 && !leads);
  const why =
    device.kind !== "ready"
      ? "The GPU is not ready"
      : missing.length > 0
        ? `First choose ${missing.map(({ name }) => name).join(", ")}`
        : undefined;
  return (
    <Button
      size="xs"
      leftSection={<PlayIcon />}
      disabled={blocked}
      title={why}
      onClick={() => {
        if (missing.length === 0) lab.goOn(entry.run.runId);
        show("run");
      }}
    >
      {goOnLabel(entry)}
    </Button>
  );
}

function Discard({ entry: { run } }: { readonly entry: UnfinishedEntry }): JSX.Element {
  const lab = useLab();
  return (
    <AskOnce
      label="Discard"
      ariaLabel="Discard the interrupted run"
      icon={<TrashIcon />}
      question="Its checkpoint is removed for good."
      yes="Discard it"
      no="Keep it"
      onYes={() => void lab.recovery.discard(run.runId)}
    />
  );
}
