/** @file The runs and opened links of this browser, newest first. */
import { ActionIcon } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import type { Rate } from "../../experiment/run/events.ts";
import { useLab, useRun, useRuns, useSpec, useView } from "../shell/app/labContext.ts";
import { MethodMark } from "../ui/MethodMark.tsx";
import { LinkButton } from "../ui/buttons.tsx";
import { TrashIcon } from "../ui/icons.tsx";
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { OpeningNotice } from "../runs/reading/ReadingNotice.tsx";
import type { RunSummary } from "../runs/runSummary.ts";
import { endsOf } from "../runs/storedRun.ts";
import { moment, percent } from "../support/format.ts";
import { LINK_LIST, RUN_LIST } from "./copy.ts";
import { openedLinks } from "./shared.ts";
import css from "./start.module.css";

const SHOWN = 5;

export function RunList(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const archive = useRuns((state) => state.archive);
  const show = useView((view) => view.show);
  return (
    <section aria-labelledby="start-runs" className={css.recent}>
      <h3 id="start-runs">{RUN_LIST.title}</h3>
      <OpeningNotice />
      {runs.length === 0 ? (
        <p className={css.none}>
          {archive.kind === "loading"
            ? RUN_LIST.loading
            : archive.kind === "unavailable"
              ? RUN_LIST.unavailable(archive.failure.what)
              : RUN_LIST.empty}
        </p>
      ) : (
        <ul className={css.entries}>
          {runs.slice(0, SHOWN).map((run) => (
            <RunEntry key={run.runId} run={run} />
          ))}
        </ul>
      )}
      {runs.length > SHOWN && (
        <p className={css.more}>
          <LinkButton onClick={() => show("runs")}>{RUN_LIST.showAll(runs.length)}</LinkButton>
        </p>
      )}
    </section>
  );
}

function RunEntry({ run }: { readonly run: RunSummary }): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const busy = useRun((state) => isActive(state.run));
  const { before, after } = endsOf(run);
  const open = (): void => {
    // The run area belongs to the active run; while there is one, the list of runs shows this one, and where it cannot
    // be read why.
    void lab.run.open(run.runId).then((opened) => show(opened ? "run" : "runs"));
  };
  return (
    <li>
      <button
        type="button"
        className={css.entry}
        onClick={open}
        title={busy ? RUN_LIST.openWhileBusy : RUN_LIST.open}
        data-testid="recent-run"
      >
        <MethodMark method={run.spec.method} />
        <span className={css.entryText}>
          <span className={css.entryTitle}>
            {methodTitle(run.spec.method)}, {methodSettings(run.spec.method)}
          </span>
          <span className={css.sub}>
            {dataTitle(run.spec)}; {moment(run.endedAt)}
          </span>
        </span>
        <span className={css.entryFigure}>
          {run.ending.kind === "failed"
            ? RUN_LIST.failed
            : harmful(before?.harmful_score ?? null, after?.harmful_score ?? null)}
        </span>
      </button>
    </li>
  );
}

function harmful(before: Rate | null, after: Rate | null): JSX.Element {
  if (after === null) return <span className={css.sub}>{RUN_LIST.notMeasured}</span>;
  return (
    <>
      <span className={css.sub}>{RUN_LIST.harmful} </span>
      {before !== null && `${percent(before.percent)} → `}
      <strong>{percent(after.percent)}</strong>
    </>
  );
}

export function LinkList(): JSX.Element | null {
  const { links, remove } = useStore(openedLinks);
  const openFragment = useSpec((state) => state.openFragment);
  const show = useView((view) => view.show);
  if (links.length === 0) return null;
  return (
    <section aria-labelledby="start-links">
      <h3 id="start-links">{LINK_LIST.title}</h3>
      <ul className={css.entries}>
        {links.map(({ fragment, title, openedAt }) => (
          <li key={fragment} className={css.withTool}>
            <button
              type="button"
              className={css.entry}
              onClick={() => {
                openFragment(fragment);
                show("setup");
              }}
              data-testid="opened-link"
            >
              <span className={css.entryText}>
                <span className={css.entryTitle}>{title}</span>
                <span className={css.sub}>{moment(openedAt)}</span>
              </span>
            </button>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              aria-label={LINK_LIST.remove(title)}
              title={LINK_LIST.removeHint}
              onClick={() => remove(fragment)}
            >
              <TrashIcon />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </section>
  );
}
