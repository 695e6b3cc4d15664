/**
 * @file The weights worker (browser): serves the weights protocol on every port that it is sent,
 * so that the page can hand a direct line to the GPU worker:
 *
 *     const weights = new Worker(new URL("../weights/weights.worker.ts", import.meta.url), { type: "module" });
 *     const line = new MessageChannel();
 *     weights.postMessage({ kind: "connect", port: line.port1 }, [line.port1]);
 *     gpu.postMessage({ …, weights: line.port2 }, [line.port2]);
 *     // in the GPU worker:  new WeightsClient<SourceDescriptor>(port2)
 *
 * What comes from the network is kept in this browser (cache/). What the user should know of that is posted to whoever
 * started the worker: {kind: "cache_notice", notice}.
 */
import { cachingOpener } from "./cache/cachingOpener.browser.ts";
import { reportRejections } from "./rejections.browser.ts";
import { watchNetworkForPage } from "./networkLog.browser.ts";
import { announceLife } from "./workerLife.browser.ts";
import { serveWeights } from "./weightsService.ts";

watchNetworkForPage();
announceLife();
reportRejections();
const open = cachingOpener((notice) => self.postMessage({ kind: "cache_notice", notice }));

self.addEventListener("message", (event: MessageEvent<{ readonly kind?: unknown; readonly port?: unknown }>) => {
  const { kind, port } = event.data;
  if (kind === "connect" && port instanceof MessagePort) serveWeights(port, open);
});
