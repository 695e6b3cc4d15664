/** @file The requests of this tab, grouped by host and URL. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { SeenRequest } from "../../../weights/networkLog.browser.ts";

/** All requests with one method to one URL from one thread. */
export interface Address {
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly count: number;
  readonly bytes: number;
  readonly body: boolean;
  readonly token: boolean;
}

export interface Host {
  /** "https://huggingface.co". */
  readonly origin: string;
  readonly own: boolean;
  readonly requests: number;
  readonly bytes: number;
  readonly methods: readonly string[];
  readonly token: boolean;
  readonly addresses: readonly Address[];
}

export interface NetworkLogState {
  readonly hosts: readonly Host[];
  /** Number of requests with a body, or with a method other than GET and HEAD. */
  readonly suspicious: number;
}

/** Above this number of URLs, only the totals of a host are counted. */
const MOST_ADDRESSES = 500;

export class NetworkLog {
  readonly store: StoreApi<NetworkLogState> = createStore<NetworkLogState>()(() => ({ hosts: [], suspicious: 0 }));
  readonly #own: string;

  /** @param own origin of the page */
  constructor(own: string) {
    this.#own = own;
  }

  add(requests: readonly SeenRequest[]): void {
    if (requests.length === 0) return;
    this.store.setState(({ hosts, suspicious }) => {
      const known = new Map(hosts.map((host) => [host.origin, host]));
      for (const request of requests) {
        const { origin } = new URL(request.url);
        known.set(origin, withRequest(known.get(origin) ?? emptyHost(origin, origin === this.#own), request));
      }
      return { hosts: [...known.values()], suspicious: suspicious + requests.filter(isSuspicious).length };
    });
  }
}

function emptyHost(origin: string, own: boolean): Host {
  return { origin, own, requests: 0, bytes: 0, methods: [], token: false, addresses: [] };
}

function withRequest(host: Host, { from, method, url, bytes, body, token, again }: SeenRequest): Host {
  const size = bytes ?? 0;
  const more = again ? 0 : 1;
  const at = host.addresses.findIndex(
    (address) => address.url === url && address.method === method && address.from === from,
  );
  const before = host.addresses[at];
  const now: Address =
    before === undefined
      ? { from, method, url, count: more, bytes: size, body, token }
      : {
          ...before,
          count: before.count + more,
          bytes: before.bytes + size,
          body: before.body || body,
          token: before.token || token,
        };
  const addresses =
    before !== undefined
      ? host.addresses.with(at, now)
      : host.addresses.length < MOST_ADDRESSES
        ? [...host.addresses, now]
        : host.addresses;
  return {
    ...host,
    requests: host.requests + more,
    bytes: host.bytes + size,
    methods: again || host.methods.includes(method) ? host.methods : [...host.methods, method],
    token: host.token || token,
    addresses,
  };
}

function isSuspicious({ method, body }: SeenRequest): boolean {
  return body || (method !== "GET" && method !== "HEAD");
}

/** The requests as a tab-separated table. */
export function networkLogText({ hosts }: NetworkLogState): string {
  const lines = hosts.flatMap(({ addresses }) =>
    addresses.map(({ from, method, url, count, bytes, body }) =>
      [method, url, from, count, bytes, body ? "with a body" : "no body"].join("\t"),
    ),
  );
  return ["method\turl\tthread\tcount\tbytes\tbody", ...lines].join("\n");
}
