/**
 * @file Keeps the URL in sync with the experiment and the page of Learn, in both directions.
 *
 * Every valid change is written to the fragment (replacing the history entry, so that Back leaves the page as usual),
 * so that a reload or a bookmark restores the settings. A link that could not be opened stays in the URL until the
 * settings change, so that it can be copied.
 */
import type { StoreApi } from "zustand";
import { linkWithReceived, type ReceivedStore } from "../../runs/share/receivedStore.ts";
import { joinFragment, splitFragment } from "../../learn/pages.ts";
import type { SpecCodec, SpecStore } from "../../setup/specStore.ts";
import type { ViewState } from "./viewStore.ts";

const WRITE_AFTER_MS = 300;

/** @param heard called when a link is opened, and when the lab itself writes the URL */
export function followAddress(
  store: SpecStore,
  codec: SpecCodec,
  view: StoreApi<ViewState>,
  received: ReceivedStore,
  heard: { readonly opened: (fragment: string) => void; readonly wrote: (fragment: string) => void },
): void {
  let written = location.hash;
  /** The experiment's part of the URL, as last opened or written. */
  let experiment = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    const parts = splitFragment(location.hash.slice(1));
    if (parts.page !== null) view.getState().learn(parts.page);
    else if (view.getState().area === "learn") view.getState().show(parts.experiment === "" ? "start" : "setup");
    if (parts.experiment === "") return;
    experiment = parts.experiment;
    if (view.getState().area === "start") view.getState().show("setup");
    if (store.getState().openFragment(experiment) !== "opened") return;
    heard.opened(experiment);
    const { check } = store.getState();
    if (check.kind === "invalid") return;
    received.getState().open(experiment, check.spec);
    // The Run area shows the received results.
    if (received.getState().received.kind !== "none" && parts.page === null) view.getState().show("run");
  };
  const write = (): void => {
    const { area, page } = view.getState();
    const fragment = joinFragment(area === "learn" ? page : null, experiment);
    if (`#${fragment}` === location.hash || (fragment === "" && location.hash === "")) return;
    history.replaceState(history.state, "", fragment === "" ? location.pathname + location.search : `#${fragment}`);
    written = location.hash;
  };
  if (location.hash.length > 1) open();
  store.subscribe((state, before) => {
    if (state.draft === before.draft || state.check.kind === "invalid") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { draft, check } = store.getState();
      if (check.kind === "invalid") return;
      experiment = linkWithReceived(received.getState().received, codec.toFragment(draft), check.spec);
      heard.wrote(experiment);
      write();
    }, WRITE_AFTER_MS);
  });
  received.subscribe(({ received: now }) => {
    const { draft, check } = store.getState();
    if (now.kind !== "none" || check.kind === "invalid") return;
    experiment = codec.toFragment(draft);
    write();
  });
  view.subscribe((state, before) => {
    if (state.area !== before.area || state.page !== before.page) write();
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === written) return;
    written = location.hash;
    open();
  });
}
