/** @file Starts what the page knows of itself: the record of its requests, and the service worker of the built site. */
import { channelOf, watchNetwork, type SeenRequest } from "../../../weights/networkLog.browser.ts";
import { Offline } from "../offline/offlineStore.ts";
import { NetworkLog } from "../networkLog/networkLogStore.ts";
import type { Diagnostics } from "./diagnosticsContext.ts";

/** Names this tab among those of this origin. Without randomUUID, which insecure pages lack. */
export function newTabId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
}

/** @param tab as the workers are told */
export function startDiagnostics(tab: string): Diagnostics {
  const networkLog = new NetworkLog(location.origin);
  const add = batched((requests) => networkLog.add(requests));
  watchNetwork("page", add);
  new BroadcastChannel(channelOf(tab)).addEventListener("message", ({ data }: MessageEvent<readonly SeenRequest[]>) =>
    add(data),
  );
  const offline = new Offline(() => location.reload());
  if (import.meta.env.DEV) offline.unavailable("this is the development server");
  // After the page's own files: the copy must not compete with them.
  else if (document.readyState === "complete") void offline.start(serviceWorkers(), "./sw.js");
  else window.addEventListener("load", () => void offline.start(serviceWorkers(), "./sw.js"), { once: true });
  return { networkLog, offline };
}

/** Absent on insecure pages and in some private windows, whatever the types say; where the data of sites is blocked, even to ask is an error. */
function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  } catch {
    return undefined;
  }
}

/** A model is read in thousands of ranges: they are counted a few times a second, not one by one. */
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
