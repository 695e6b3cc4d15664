/** @file Starts the GPU worker and the weights worker and joins them by a direct line. */
import type { CacheNotice } from "../../weights/cache/cachedSource.ts";
import type { RunFailure } from "../../experiment/run/events.ts";
import { workerName } from "../../weights/networkLog.browser.ts";
import type { LabCommand } from "./protocol.ts";
import type { LabPort } from "./client.ts";

/**
 * @param onNotice called with what the user should know of the cache of weights
 * @param tab names this tab: the workers report their requests to it
 * @param onDefect called with errors that nobody has caught in them
 */
export function startWorkers(
  onNotice: (notice: CacheNotice) => void,
  tab: string,
  onDefect: (failure: RunFailure) => void,
): LabPort {
  const weights = new Worker(new URL("../../weights/weights.worker.ts", import.meta.url), {
    type: "module",
    name: workerName("weights", tab),
  });
  const gpu = new Worker(new URL("./gpu.worker.ts", import.meta.url), { type: "module", name: workerName("gpu", tab) });
  weights.addEventListener(
    "message",
    ({ data }: MessageEvent<{ readonly kind: "cache_notice"; readonly notice: CacheNotice }>) => onNotice(data.notice),
  );
  for (const [worker, name] of [
    [weights, "weights worker"],
    [gpu, "GPU worker"],
  ] as const) {
    worker.addEventListener("error", ({ message, filename, lineno }) => {
      const what = message ? `An unexpected error: ${message}` : `The ${name} could not be started`;
      onDefect({
        what,
        where: `${name}: ${filename}:${lineno}`,
        fix: "Reload the page. If it happens again, copy the details and report it.",
      });
    });
  }
  const line = new MessageChannel();
  weights.postMessage({ kind: "connect", port: line.port1 }, [line.port1]);
  const connect: LabCommand = { type: "connect", weights: line.port2, home: new URL(".", document.baseURI).href };
  gpu.postMessage(connect, [line.port2]);
  return {
    postMessage: (command, transfer) => gpu.postMessage(command, transfer),
    addEventListener: (type, listener) => gpu.addEventListener(type, listener),
  };
}
