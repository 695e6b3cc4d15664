/** @file Announces a new version. It never replaces files on its own: a run finishes with the files it started with. */
import type { JSX } from "react";
import { ReloadButton, ReloadText, useReloadOffer } from "../../recovery/ReloadTools.tsx";
import { Banner } from "../../ui/Banner.tsx";
import { UPDATE } from "../copy.ts";
import { useDiagnostics, useOffline } from "./diagnosticsContext.ts";

export function UpdateBanner(): JSX.Element | null {
  const { offline } = useDiagnostics();
  const state = useOffline();
  const update = state.kind === "ready" ? state.update : null;
  const offer = useReloadOffer(update?.kind === "waiting" ? update.basin : null);
  if (update === null || update.kind === "none") return null;
  const tools = <ReloadButton offer={offer} reload={() => offline.update()} loading={update.kind === "taking_over"} />;
  return (
    <Banner tone="info" testId="update-banner" tools={tools}>
      <strong>{UPDATE.title}</strong>
      {update.kind === "held" ? ` ${UPDATE.otherTabs(update.tabs)}` : offer.kind === "now" ? ` ${UPDATE.safe}` : ""}
      <ReloadText offer={offer} />
    </Banner>
  );
}
