/**
 * @file Why a fetch failed, as far as that can be found out: a browser gives no reason, Node gives one below the error.
 */
import type { Unreachable } from "./httpErrors.ts";

/** A fetch that fails gives no reason in a browser; what can be distinguished is. */
export async function diagnose(url: string, cause: unknown): Promise<Unreachable> {
  const page = "location" in globalThis ? globalThis.location.origin : null;
  if (page === null) return { kind: "unknown", message: messageOf(cause) };
  const { protocol, origin, hostname } = new URL(url, globalThis.location.href);
  if (origin === page) return navigator.onLine ? { kind: "unknown", message: messageOf(cause) } : { kind: "offline" };
  if (page.startsWith("https:") && protocol === "http:" && hostname !== "localhost" && !hostname.startsWith("127."))
    return { kind: "mixed", page };
  // An opaque request needs no permission: where it gets an answer, only the permission was missing.
  const there = await fetch(url, {
    mode: "no-cors",
    method: "HEAD",
    cache: "no-store",
    signal: AbortSignal.timeout(5000),
  }).then(
    () => true,
    () => false,
  );
  if (there) return { kind: "cors", page };
  return navigator.onLine ? { kind: "unknown", message: messageOf(cause) } : { kind: "offline" };
}

/** The message, and Node's reason below it ("fetch failed: connect ECONNREFUSED …"). */
export function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error && cause.cause.message !== ""
    ? `${cause.message}: ${cause.cause.message}`
    : cause.message;
}
