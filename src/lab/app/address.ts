/**
 * @file The address follows the experiment, and the experiment follows the address.
 *
 * Every valid change is written into the fragment (replacing the history entry, so that Back leaves the page as usual);
 * a reload or a bookmark therefore brings the same settings back. A link that could not be opened stays in the address
 * until the settings change, so that it can be copied and mended.
 */
import type { SpecCodec, SpecStore } from "../setup/specStore.ts";

const WRITE_AFTER_MS = 300;

export function followAddress(store: SpecStore, codec: SpecCodec): void {
  let written = location.hash;
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (location.hash.length > 1) store.getState().openFragment(location.hash.slice(1));
  store.subscribe((state, before) => {
    if (state.draft === before.draft || state.check.kind === "invalid") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { draft, check } = store.getState();
      if (check.kind === "invalid") return;
      written = `#${codec.toFragment(draft)}`;
      history.replaceState(history.state, "", written);
    }, WRITE_AFTER_MS);
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === written || location.hash.length < 2) return;
    written = location.hash;
    store.getState().openFragment(location.hash.slice(1));
  });
}
