/** @file What the run under way should say of its keeping: a device that was lost, checkpoints that cannot be kept. */
import type { JSX } from "react";
import { useKeep } from "../app/labContext.ts";
import { isActive, type RunState } from "../run/runState.ts";
import { count } from "../support/format.ts";
import css from "./keep.module.css";

export function KeepNotices({ run }: { readonly run: Exclude<RunState, { kind: "idle" }> }): JSX.Element | null {
  const saved = useKeep((state) => state.saved);
  const trouble = useKeep((state) => state.trouble);
  const { returned } = run.log;
  if (!isActive(run)) return null;
  const why = trouble !== null ? trouble.what : saved.kind === "failed" ? saved.why : null;
  return (
    <>
      {returned !== undefined && (
        <p className={css.notice} role="status" data-testid="returned">
          The GPU was lost{returned.lastStep > 0 && ` after step ${count(returned.lastStep)}`} and is open again. The run goes on by itself{returned.from === null || returned.from === 0 ? " from the beginning" : ` from step ${count(returned.from)}`}; its result is that of a run that was
          never interrupted.
        </p>
      )}
      {why !== null && (
        <p className={css.notice} data-tone="warn" role="status" data-testid="not-kept">
          No checkpoint can be kept: {why}. The run goes on; if this tab closes, it {saved.kind === "failed" && saved.point !== null ? `goes on from step ${count(saved.point.step)}` : "begins again"}.
        </p>
      )}
    </>
  );
}
