/** @file Progress of the table's runs, with buttons to start, pause and resume them. */
import { Button } from "@mantine/core";
import { useMemo, useState, type JSX } from "react";
import { countStates } from "../../experiment/table/queue.ts";
import { isActive } from "../run/runState.ts";
import { useDevice, useLab, useRun, useTable } from "../shell/app/labContext.ts";
import { duration } from "../support/format.ts";
import { PauseIcon, PlayIcon } from "../ui/icons.tsx";
import { useReason } from "../ui/Reason.tsx";
import { QUEUE, TABLE } from "./copy.ts";
import type { TablePlan } from "./tableStore.ts";
import css from "./table.module.css";

export function QueueLine({ plan }: { readonly plan: Extract<TablePlan, { kind: "ready" }> }): JSX.Element {
  const { cells, states } = plan;
  const queue = useTable((state) => state.queue);
  const counts = countStates(cells, states);
  const runs = counts.waiting + counts.running + counts.finished + counts.failed;
  const left = counts.waiting + counts.running;
  /** Mean duration of the finished runs in seconds; null before the first. */
  const each = useMemo(() => {
    const seconds = [...states.values()].flatMap((state) => (state.kind === "finished" ? [state.outcome.seconds] : []));
    return seconds.length === 0 ? null : seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
  }, [states]);
  const running = queue.kind === "running";
  return (
    <div
      className={css.queue}
      data-testid="table-queue"
      data-state={running && queue.pausing ? "pausing" : queue.kind === "idle" && left === 0 ? "done" : queue.kind}
    >
      <p role="status">
        <strong>{QUEUE.runs(counts.finished, runs)}</strong>
        {QUEUE.finished}
        {counts.failed > 0 && QUEUE.failed(counts.failed)}
        {each !== null && left > 0 && QUEUE.left(duration(1000 * each * left))}
        {running && queue.pausing && QUEUE.pausing}
        {queue.kind === "elsewhere" && QUEUE.elsewhere}
      </p>
      <div className={css.tools}>
        {running && <RunningTools pausing={queue.pausing} />}
        {queue.kind === "idle" && <IdleTools left={left} finished={counts.finished} failed={counts.failed} />}
      </div>
    </div>
  );
}

interface IdleToolsProps {
  readonly left: number;
  readonly finished: number;
  readonly failed: number;
}

function IdleTools({ left, finished, failed }: IdleToolsProps): JSX.Element {
  const lab = useLab();
  const busy = useRun(({ run }) => isActive(run));
  const device = useDevice();
  const reason = useReason(busy ? TABLE.runActive : device.kind === "missing" ? device.failure.what : null);
  return (
    <>
      {left > 0 && (
        <Button
          size="xs"
          leftSection={<PlayIcon />}
          disabled={reason.text !== null}
          aria-describedby={reason.describedBy}
          onClick={() => void lab.table.start()}
        >
          {finished > 0 ? QUEUE.resume : QUEUE.start}
        </Button>
      )}
      {left > 0 && reason.text}
      {failed > 0 && (
        <Button size="xs" variant="default" onClick={() => lab.table.retry()}>
          {QUEUE.retry}
        </Button>
      )}
    </>
  );
}

function RunningTools({ pausing }: { readonly pausing: boolean }): JSX.Element {
  const lab = useLab();
  const [stopping, setStopping] = useState(false);
  return (
    <>
      {pausing ? (
        <Button size="xs" variant="default" leftSection={<PlayIcon />} onClick={() => lab.table.unpause()}>
          {QUEUE.cancelPause}
        </Button>
      ) : (
        <Button size="xs" variant="default" leftSection={<PauseIcon />} onClick={() => lab.table.pause()}>
          {QUEUE.pause}
        </Button>
      )}
      <Button
        size="xs"
        variant="default"
        loading={stopping && pausing}
        onClick={() => {
          setStopping(true);
          lab.table.pause();
          lab.run.stop();
        }}
        title={QUEUE.pauseNowHint}
      >
        {QUEUE.pauseNow}
      </Button>
    </>
  );
}
