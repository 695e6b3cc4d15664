/** @file Announces a new version. It never replaces files on its own: a run finishes with the files it started with. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { isActive } from "../../run/runState.ts";
import { Banner } from "../../ui/Banner.tsx";
import { useRun } from "../app/labContext.ts";
import { UPDATE } from "../copy.ts";
import { useDiagnostics, useOffline } from "./diagnosticsContext.ts";

export function UpdateBanner(): JSX.Element | null {
  const { offline } = useDiagnostics();
  const state = useOffline();
  const running = useRun(({ run }) => isActive(run));
  if (state.kind !== "ready" || state.update.kind === "none") return null;
  const { update } = state;
  const reload = (
    <Button variant="default" size="xs" loading={update.kind === "taking_over"} onClick={() => void offline.update()}>
      {UPDATE.reload}
    </Button>
  );
  return (
    <Banner tone="info" testId="update-banner" tools={running ? undefined : reload}>
      <strong>{UPDATE.title}</strong>{" "}
      {running ? UPDATE.running : update.kind === "held" ? UPDATE.otherTabs(update.tabs) : UPDATE.safe}
    </Banner>
  );
}
