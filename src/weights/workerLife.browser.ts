/**
 * @file Whether a worker is still there. One that the browser has ended (out of memory, a crashed process) raises no
 * event: its answers just never come. So each worker holds a lock, which the browser frees with it:
 *
 *     worker   holds a lock of its own ── {kind: "worker_alive", lock} ──▸   page   requests the same lock,
 *              … is gone                                                            and gets it now
 */
import { randomId } from "../base/randomId.ts";

interface WorkerAlive {
  readonly kind: "worker_alive";
  readonly lock: string;
}

type Locks = Pick<LockManager, "request">;

/** What is needed of a worker; tests use another. */
type WatchedWorker = Pick<EventTarget, "addEventListener">;

/** For workers: holds a lock until the end, and says which. */
export function announceLife(): void {
  const lock = `basin-worker ${randomId()}`;
  void browserLocks()
    ?.request(lock, () => {
      self.postMessage({ kind: "worker_alive", lock } satisfies WorkerAlive);
      return new Promise<never>(() => undefined);
    })
    // Where the browser refuses locks an end is not noticed.
    .catch(() => undefined);
}

/** Whether a message only says that its worker lives. */
export function isWorkerAlive(message: unknown): message is WorkerAlive {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "worker_alive";
}

/**
 * Calls `listener` once a worker that had started is gone, also when it was terminated on purpose.
 * @param locks those of the browser, where absent
 */
export function onWorkerGone(worker: WatchedWorker, listener: () => void, locks?: Locks): void {
  worker.addEventListener("message", (event) => {
    const { data } = event as MessageEvent<unknown>;
    if (!isWorkerAlive(data)) return;
    void (locks ?? browserLocks())?.request(data.lock, () => listener()).catch(() => undefined);
  });
}

/** Absent outside of secure contexts, whatever the types say. */
function browserLocks(): Locks | null {
  return (navigator as { readonly locks?: LockManager }).locks ?? null;
}
