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

/** What the address keeps in step. */
interface Followed {
  readonly store: SpecStore;
  readonly codec: SpecCodec;
  readonly view: StoreApi<ViewState>;
  readonly received: ReceivedStore;
  readonly heard: {
    /** A link was opened. */
    readonly opened: (fragment: string) => void;
    /** The lab itself has written the URL. */
    readonly wrote: (fragment: string) => void;
  };
}

export function followAddress(followed: Followed): void {
  new Address(followed).follow();
}

class Address {
  readonly #followed: Followed;
  #written = location.hash;
  /** The experiment's part of the URL, as last opened or written. */
  #experiment = "";
  /** A link that waits for the user to agree to it (SpecState.waiting). */
  #waiting: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  follow(): void {
    const { store, codec, view, received } = this.#followed;
    if (location.hash.length > 1) this.#open();
    store.subscribe((state, before) => {
      if (state.waiting === null && before.waiting !== null) this.#answered(state.draft !== before.draft);
      if (state.draft !== before.draft && state.check.kind === "valid") this.#writeSoon();
    });
    received.subscribe(({ received: now }) => {
      const { draft, check } = store.getState();
      if (now.kind !== "none" || check.kind === "invalid") return;
      this.#experiment = codec.toFragment(draft);
      this.#write();
    });
    view.subscribe((state, before) => {
      if (state.area !== before.area || state.page !== before.page) this.#write();
    });
    window.addEventListener("hashchange", () => {
      if (location.hash === this.#written) return;
      this.#written = location.hash;
      this.#open();
    });
  }

  #open(): void {
    const { store, view } = this.#followed;
    const { page, experiment } = splitFragment(location.hash.slice(1));
    if (page !== null) view.getState().learn(page);
    else if (view.getState().area === "learn") view.getState().show(experiment === "" ? "start" : "setup");
    if (experiment === "") return;
    if (view.getState().area === "start") view.getState().show("setup");
    const result = store.getState().openFragment(experiment);
    this.#waiting = result === "waiting" ? experiment : null;
    if (result === "waiting") return;
    this.#experiment = experiment;
    if (result === "opened") this.#opened(page === null);
  }

  #opened(showResults: boolean): void {
    const { store, view, received, heard } = this.#followed;
    heard.opened(this.#experiment);
    const { check } = store.getState();
    if (check.kind === "invalid") return;
    received.getState().open(this.#experiment, check.spec);
    // The Run area shows the received results.
    if (received.getState().received.kind !== "none" && showResults) view.getState().show("run");
  }

  /** The user has decided about a link that waited. Refused, the address becomes that of the settings that stay. */
  #answered(accepted: boolean): void {
    const link = this.#waiting;
    this.#waiting = null;
    if (link === null) return;
    if (!accepted) return this.#write();
    this.#experiment = link;
    this.#opened(true);
  }

  #writeSoon(): void {
    const { store, codec, received, heard } = this.#followed;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { draft, check } = store.getState();
      if (check.kind === "invalid") return;
      this.#experiment = linkWithReceived(received.getState().received, codec.toFragment(draft), check.spec);
      heard.wrote(this.#experiment);
      this.#write();
    }, WRITE_AFTER_MS);
  }

  #write(): void {
    const { area, page } = this.#followed.view.getState();
    const fragment = joinFragment(area === "learn" ? page : null, this.#experiment);
    if (`#${fragment}` === location.hash || (fragment === "" && location.hash === "")) return;
    history.replaceState(history.state, "", fragment === "" ? location.pathname + location.search : `#${fragment}`);
    this.#written = location.hash;
  }
}
