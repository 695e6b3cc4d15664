/**
 * @file Whether the lab works without a network, and whether a new version waits.
 *
 * A new version is only announced. It takes over when the user says so, and the service worker refuses while another tab of the
 * lab is open: no file changes under a running experiment.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { InstallFailed, OfflineAnswer, OfflineCommand, OfflineStatus } from "./protocol.ts";

export type Update =
  | { readonly kind: "none" }
  /** Fetched and checked. */
  | { readonly kind: "waiting" }
  | { readonly kind: "taking_over" }
  /** Other tabs of the lab use the old files. */
  | { readonly kind: "held"; readonly tabs: number };

export type OfflineState =
  /** Development, or a browser that offers no service workers here. */
  | { readonly kind: "unavailable"; readonly why: string }
  | { readonly kind: "preparing" }
  | { readonly kind: "failed"; readonly why: string }
  | {
      readonly kind: "ready";
      readonly status: OfflineStatus | null;
      readonly update: Update;
      readonly keeping: boolean;
    };

export type OfflineStore = StoreApi<OfflineState>;

const CHECK_EVERY_MS = 60 * 60 * 1000;

export class Offline {
  readonly store: OfflineStore = createStore<OfflineState>()(() => ({ kind: "preparing" }));
  readonly #reload: () => void;
  #registration: ServiceWorkerRegistration | null = null;

  /** @param reload called when the new version has taken over */
  constructor(reload: () => void) {
    this.#reload = reload;
  }

  /** Registers the service worker `script` for the folder it lies in. Never throws: without it the lab works as long as there is a network. */
  async start(container: ServiceWorkerContainer | undefined, script: string): Promise<void> {
    if (container === undefined) {
      this.unavailable(
        globalThis.isSecureContext
          ? "this browser offers no service worker here, as in some private windows"
          : "browsers offer service workers over https and on localhost only",
      );
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

  /** What is kept, asked anew. */
  async refresh(): Promise<void> {
    await this.#askStatus({ type: "status" });
  }

  /** Keeps the files that are otherwise kept when they are used. */
  async keepAll(): Promise<void> {
    this.#change({ keeping: true });
    await this.#askStatus({ type: "keep_all" });
    this.#change({ keeping: false });
  }

  /** Takes the new version, and reloads the page, unless other tabs of the lab are open. */
  async update(): Promise<void> {
    const waiting = this.#registration?.waiting;
    if (waiting == null) return this.#reload();
    this.#change({ update: { kind: "taking_over" } });
    const answer = await ask(waiting, { type: "activate" });
    if (answer.type === "held") return this.#change({ update: { kind: "held", tabs: answer.tabs } });
    if (answer.type !== "activating") return this.#change({ update: { kind: "waiting" } });
    if (waiting.state !== "activated")
      await new Promise<void>((resolve) => waiting.addEventListener("statechange", () => resolve(), { once: true }));
    this.#reload();
  }

  /** Removes the copy; the next visit makes it anew. */
  async forget(): Promise<void> {
    await this.#registration?.unregister();
    const folder = new URL(".", document.baseURI).pathname;
    for (const name of await caches.keys()) if (name.startsWith(`basin ${folder} `)) await caches.delete(name);
    this.unavailable("its copy was removed in this tab; the next visit makes it anew");
  }

  #follow(registration: ServiceWorkerRegistration): void {
    const look = (worker: ServiceWorker | null): void => {
      if (worker === null) return;
      const settle = (): void => {
        if (worker.state === "activated") this.#ready();
        // Waiting behind an earlier version, not on its way to being the first.
        if (worker.state === "installed" && registration.active !== null) this.#change({ update: { kind: "waiting" } });
        if (worker.state === "redundant" && registration.active === null && this.store.getState().kind === "preparing")
          this.store.setState({ kind: "failed", why: "the copy could not be made" }, true);
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
      this.store.setState({ kind: "ready", status: null, update: { kind: "none" }, keeping: false }, true);
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
      before.kind === "ready" ? before : { kind: "ready", status: null, update: { kind: "none" }, keeping: false };
    this.store.setState({ ...ready, ...changes }, true);
  }
}

function ask(worker: ServiceWorker, command: OfflineCommand): Promise<OfflineAnswer> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    // The service worker belongs to this site: its answers have the protocol's type.
    port1.addEventListener("message", ({ data }: MessageEvent<OfflineAnswer>) => {
      port1.close();
      resolve(data);
    });
    port1.start();
    worker.postMessage(command, [port2]);
  });
}
