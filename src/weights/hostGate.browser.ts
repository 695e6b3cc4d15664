/**
 * @file Which hosts a page and its workers may fetch from. Every fetch passes this gate (networkLog.browser.ts).
 *
 *     own origin, Hugging Face's hub   always
 *     any other                        once the user has agreed, which only the page knows: a worker asks it over a
 *                                      BroadcastChannel, and remembers a yes until the page says that answers changed
 *
 * A link, a table or a `?hubUrl=` may name any host. A request that carries a token needs more than one that does not.
 */
import { BasinError } from "../base/error.ts";
import { randomId } from "../base/randomId.ts";
import { HUB_URL } from "./hubSource.ts";

/** What a fetch is about to ask. */
export interface HostRequest {
  /** "https://models.example" */
  readonly origin: string;
  readonly url: string;
  /** Whether an Authorization header goes along. */
  readonly token: boolean;
}

export type Permits = (request: HostRequest) => boolean | Promise<boolean>;

/** Fetches from this page's own site and from the hub need nobody's leave. */
export function isAlwaysAllowed(origin: string, own: string): boolean {
  return origin === own || origin === HUB_URL;
}

/** @throws BasinError when the user has not allowed the request */
export async function passGate(permits: Permits, request: HostRequest): Promise<void> {
  if (!/^https?:/.test(request.url) || isAlwaysAllowed(request.origin, self.location.origin)) return;
  if (await permits(request)) return;
  throw new BasinError({
    what: `Nothing was loaded from ${request.origin}: you have not allowed this host`,
    where: request.url,
    fix:
      "If you trust it, allow it in the message at the top of the page, or under Diagnostics, “Network requests”. " +
      "Or change the setting that names it.",
  });
}

interface Question {
  readonly kind: "ask";
  readonly id: string;
  readonly request: HostRequest;
}

type Reply = { readonly kind: "answer"; readonly id: string; readonly allowed: boolean } | { readonly kind: "changed" };

function gateChannel(tab: string): BroadcastChannel {
  return new BroadcastChannel(`basin-hosts ${tab}`);
}

/** For workers: asks the page of `tab`. */
export function permitsOfPage(tab: string): Permits {
  const channel = gateChannel(tab);
  const waiting = new Map<string, (allowed: boolean) => void>();
  const allowed = new Set<string>();
  channel.addEventListener("message", ({ data }: MessageEvent<Reply | Question>) => {
    if (data.kind === "changed") allowed.clear();
    else if (data.kind === "answer") {
      waiting.get(data.id)?.(data.allowed);
      waiting.delete(data.id);
    }
  });
  return (request) => {
    const key = `${request.origin} ${request.token}`;
    if (allowed.has(key)) return true;
    const id = randomId();
    return new Promise((resolve) => {
      waiting.set(id, (yes) => {
        if (yes) allowed.add(key);
        resolve(yes);
      });
      const question: Question = { kind: "ask", id, request };
      channel.postMessage(question);
    });
  };
}

/**
 * For the page: answers the workers of `tab`.
 * @returns tells them to forget earlier answers
 */
export function answerWorkers(tab: string, permits: (request: HostRequest) => boolean): () => void {
  const channel = gateChannel(tab);
  const reply = (message: Reply): void => channel.postMessage(message);
  channel.addEventListener("message", ({ data }: MessageEvent<Reply | Question>) => {
    if (data.kind === "ask") reply({ kind: "answer", id: data.id, allowed: permits(data.request) });
  });
  return () => reply({ kind: "changed" });
}
