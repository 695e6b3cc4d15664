/** @file Where the time of a training step goes on this device, operator by operator: what `basin bench --profile` prints, for its smallest model. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { useLab, useRun } from "../app/labContext.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { isActive } from "../../run/runState.ts";
import { toFailure } from "../../support/failure.ts";
import type { DeviceProfile } from "../../worker/deviceReport.ts";
import { ProfileTable } from "./ProfileTable.tsx";
import css from "./diagnostics.module.css";

type Profiling =
  | { readonly kind: "none" }
  | { readonly kind: "measuring" }
  | { readonly kind: "done"; readonly profile: DeviceProfile }
  | { readonly kind: "failed"; readonly failure: RunFailure };

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
      <Button
        variant="default"
        size="xs"
        loading={state.kind === "measuring"}
        disabled={running || !possible}
        onClick={() => void measure()}
      >
        Measure where the time goes
      </Button>
      {!possible && <span className={css.figures}> this device gives no timestamps</span>}
      {possible && running && <span className={css.figures}> when the run has ended</span>}
      <div role="status">{state.kind === "done" && <ProfileTable profile={state.profile} />}</div>
      {state.kind === "failed" && <FailurePanel failure={state.failure} title="The profile could not be made" />}
    </div>
  );
}
