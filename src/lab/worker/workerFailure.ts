/** @file A worker that fails: it could not be started, threw what nobody caught, or sent what could not be read. */
import type { RequestFailure } from "../../base/requests.ts";

type FailingWorker = Pick<EventTarget, "addEventListener">;

const FIX = "Reload the page. If it happens again, copy the details and report it.";

/**
 * @param name "GPU worker"
 * @param listener `fatal`: it could not be started, and will never answer. Otherwise it may live on.
 */
export function onWorkerFailure(
  worker: FailingWorker,
  name: string,
  listener: (failure: RequestFailure, fatal: boolean) => void,
): void {
  worker.addEventListener("error", (event) => {
    // An error event without a message is a script that could not be loaded.
    const { message = "", filename = "", lineno = 0 } = event as Partial<ErrorEvent>;
    if (message === "") listener({ what: `The ${name} could not be started`, where: name, fix: FIX }, true);
    else listener({ what: `The ${name} failed: ${message}`, where: `${name}: ${filename}:${lineno}`, fix: FIX }, false);
  });
  worker.addEventListener("messageerror", () =>
    listener({ what: `A message of the ${name} could not be read`, where: name, fix: FIX }, false),
  );
}
