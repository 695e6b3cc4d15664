/**
 * @file Whether the lab works offline, and whether a new version is waiting.
 *
 * A new version is only announced. It takes over when the user asks for it, and the service worker refuses while
 * another tab of the lab is open: no file changes during a running experiment.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { NO_OFFLINE_COPY } from "../copy.ts";
import type { InstallFailed, OfflineAnswer, OfflineCommand, OfflineStatus } from "./protocol.ts";

export type Update =
  | { readonly kind: "none" }
  /** Downloaded and verified. `basin`: its version; null until it has said so. */
  | { readonly kind: "waiting"; readonly basin: string | null }
  | { readonly kind: "taking_over" }
  /** Other tabs of the lab use the old files. */
  | { readonly kind: "held"; readonly tabs: number };

export type OfflineState =
  /** In development, or without service workers. */
  | { readonly kind: "unavailable"; readonly why: string }
  | { readonly kind: "preparing" }
  | { readonly kind: "failed"; readonly why: string }
  | {
      readonly kind: "ready";
      readonly status: OfflineStatus | null;
      readonly update: Update;
      readonly saving: boolean;
    };

export type OfflineStore = StoreApi<OfflineState>;

const CHECK_EVERY_MS = 60 * 60 * 1000;

export class OfflineController {
  readonly store: OfflineStore = createStore<OfflineState>()(() => ({ kind: "preparing" }));
  readonly #reload: () => void;
  #registration: ServiceWorkerRegistration | null = null;

  /** @param reload called after the new version has taken over */
  constructor(reload: () => void) {
    this.#reload = reload;
  }

  /** Registers the service worker `script` for its folder. Never throws: without it, the lab still works online. */
  async start(container: ServiceWorkerContainer | undefined, script: string): Promise<void> {
    if (container === undefined) {
      this.unavailable(globalThis.isSecureContext ? NO_OFFLINE_COPY.noServiceWorker : NO_OFFLINE_COPY.insecure);
      return;
    }
    container.addEventListener("message", ({ data }: MessageEvent<Partial<InstallFailed> | null>) => {
      if (data?.type === "basin_install_failed" && this.store.getState().kind !== "ready")
        this.store.setState({ kind: "failed", why: data.why ?? "" }, true);
    });
    try {
      const registration = await container.register(script, { updateViaCache: "none" });
      this.#registration = registration;
      this.#follow(registration);
      if (registration.active !== null) this.#ready();
      setInterval(() => void registration.update().catch(() => undefined), CHECK_EVERY_MS);
    } catch (error) {
      this.store.setState({ kind: "failed", why: error instanceof Error ? error.message : String(error) }, true);
    }
  }

  unavailable(why: string): void {
    this.store.setState({ kind: "unavailable", why }, true);
  }

  /** Asks again which files are saved. */
  async refresh(): Promise<void> {
    await this.#askStatus({ type: "status" });
  }

  /** Saves the files that are otherwise saved after their first use. */
  async saveAll(): Promise<void> {
    this.#change({ saving: true });
    await this.#askStatus({ type: "save_all" });
    this.#change({ saving: false });
  }

  /** Activates the new version and reloads the page. false: it stays, since other tabs of the lab are open. */
  async update(): Promise<boolean> {
    const waiting = this.#registration?.waiting;
    if (waiting == null) {
      this.#reload();
      return true;
    }
    this.#change({ update: { kind: "taking_over" } });
    const answer = await ask(waiting, { type: "activate" });
    if (answer.type !== "activating") {
      if (answer.type === "held") this.#change({ update: { kind: "held", tabs: answer.tabs } });
      else void this.#announce(waiting);
      return false;
    }
    if (waiting.state !== "activated")
      await new Promise<void>((resolve) => waiting.addEventListener("statechange", () => resolve(), { once: true }));
    this.#reload();
    return true;
  }

  /** A new version waits. */
  async #announce(waiting: ServiceWorker): Promise<void> {
    this.#change({ update: { kind: "waiting", basin: null } });
    const answer = await ask(waiting, { type: "status" });
    if (answer.type !== "status" || this.#update()?.kind !== "waiting") return;
    this.#change({ update: { kind: "waiting", basin: answer.status.basin ?? null } });
  }

  #update(): Update | null {
    const state = this.store.getState();
    return state.kind === "ready" ? state.update : null;
  }

  /** Removes the copy; the next visit saves it again. */
  async forget(): Promise<void> {
    await this.#registration?.unregister();
    const folder = new URL(".", document.baseURI).pathname;
    for (const name of await caches.keys()) if (name.startsWith(`basin ${folder} `)) await caches.delete(name);
    this.unavailable(NO_OFFLINE_COPY.removed);
  }

  #follow(registration: ServiceWorkerRegistration): void {
    const look = (worker: ServiceWorker | null): void => {
      if (worker === null) return;
      const settle = (): void => {
        if (worker.state === "activated") this.#ready();
        // Waiting for an earlier version, not the first installation.
        if (worker.state === "installed" && registration.active !== null) void this.#announce(worker);
        if (worker.state === "redundant" && registration.active === null && this.store.getState().kind === "preparing")
          this.store.setState({ kind: "failed", why: NO_OFFLINE_COPY.incomplete }, true);
      };
      worker.addEventListener("statechange", settle);
      settle();
    };
    registration.addEventListener("updatefound", () => look(registration.installing));
    look(registration.installing);
    if (registration.active !== null) this.#ready();
    look(registration.waiting);
  }

  #ready(): void {
    if (this.store.getState().kind !== "ready")
      this.store.setState({ kind: "ready", status: null, update: { kind: "none" }, saving: false }, true);
    void this.refresh();
  }

  async #askStatus(command: OfflineCommand): Promise<void> {
    const active = this.#registration?.active;
    if (active == null) return;
    const answer = await ask(active, command);
    if (answer.type === "status") this.#change({ status: answer.status });
  }

  #change(changes: Partial<Extract<OfflineState, { kind: "ready" }>>): void {
    const before = this.store.getState();
    const ready: Extract<OfflineState, { kind: "ready" }> =
      before.kind === "ready" ? before : { kind: "ready", status: null, update: { kind: "none" }, saving: false };
    this.store.setState({ ...ready, ...changes }, true);
  }
}

function ask(worker: ServiceWorker, command: OfflineCommand): Promise<OfflineAnswer> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    // The service worker is the site's own: its answers have the protocol's type.
    port1.addEventListener("message", ({ data }: MessageEvent<OfflineAnswer>) => {
      port1.close();
      resolve(data);
    });
    port1.start();
    worker.postMessage(command, [port2]);
  });
}
