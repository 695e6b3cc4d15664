/** @file Where the time of a training step goes on this device, operator by operator: what `basin bench --profile` prints, for its smallest model. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import type { RunFailure } from "../../experiment/events.ts";
import { useLab, useRun } from "../app/labContext.ts";
import { FailurePanel } from "../parts/FailurePanel.tsx";
import { isActive } from "../run/runState.ts";
import { percent } from "../support/format.ts";
import { toFailure } from "../support/failure.ts";
import type { DeviceProfile } from "../worker/deviceReport.ts";
import css from "./site.module.css";

/** Operators that are listed; the others are summed up. */
const SHOWN = 10;

type Profiling = { readonly kind: "none" } | { readonly kind: "measuring" } | { readonly kind: "done"; readonly profile: DeviceProfile } | { readonly kind: "failed"; readonly failure: RunFailure };

/** @param possible whether the device has timestamps */
export function ProfilePart({ possible }: { readonly possible: boolean }): JSX.Element {
  const lab = useLab();
  const running = useRun(({ run }) => isActive(run));
  const [state, setState] = useState<Profiling>({ kind: "none" });
  const measure = async (): Promise<void> => {
    setState({ kind: "measuring" });
    try {
      const { profile } = await lab.deviceReport("profile");
      if (profile !== null) setState({ kind: "done", profile });
    } catch (error) {
      setState({ kind: "failed", failure: toFailure(error, "device") });
    }
  };
  return (
    <div className={css.check} data-testid="profile">
      <Button variant="default" size="xs" loading={state.kind === "measuring"} disabled={running || !possible} onClick={() => void measure()}>
        Measure where the time goes
      </Button>
      {!possible && <span className={css.figures}> this device gives no timestamps</span>}
      {possible && running && <span className={css.figures}> when the run has ended</span>}
      <div role="status">{state.kind === "done" && <ProfileTable profile={state.profile} />}</div>
      {state.kind === "failed" && <FailurePanel failure={state.failure} title="The profile could not be made" />}
    </div>
  );
}

function ProfileTable({ profile: { size, tokens, stepMs, sumMs, dispatches, rows } }: { readonly profile: DeviceProfile }): JSX.Element {
  const shown = rows.slice(0, SHOWN);
  const rest = rows.slice(SHOWN);
  return (
    <>
      <p className={css.quiet}>
        An AsFT step of a model of {size}, {tokens} tokens: {dispatches} dispatches take {sumMs.toFixed(1)} ms by the device’s own clock, the step as in training {stepMs.toFixed(1)} ms.
      </p>
      <table className={css.profile}>
        <thead>
          <tr>
            <th scope="col">Operator</th>
            <th scope="col">Shape</th>
            <th scope="col">Times</th>
            <th scope="col">ms</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ operator, shape, count, ms, share }) => (
            <tr key={`${operator} ${shape} ${ms}`}>
              <th scope="row">{operator}</th>
              <td>{shape}</td>
              <td>{count}</td>
              <td>{ms.toFixed(2)}</td>
              <td>{percent(100 * share)}</td>
            </tr>
          ))}
          {rest.length > 0 && (
            <tr>
              <th scope="row">{rest.length} others</th>
              <td />
              <td>{rest.reduce((sum, row) => sum + row.count, 0)}</td>
              <td>{rest.reduce((sum, row) => sum + row.ms, 0).toFixed(2)}</td>
              <td>{percent(100 * rest.reduce((sum, row) => sum + row.share, 0))}</td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}
