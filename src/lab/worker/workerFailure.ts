/**
 * @file A worker that fails: it could not be started, threw what nobody caught, sent what could not be read, or is
 * gone.
 */
import type { RequestFailure } from "../../base/requests.ts";
import { onWorkerGone } from "../../weights/workerLife.browser.ts";

type FailingWorker = Pick<EventTarget, "addEventListener">;

/**
 * failed: it may live on. never_started: it will never answer. gone: it had started, and was ended by the browser or on
 * purpose.
 */
export type WorkerFailureKind = "failed" | "never_started" | "gone";

const FIX = "Reload the page. If it happens again, copy the details and report it.";
/** For a worker that is gone, where another has been started in its place. */
export const RESTARTED =
  "It has been started again. Browsers end workers when memory runs out: close other tabs, or choose a smaller model " +
  "or batch size.";

/** @param name "GPU worker" */
export function onWorkerFailure(
  worker: FailingWorker,
  name: string,
  listener: (failure: RequestFailure, kind: WorkerFailureKind) => void,
): void {
  worker.addEventListener("error", (event) => {
    // An error event without a message is a script that could not be loaded.
    const { message = "", filename = "", lineno = 0 } = event as Partial<ErrorEvent>;
    if (message === "") listener({ what: `The ${name} could not be started`, where: name, fix: FIX }, "never_started");
    else
      listener({ what: `The ${name} failed: ${message}`, where: `${name}: ${filename}:${lineno}`, fix: FIX }, "failed");
  });
  worker.addEventListener("messageerror", () =>
    listener({ what: `A message of the ${name} could not be read`, where: name, fix: FIX }, "failed"),
  );
  onWorkerGone(worker, () => listener({ what: `The ${name} ended unexpectedly`, where: name, fix: FIX }, "gone"));
}
