/** @file Trying again: the policy, one try with its stall clock, a failure that may pass, and pauses. */
import type { BasinError } from "../base/error.ts";

export interface RetryPolicy {
  /** Tries in a row without a single byte before giving up. */
  readonly attempts: number;
  /** First pause, milliseconds; it doubles from try to try. */
  readonly baseMs: number;
  /** Longest pause of our own choosing. */
  readonly capMs: number;
  /** A Retry-After beyond this is an error at once, not a wait. */
  readonly longestWaitMs: number;
  /** A connection that gives no byte for so long counts as broken. */
  readonly stallMs: number;
}

export const RETRY: RetryPolicy = { attempts: 8, baseMs: 500, capMs: 20_000, longestWaitMs: 90_000, stallMs: 30_000 };

/** A failure that may pass by itself; `final` says it in words once it has not. */
export class Transient extends Error {
  readonly retryAfterMs: number | null;
  readonly noAnswer: boolean;
  readonly final: (attempts: number) => BasinError | Promise<BasinError>;

  constructor(
    final: Transient["final"],
    { retryAfterMs = null, noAnswer = false }: { retryAfterMs?: number | null; noAnswer?: boolean } = {},
  ) {
    super("transient");
    this.final = final;
    this.retryAfterMs = retryAfterMs;
    this.noAnswer = noAnswer;
  }
}

/** One try: its signal ends with the caller's, or when nothing arrives for too long. */
export class Attempt {
  progressed = false;
  stalled = false;
  /** Rejected when the try is over before its work is: what a platform never answers must not hold up the rest. */
  readonly ended: Promise<never>;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stallMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined, stallMs: number) {
    this.ended = new Promise((_, reject) => {
      this.#controller.signal.addEventListener("abort", () => reject(this.#controller.signal.reason as Error), {
        once: true,
      });
    });
    this.ended.catch(() => undefined); // reported where it is awaited
    this.#outer = outer;
    this.#stallMs = stallMs;
    outer?.addEventListener("abort", this.#stop, { once: true });
    this.alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came: the stall clock starts again. */
  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#controller.abort();
    }, this.#stallMs);
  }

  /** Bytes came that need not be fetched again. */
  progress(): void {
    this.progressed = true;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
  }

  readonly #stop = (): void => this.#controller.abort(this.#outer?.reason);
}

/** Retry-After: seconds, or a date. */
export function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return 1000 * Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** Resolves after `ms` (at once for 0 and below). @throws the signal's reason when aborted meanwhile */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  if (!(ms > 0)) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
