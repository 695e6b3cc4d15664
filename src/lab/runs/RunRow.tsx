/** @file A row of the runs table: settings, scores, actions. */
import { ActionIcon, Checkbox, Tooltip } from "@mantine/core";
import { useMemo, type JSX } from "react";
import { useLab, useRun, useRuns, useSpec, useView } from "../shell/app/labContext.ts";
import { ChatIcon, PenIcon, PlayIcon, TrashIcon, UndoIcon } from "../ui/icons.tsx";
import { useReason } from "../ui/Reason.tsx";
import { MethodMark } from "../ui/MethodMark.tsx";
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { scoresOf } from "../run/scoreList.ts";
import { ShareButton } from "./share/ShareButton.tsx";
import { count, duration, moment, setting } from "../support/format.ts";
import { CHANGES, RUNS, TABLE } from "./copy.ts";
import { changesText } from "./runChanges.ts";
import { runName } from "./runName.ts";
import { FULL_ID } from "./selectionFull.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import { Tags } from "./RunNotes.tsx";
import { RateCell, TaskCell } from "./ScoreCells.tsx";
import type { RunSummary } from "./runSummary.ts";
import { endsOf } from "./storedRun.ts";
import { runTitle } from "./runTitle.ts";
import css from "./runs.module.css";

interface RowProps {
  readonly run: RunSummary;
  /** The run before it in the history; null for the oldest. */
  readonly before: RunSummary | null;
  readonly opened: boolean;
  readonly onAnswers: () => void;
  /** Opens and closes the row that edits tags and note. */
  readonly onEdit: () => void;
}

export function RunRow({ run, before: earlier, opened, onAnswers, onEdit }: RowProps): JSX.Element {
  const selected = useRuns((state) => state.selected.has(run.runId));
  const unsaved = useRuns((state) => state.unsaved.get(run.runId));
  const full = useRuns((state) => state.selected.size >= MAX_SELECTED);
  const toggle = useRuns((state) => state.toggleSelected);
  const { spec, ending } = run;
  const { before, after } = endsOf(run);
  const changes = useMemo(() => (earlier === null ? null : changesText(run, earlier)), [run, earlier]);
  const [harmful, task, benign] = scoresOf(spec, run.evaluations);
  return (
    <tr data-selected={selected} data-testid="run-row" role="row">
      <td role="cell">
        <Checkbox
          size="xs"
          checked={selected}
          disabled={!selected && full}
          aria-describedby={!selected && full ? FULL_ID : undefined}
          onChange={() => toggle(run.runId)}
          aria-label={TABLE.selectRun(runTitle(run))}
        />
      </td>
      <td role="cell">
        <span className={css.method}>
          <MethodMark method={spec.method} />
          {methodTitle(spec.method)}
        </span>
        <span className={css.sub}>{methodSettings(spec.method)}</span>
        <span className={css.name} title={CHANGES.nameHint(run.runId)}>
          {runName(run.runId)}
        </span>
        {unsaved !== undefined && (
          <span className={css.unsaved} title={RUNS.unsaved(unsaved.what)} data-testid="row-unsaved">
            {TABLE.unsaved}
          </span>
        )}
        <Tags run={run} />
        {run.note !== undefined && run.note !== "" && <span className={css.note}>{run.note}</span>}
      </td>
      <td role="cell" data-label={TABLE.columns.data} className={css.data}>
        <span>
          {dataTitle(spec)}
          <span className={css.sub}>
            {TABLE.settings(spec.lora.r, setting(spec.train.learning_rate), spec.train.seed)}
          </span>
          {changes !== null && (
            <span className={css.changes} data-testid="run-changes">
              {changes}
            </span>
          )}
        </span>
      </td>
      <RateCell
        label={TABLE.columns.harmful}
        before={before?.harmful_score ?? null}
        after={after?.harmful_score ?? null}
        color="--unaligned"
        absent={harmful?.absent ?? null}
        overruled={run.overridden}
      />
      <TaskCell score={task} before={before} after={after} />
      <RateCell
        label={TABLE.columns.benign}
        before={before?.benign_compliance ?? null}
        after={after?.benign_compliance ?? null}
        color="--tuned"
        absent={benign?.absent ?? null}
      />
      <td role="cell" className={css.num} data-label={TABLE.columns.steps}>
        <span>
          {count(run.steps.count)}
          <span className={css.sub}>
            {ending.kind === "failed"
              ? TABLE.failed
              : ending.report.outcome === "stopped"
                ? TABLE.stopped
                : duration(1000 * ending.report.wall_time_s)}
          </span>
        </span>
      </td>
      <td role="cell" data-label={TABLE.columns.ended}>
        <span>
          {moment(run.endedAt)}
          {ending.kind === "finished" ? (
            <span className={`${css.sub} ${css.device}`} title={ending.report.device}>
              {ending.report.device}
            </span>
          ) : (
            <span className={css.sub}>{ending.failure.what}</span>
          )}
        </span>
      </td>
      <td role="cell">
        <Actions run={run} opened={opened} onAnswers={onAnswers} onEdit={onEdit} />
      </td>
    </tr>
  );
}

function Actions({ run, opened, onAnswers, onEdit }: Omit<RowProps, "before">): JSX.Element {
  const lab = useLab();
  const { history } = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const busy = useRun((state) => isActive(state.run));
  const copySettings = (): void => {
    replace(lab.codec.toDraft(run.spec), { kind: "run", runId: run.runId });
    show("setup");
  };
  return (
    <div className={css.actions}>
      <Action
        label={TABLE.open}
        reason={busy ? TABLE.openWhileBusy : null}
        onClick={() => void lab.run.open(run.runId).then((opened) => opened && show("run"))}
      >
        <PlayIcon />
      </Action>
      <Action
        label={opened ? TABLE.hideAnswers : TABLE.showAnswers}
        reason={run.hasAnswers ? null : TABLE.noAnswers}
        onClick={onAnswers}
      >
        <ChatIcon />
      </Action>
      <ShareButton runId={run.runId} small />
      <Action label={TABLE.copySettings} onClick={copySettings}>
        <UndoIcon />
      </Action>
      <Action label={TABLE.edit} onClick={onEdit}>
        <PenIcon />
      </Action>
      <Action label={TABLE.delete} onClick={() => void history.remove(run.runId)}>
        <TrashIcon />
      </Action>
    </div>
  );
}

function Action({
  label,
  onClick,
  reason = null,
  children,
}: {
  readonly label: string;
  readonly onClick: () => void;
  /** Why it cannot be used: it then keeps its place in the order of focus, so that the reason can be read. */
  readonly reason?: string | null;
  readonly children: JSX.Element;
}): JSX.Element {
  const why = useReason(reason, { quiet: true });
  return (
    <>
      <Tooltip label={reason ?? label}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={28}
          aria-label={label}
          aria-describedby={why.describedBy}
          {...(reason === null ? { onClick } : { "data-disabled": true, "aria-disabled": true })}
        >
          {children}
        </ActionIcon>
      </Tooltip>
      {why.text}
    </>
  );
}
