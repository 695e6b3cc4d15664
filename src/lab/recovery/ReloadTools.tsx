/** @file The button that reloads the page for a new version, and what a run under way makes of it. */
import { Button } from "@mantine/core";
import { type JSX } from "react";
import { useStore } from "zustand";
import { useLab, useRecovery, useRun, useTable } from "../shell/app/labContext.ts";
import { RELOAD } from "./copy.ts";
import type { Reload } from "./reloadController.ts";
import { reloadOffer, type ReloadOffer } from "./reloadStore.ts";

/** @param basin version of Basin that the reload leads to; null where it is not known */
export function useReloadOffer(basin: string | null): ReloadOffer {
  const run = useRun((state) => state.run);
  const saved = useRecovery((state) => state.saved);
  const queue = useTable((state) => state.queue.kind);
  return reloadOffer({ run, saved, queue, sameBasin: basin === __BASIN_VERSION__ });
}

interface ReloadButtonProps {
  readonly offer: ReloadOffer;
  readonly reload: Reload;
  readonly loading?: boolean;
}

/** Nothing where the reload has to wait. */
export function ReloadButton({ offer, reload, loading = false }: ReloadButtonProps): JSX.Element | null {
  const lab = useLab();
  const { kind } = useStore(lab.reload.store);
  const isBusy = kind === "pausing" || kind === "reloading";
  if (offer.kind === "later" && !isBusy) return null;
  const press = (): void => {
    if (offer.kind === "pause_first") void lab.reload.pauseAndReload(reload);
    else void reload();
  };
  return (
    <Button variant="default" size="xs" loading={loading || isBusy} onClick={press}>
      {offer.kind === "pause_first" ? RELOAD.pauseFirst : RELOAD.now}
    </Button>
  );
}

/** What the run under way means for the reload; nothing where none is. */
export function ReloadText({ offer }: { readonly offer: ReloadOffer }): JSX.Element | null {
  const lab = useLab();
  const state = useStore(lab.reload.store);
  if (state.kind === "pausing" || state.kind === "reloading") return <> {RELOAD.states[state.kind]}</>;
  const text = textOf(offer);
  return (
    <>
      {state.kind === "failed" && offer.kind !== "now" && <> {RELOAD.failed(state.why)}</>}
      {text !== null && <> {text}</>}
    </>
  );
}

function textOf(offer: ReloadOffer): string | null {
  switch (offer.kind) {
    case "now":
      return null;
    case "paused":
      return RELOAD.paused;
    case "pause_first":
      return RELOAD.pauseText;
    case "later":
      return RELOAD.later[offer.why];
  }
}
