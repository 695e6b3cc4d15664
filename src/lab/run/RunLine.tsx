/** @file The line under the tabs while a run is in progress, in every area: phase, step, time left, pause and stop. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useRecovery, useLab, useRun } from "../shell/app/labContext.ts";
import { AskOnce } from "../recovery/AskOnce.tsx";
import { isSavedAt } from "../recovery/recoveryStore.ts";
import { PauseIcon, PlayIcon, StopIcon, TrashIcon } from "../ui/icons.tsx";
import { count, duration, significant } from "../support/format.ts";
import { useReason } from "../ui/Reason.tsx";
import { transferText } from "../setup/models/Transfers.tsx";
import { PHASES, RUN_LINE } from "./copy.ts";
import { progressOf, stageLeft, timeLeft } from "./pace.ts";
import { stepSignature } from "./runStore.ts";
import { canPause, isActive, type ActiveRunState } from "./runState.ts";
import { tokensPerSecond } from "./runLog.ts";
import css from "./run.module.css";

export function RunLine(): JSX.Element | null {
  const lab = useLab();
  const run = useRun((state) => state.run);
  const saved = useRecovery((state) => state.saved);
  const pace = useRun((state) => state.pace);
  const measured = useRun((state) => state.measured);
  const tooLate = isActive(run) && run.kind !== "paused" && !canPause(run);
  const pause = useReason(tooLate ? RUN_LINE.pauseTooLate : null, { quiet: true });
  if (!isActive(run)) return null;
  const { log, pendingCommand } = run;
  const total = log.plan?.totalSteps ?? null;
  const last = log.steps.at(-1);
  const left = timeLeft(pace, run, measured?.signature === stepSignature(log.spec) ? measured.ms : null);
  const progress = progressOf(run);
  const hereLeft = run.kind === "working" ? stageLeft(pace) : null;
  const incoming = run.kind === "working" ? transferText(run.transfers) : null;
  // After a resume there is an adapter to save, even before the next step.
  const early = log.steps.length === 0 && (log.resumedFrom ?? 0) === 0;
  return (
    <div className={css.line} data-testid="run-line" data-state={run.kind}>
      <div className={css.lineText}>
        <span className={css.phase}>{phaseText(run)}</span>
        {incoming !== null && <span className={css.lineFigure}>{incoming}</span>}
        {total !== null && log.steps.length > 0 && (
          <span className={css.lineFigure}>{RUN_LINE.stepOf(log.steps.length, total)}</span>
        )}
        {run.kind === "paused" && isSavedAt(saved, run.step) && (
          <span className={css.lineFigure}>{RUN_LINE.saved}</span>
        )}
        {run.kind !== "paused" && left !== null && (
          <span className={css.lineFigure} title={RUN_LINE.leftHint(duration(left.training), duration(left.after))}>
            {RUN_LINE.left(duration(left.total))}
          </span>
        )}
        {left === null && incoming === null && hereLeft !== null && (
          <span className={css.lineFigure}>{RUN_LINE.stageLeft(duration(hereLeft))}</span>
        )}
        {last !== undefined && (
          <span className={`${css.lineFigure} ${css.wideOnly}`}>
            {RUN_LINE.speed(significant(last.ce), count(tokensPerSecond(last)))}
          </span>
        )}
      </div>
      <div className={css.lineTools}>
        {run.kind === "paused" ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<PlayIcon />}
            onClick={() => lab.run.resume()}
            loading={pendingCommand === "resume"}
          >
            {RUN_LINE.resume}
          </Button>
        ) : (
          <Button
            size="xs"
            variant="default"
            leftSection={<PauseIcon />}
            onClick={() => lab.run.pause()}
            loading={pendingCommand === "pause"}
            disabled={!canPause(run)}
            aria-describedby={pause.describedBy}
            title={run.kind === "training" || tooLate ? undefined : RUN_LINE.pauseHint}
          >
            {RUN_LINE.pause}
          </Button>
        )}
        {pause.text}
        <Button
          size="xs"
          variant="default"
          leftSection={<StopIcon />}
          onClick={() => lab.run.stop()}
          loading={pendingCommand === "stop"}
          title={early ? RUN_LINE.cancelHint : RUN_LINE.stopHint}
        >
          {early ? RUN_LINE.cancel : RUN_LINE.stop}
        </Button>
        {!early && (
          <AskOnce
            label={RUN_LINE.discard}
            ariaLabel={RUN_LINE.discardLabel}
            title={RUN_LINE.discardHint}
            icon={<TrashIcon />}
            words={{ question: RUN_LINE.discardQuestion, yes: RUN_LINE.discardYes, no: RUN_LINE.discardNo }}
            loading={pendingCommand === "discard"}
            onYes={() => lab.run.discard()}
          />
        )}
      </div>
      <div
        className={css.bar}
        role="progressbar"
        aria-label={RUN_LINE.progress}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(progress === null ? {} : { "aria-valuenow": Math.round(100 * progress) })}
      >
        <div
          className={css.fill}
          data-indeterminate={progress === null}
          style={progress === null ? {} : { width: `${100 * progress}%` }}
        />
      </div>
    </div>
  );
}

function phaseText(run: ActiveRunState): string {
  switch (run.kind) {
    case "starting":
      return RUN_LINE.starting;
    case "working":
      return run.detail === null ? PHASES[run.phase] : RUN_LINE.phaseDetail(PHASES[run.phase], run.detail);
    case "training":
      return run.pendingCommand === "pause"
        ? RUN_LINE.pausing
        : run.pendingCommand === "stop" || run.pendingCommand === "discard"
          ? RUN_LINE.stopping
          : PHASES.training;
    case "paused":
      return RUN_LINE.pausedAfter(run.step);
  }
}
