/** @file One run of the table: what it was, what came out, what one can do with it. */
import { ActionIcon, Checkbox, Tooltip } from "@mantine/core";
import type { JSX } from "react";
import { overriddenScore } from "./answers/answerList.ts";
import { useLab, useRun, useRuns, useSpec } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { ChatIcon, PenIcon, PlayIcon, TrashIcon, UndoIcon } from "../ui/icons.tsx";
import { MethodMark } from "../ui/MethodMark.tsx";
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { scoresOf } from "../run/scoreList.ts";
import { ShareButton } from "./share/ShareButton.tsx";
import { count, duration, moment, setting } from "../support/format.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import { Tags } from "./RunWords.tsx";
import { RateCell, TaskCell } from "./ScoreCells.tsx";
import { endsOf, type StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

interface RowProps {
  readonly run: StoredRun;
  readonly opened: boolean;
  readonly onAnswers: () => void;
  /** Opens and closes the row in which tags and note are written. */
  readonly onWords: () => void;
}

/** "AsFT, λ 1, seed 0" */
export function runTitle({ spec: { method, train } }: StoredRun): string {
  return `${methodTitle(method)}, ${methodSettings(method)}, seed ${train.seed}`;
}

export function RunRow({ run, opened, onAnswers, onWords }: RowProps): JSX.Element {
  const lab = useLab();
  const selected = useRuns((state) => state.selected.has(run.runId));
  const full = useRuns((state) => state.selected.size >= MAX_SELECTED);
  const toggle = useRuns((state) => state.toggleSelected);
  const remove = useRuns((state) => state.remove);
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const busy = useRun((state) => isActive(state.run));
  const { spec, ending } = run;
  const { before, after } = endsOf(run);
  const [harmful, task, benign] = scoresOf(spec, run.evaluations);
  return (
    <tr data-selected={selected} data-testid="run-row">
      <td>
        <Checkbox
          size="xs"
          checked={selected}
          disabled={!selected && full}
          onChange={() => toggle(run.runId)}
          aria-label={`Tick ${runTitle(run)}: show and compare it`}
        />
      </td>
      <td>
        <span className={css.method}>
          <MethodMark method={spec.method} />
          {methodTitle(spec.method)}
        </span>
        <span className={css.sub}>{methodSettings(spec.method)}</span>
        <Tags run={run} />
        {run.note !== undefined && run.note !== "" && <span className={css.note}>{run.note}</span>}
      </td>
      <td data-label="Data" className={css.data}>
        <span>
          {dataTitle(spec)}
          <span className={css.sub}>
            r {spec.lora.r}, lr {setting(spec.train.learning_rate)}, seed {spec.train.seed}
          </span>
        </span>
      </td>
      <RateCell
        label="Harmful score"
        before={before?.harmful_score ?? null}
        after={after?.harmful_score ?? null}
        color="--unaligned"
        absent={harmful?.absent ?? null}
        overruled={overriddenScore(
          run.answers?.find(({ when }) => when === "after"),
          run.overrides ?? {},
        )}
      />
      <TaskCell score={task} before={before} after={after} />
      <RateCell
        label="Harmless answered"
        before={before?.benign_compliance ?? null}
        after={after?.benign_compliance ?? null}
        color="--tuned"
        absent={benign?.absent ?? null}
      />
      <td className={css.num} data-label="Steps">
        <span>
          {count(run.steps.length)}
          <span className={css.sub}>
            {ending.kind === "failed"
              ? "failed"
              : ending.report.outcome === "stopped"
                ? "stopped"
                : duration(1000 * ending.report.wall_time_s)}
          </span>
        </span>
      </td>
      <td data-label="When and where">
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
      <td>
        <div className={css.actions}>
          <Action
            label="Open the run: curves, modules, samples"
            disabled={busy}
            onClick={() => lab.open(run.runId) && show("run")}
          >
            <PlayIcon />
          </Action>
          <Action
            label={
              (run.answers ?? []).length === 0
                ? "No answers were kept"
                : opened
                  ? "Close its answers"
                  : "Look at its answers"
            }
            disabled={(run.answers ?? []).length === 0}
            onClick={onAnswers}
          >
            <ChatIcon />
          </Action>
          <ShareButton runId={run.runId} small />
          <Action
            label="Take these settings into Setup"
            onClick={() => {
              replace(lab.codec.toDraft(spec), { kind: "run", runId: run.runId });
              show("setup");
            }}
          >
            <UndoIcon />
          </Action>
          <Action label="Tags and a note" onClick={onWords}>
            <PenIcon />
          </Action>
          <Action label="Delete this run" onClick={() => void remove(run.runId)}>
            <TrashIcon />
          </Action>
        </div>
      </td>
    </tr>
  );
}

function Action({
  label,
  onClick,
  disabled = false,
  children,
}: {
  readonly label: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly children: JSX.Element;
}): JSX.Element {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size={28} aria-label={label} onClick={onClick} disabled={disabled}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
