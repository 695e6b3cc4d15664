/** @file Starts the network log and the service worker of the built site. */
import { answerWorkers } from "../../../weights/hostGate.browser.ts";
import { channelOf, watchNetwork, type SeenRequest } from "../../../weights/networkLog.browser.ts";
import { NO_OFFLINE_COPY } from "../copy.ts";
import { OfflineController } from "../offline/offlineController.ts";
import type { HostController } from "../hosts/hostController.ts";
import { NetworkLog } from "../networkLog/networkLogStore.ts";
import type { Diagnostics } from "./diagnosticsContext.ts";
import { createPanelStore } from "./panelStore.ts";

/** @param tab ID of this tab; the workers get the same */
export function startDiagnostics(tab: string, hosts: HostController): Diagnostics {
  const networkLog = new NetworkLog(location.origin);
  const add = batched((requests) => networkLog.add(requests));
  watchNetwork("page", add, (request) => hosts.permits(request));
  hosts.onChange(answerWorkers(tab, (request) => hosts.permits(request)));
  new BroadcastChannel(channelOf(tab)).addEventListener("message", ({ data }: MessageEvent<readonly SeenRequest[]>) =>
    add(data),
  );
  const offline = new OfflineController(() => location.reload());
  if (import.meta.env.DEV) offline.unavailable(NO_OFFLINE_COPY.development);
  // After the page's own files have loaded, so that the copy does not compete with them.
  else if (document.readyState === "complete") void offline.start(serviceWorkers(), "./sw.js");
  else window.addEventListener("load", () => void offline.start(serviceWorkers(), "./sw.js"), { once: true });
  return { networkLog, offline, panel: createPanelStore() };
}

/**
 * Undefined on insecure pages and in some private windows, despite its type; if site data is blocked, access throws.
 */
function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  } catch {
    return undefined;
  }
}

/** Batches requests: reading a model takes thousands of range requests. */
function batched(take: (requests: readonly SeenRequest[]) => void): (requests: readonly SeenRequest[]) => void {
  let waiting: SeenRequest[] = [];
  return (requests) => {
    if (waiting.length === 0) {
      setTimeout(() => {
        const all = waiting;
        waiting = [];
        take(all);
      }, 250);
    }
    waiting.push(...requests);
  };
}
