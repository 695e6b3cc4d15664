/** @file What the run under way should say of its keeping: a device that was lost, checkpoints that cannot be kept. */
import type { JSX } from "react";
import { useKeep } from "../shell/app/labContext.ts";
import { isActive, type RunState } from "../run/runState.ts";
import { count } from "../support/format.ts";
import css from "./recovery.module.css";

export function RecoveryNotices({ run }: { readonly run: Exclude<RunState, { kind: "idle" }> }): JSX.Element | null {
  const saved = useKeep((state) => state.saved);
  const trouble = useKeep((state) => state.trouble);
  const { returned, resumedFrom, steps } = run.log;
  if (!isActive(run)) return null;
  const next =
    saved.kind === "failed" && saved.point !== null
      ? saved.point.stage === "training" && saved.point.step > 0
        ? `goes on from step ${count(saved.point.step)}`
        : "goes on from an earlier checkpoint"
      : "begins again";
  return (
    <>
      {returned !== undefined && (
        <p className={css.notice} role="status" data-testid="returned">
          The GPU was lost{returned.lastStep > 0 && ` after step ${count(returned.lastStep)}`} and is open again. The
          run goes on by itself
          {returned.from === null || returned.from === 0 ? " from the beginning" : ` from step ${count(returned.from)}`}
          ; its result is that of a run that was never interrupted.
        </p>
      )}
      {resumedFrom !== undefined && steps.length === 0 && returned === undefined && (
        <p className={css.notice} role="status">
          It goes on {resumedFrom === 0 ? "from its beginning" : `from step ${count(resumedFrom)}`}, as soon as the
          models are back on the GPU.
        </p>
      )}
      {trouble !== null ? (
        <p className={css.notice} data-tone="warn" role="status" data-testid="not-kept">
          Nothing of this run can be kept while it is under way: {trouble}. The run goes on; if this tab closes, it is
          lost.
        </p>
      ) : (
        saved.kind === "failed" && (
          <p className={css.notice} data-tone="warn" role="status" data-testid="not-kept">
            No checkpoint can be kept: {saved.why}. The run goes on; if this tab closes, it {next}.
          </p>
        )
      )}
    </>
  );
}
