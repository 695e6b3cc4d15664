/**
 * @file What a page and its workers ask of the network, as far as scripts can see it: every `fetch` with method,
 * address, whether it carried a body or a token, and every other resource that the browser's own timing list names.
 *
 *     fetch             method, body and token are known where it is called
 *     resource timing   scripts, styles, pictures: by definition GET without a body. Entries of `fetch` only add the
 *                       bytes, which the browser reports for the page's own origin; of other hosts the announced length
 *                       is taken
 *
 * Workers tell their page over a BroadcastChannel whose name they find in their own name ("weights 5f2c…"), so that no
 * other protocol has to carry it. Each fetch asks first whether it may (hostGate.browser.ts); one that may not is never
 * made, and not reported.
 */
import { passGate, permitsOfPage, type Permits } from "./hostGate.browser.ts";

export interface SeenRequest {
  /** Who asked: "page", "gpu", "weights", "judge". */
  readonly from: string;
  readonly method: string;
  readonly url: string;
  /** "fetch", or what the timing list calls it: "script", "css", "beacon", … */
  readonly via: string;
  /** Whether something was sent besides address and headers. */
  readonly body: boolean;
  /** Whether an Authorization header (a token of the hub) was sent. */
  readonly token: boolean;
  /** Bytes of the answer; null when nobody tells. */
  readonly bytes: number | null;
  /** Bytes that the timing list adds to a `fetch` that is counted already. */
  readonly again: boolean;
}

export type NetworkReport = (requests: readonly SeenRequest[]) => void;

/** Begins to report what this page or worker asks for, and to refuse what `permits` does not allow. */
export function watchNetwork(from: string, report: NetworkReport, permits: Permits): void {
  watchFetch(from, report, permits);
  watchResources(from, report);
}

/** For workers: begins to report to the page that named this worker with `workerName`. */
export function watchNetworkForPage(): void {
  const [role = "worker", tab] = self.name.split(" ");
  if (tab === undefined) return;
  const channel = new BroadcastChannel(channelOf(tab));
  watchNetwork(role, (requests) => channel.postMessage(requests), permitsOfPage(tab));
}

/** The name for a worker whose requests are reported to the tab `tab`; without it, that of the worker that calls. */
export function workerName(role: string, tab: string | undefined = self.name.split(" ")[1]): string {
  return tab === undefined ? role : `${role} ${tab}`;
}

export function channelOf(tab: string): string {
  return `basin-traffic ${tab}`;
}

function watchFetch(from: string, report: NetworkReport, permits: Permits): void {
  const original = globalThis.fetch.bind(globalThis);
  globalThis.fetch = async (input, init) => {
    const request = input instanceof Request ? input : null;
    const seen = {
      from,
      method: (init?.method ?? request?.method ?? "GET").toUpperCase(),
      url: new URL(request?.url ?? String(input), self.location.href).href,
      via: "fetch",
      body: init?.body != null || request?.body != null,
      token: new Headers(init?.headers ?? request?.headers).has("authorization"),
      again: false,
    };
    await passGate(permits, { origin: new URL(seen.url).origin, url: seen.url, token: seen.token });
    try {
      const response = await original(input, init);
      const length = response.headers.get("content-length");
      // Of the own origin the timing list tells what really came.
      report([{ ...seen, bytes: length === null || isOwn(seen.url) ? null : Number(length) }]);
      return response;
    } catch (error) {
      report([{ ...seen, bytes: null }]);
      throw error;
    }
  };
}

function watchResources(from: string, report: NetworkReport): void {
  const take = (entries: readonly PerformanceEntry[]): void => {
    const seen = entries.filter(
      (entry): entry is PerformanceResourceTiming =>
        entry instanceof PerformanceResourceTiming && /^https?:/.test(entry.name),
    );
    report(seen.map((entry) => fromTiming(from, entry)));
  };
  new PerformanceObserver((list) => take(list.getEntries())).observe({ type: "resource", buffered: true });
}

function fromTiming(
  from: string,
  { name, initiatorType, encodedBodySize, decodedBodySize }: PerformanceResourceTiming,
): SeenRequest {
  const known = initiatorType === "fetch";
  // Who sends otherwise than by fetch does not tell how: the page must say that it does not know.
  const method = known || !/^(xmlhttprequest|beacon|ping)$/.test(initiatorType) ? "GET" : "unknown";
  return {
    from,
    method,
    url: name,
    via: initiatorType,
    body: false,
    token: false,
    bytes: isOwn(name) ? encodedBodySize || decodedBodySize : null,
    again: known,
  };
}

function isOwn(url: string): boolean {
  return new URL(url).origin === self.location.origin;
}
