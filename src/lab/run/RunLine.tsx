/** @file The line under the tabs while a run is under way, in every area: phase, step, time left, pause and stop. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useRecovery, useLab, useRun } from "../shell/app/labContext.ts";
import { AskOnce } from "../recovery/AskOnce.tsx";
import { isSavedAt } from "../recovery/recovery.ts";
import { PauseIcon, PlayIcon, StopIcon, TrashIcon } from "../ui/icons.tsx";
import { count, duration, significant } from "../support/format.ts";
import { transferText } from "../setup/models/Transfers.tsx";
import { PHASES } from "./labels.ts";
import { progressOf, stageLeft, timeLeft } from "./pace.ts";
import { stepSignature } from "./runStore.ts";
import { isActive, tokensPerSecond, type ActiveRunState } from "./runState.ts";
import css from "./run.module.css";

export function RunLine(): JSX.Element | null {
  const lab = useLab();
  const run = useRun((state) => state.run);
  const saved = useRecovery((state) => state.saved);
  const pace = useRun((state) => state.pace);
  const measured = useRun((state) => state.measured);
  if (!isActive(run)) return null;
  const { log, asked } = run;
  const total = log.plan?.totalSteps ?? null;
  const last = log.steps.at(-1);
  const left = timeLeft(pace, run, measured?.signature === stepSignature(log.spec) ? measured.ms : null);
  const progress = progressOf(run);
  const hereLeft = run.kind === "working" ? stageLeft(pace) : null;
  const incoming = run.kind === "working" ? transferText(run.transfers) : null;
  // What an earlier visit trained is kept by a stop, too.
  const early = log.steps.length === 0 && (log.resumedFrom ?? 0) === 0;
  return (
    <div className={css.line} data-testid="run-line" data-state={run.kind}>
      <div className={css.lineText}>
        <span className={css.phase}>{phaseText(run)}</span>
        {incoming !== null && <span className={css.lineFigure}>{incoming}</span>}
        {total !== null && log.steps.length > 0 && (
          <span className={css.lineFigure}>
            step {count(log.steps.length)} of {count(total)}
          </span>
        )}
        {run.kind === "paused" && isSavedAt(saved, run.step) && (
          <span className={css.lineFigure}>kept: this tab may be closed</span>
        )}
        {run.kind !== "paused" && left !== null && (
          <span
            className={css.lineFigure}
            title={`Training ${duration(left.training)}, evaluation after it ${duration(left.after)}`}
          >
            {duration(left.total)} left
          </span>
        )}
        {left === null && incoming === null && hereLeft !== null && (
          <span className={css.lineFigure}>{duration(hereLeft)} of this left</span>
        )}
        {last !== undefined && (
          <span className={`${css.lineFigure} ${css.wideOnly}`}>
            cross-entropy {significant(last.ce)}, {count(tokensPerSecond(last))} tokens/s
          </span>
        )}
      </div>
      <div className={css.lineTools}>
        {run.kind === "paused" ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<PlayIcon />}
            onClick={() => lab.resume()}
            loading={asked === "resume"}
          >
            Resume
          </Button>
        ) : (
          <Button
            size="xs"
            variant="default"
            leftSection={<PauseIcon />}
            onClick={() => lab.pause()}
            loading={asked === "pause"}
            disabled={run.kind !== "training"}
          >
            Pause
          </Button>
        )}
        <Button
          size="xs"
          variant="default"
          leftSection={<StopIcon />}
          onClick={() => lab.stop()}
          loading={asked === "stop"}
          title={
            early ? "Ends the run; nothing has been trained yet" : "Ends the run and keeps the adapter as it stands"
          }
        >
          {early ? "Cancel" : "Stop and keep"}
        </Button>
        {!early && (
          <AskOnce
            label="Discard"
            ariaLabel="Stop and discard"
            title="Ends the run at once; nothing of it is kept"
            icon={<TrashIcon />}
            question="Nothing of it is kept."
            yes="Discard the run"
            no="Go on with it"
            loading={asked === "discard"}
            onYes={() => lab.discard()}
          />
        )}
      </div>
      <div
        className={css.bar}
        role="progressbar"
        aria-label="Progress"
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
      return "Starting";
    case "working":
      return run.detail === null ? PHASES[run.phase] : `${PHASES[run.phase]}: ${run.detail}`;
    case "training":
      return run.asked === "pause"
        ? "Pausing after this step"
        : run.asked === "stop" || run.asked === "discard"
          ? "Stopping after this step"
          : "Training";
    case "paused":
      return `Paused after step ${run.step}`;
  }
}
