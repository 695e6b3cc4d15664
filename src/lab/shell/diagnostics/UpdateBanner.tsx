/** @file Says that a new version of the lab is there. It never comes by itself: a run goes on with the files that it began with. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useRun } from "../app/labContext.ts";
import { isActive } from "../../run/runState.ts";
import { useOffline, useDiagnostics } from "./diagnosticsContext.ts";
import css from "./diagnostics.module.css";

export function UpdateBanner(): JSX.Element | null {
  const { offline } = useDiagnostics();
  const state = useOffline();
  const running = useRun(({ run }) => isActive(run));
  if (state.kind !== "ready" || state.update.kind === "none") return null;
  const { update } = state;
  return (
    <div className={css.banner} role="status" data-testid="update-banner">
      <p>
        <strong>A new version is ready.</strong>{" "}
        {running
          ? "The run goes on with the version that it began with. Reload when it has ended."
          : update.kind === "held"
            ? `${update.tabs === 1 ? "Another tab" : `${update.tabs} other tabs`} of the lab still ${update.tabs === 1 ? "uses" : "use"} the old one. Close ${update.tabs === 1 ? "it" : "them"}, then reload here.`
            : "Runs and settings stay."}
      </p>
      {!running && (
        <Button
          variant="default"
          size="xs"
          loading={update.kind === "taking_over"}
          onClick={() => void offline.update()}
        >
          Reload
        </Button>
      )}
    </div>
  );
}
