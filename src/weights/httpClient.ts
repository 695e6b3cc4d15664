/**
 * @file HTTP that does not give up at the first hitch: bounded retries, resumed ranges, checked lengths.
 *
 *     what can pass            no answer, a connection that breaks or stalls, 408 425 429 500 502 503 504 520-524
 *     retried                  up to `attempts` times in a row; a byte that arrives resets the count
 *     the pause before         full jitter below base · 2^n, at most `capMs`; Retry-After where the server sends it,
 *                              for every request of this client, so that parallel ranges do not storm a server under
 *                              load
 *     a range that broke off   goes on at the byte that it got to
 *
 * Everything else (401, 403, 404, 416, a range that is not the one asked for, more bytes than asked for, another length
 * than before) is final at once, with what to do. A server that has never answered is asked three times only: a wrong
 * address should not take a minute to be reported.
 *
 * The browser's cache is passed by (`no-store`): Chromium lets only one range of an address at a time through it, and
 * Basin keeps what it fetched in a store of its own.
 */
import { BasinError } from "../base/error.ts";
import { MAX_CHUNK_BYTES, shortRead } from "./byteSource.ts";
import { freeBuffer } from "./freeBuffer.ts";
import { broken, changed, otherRange, refused, statusFix, tooMuch, unreachable } from "./httpErrors.ts";
import { Attempt, type RetryPolicy, RETRY, Transient, retryAfter, sleep } from "./httpRetry.ts";
import { diagnose, messageOf } from "./httpDiagnosis.ts";

export { RETRY, type Attempt, type RetryPolicy, sleep } from "./httpRetry.ts";

export interface FetchInit {
  readonly method?: "GET" | "HEAD";
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
  readonly cache: "no-store";
}
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>;

export interface HttpOptions {
  /** Extra request headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the global fetch. */
  readonly fetch?: FetchLike;
  readonly retry?: Partial<RetryPolicy>;
  /** The error for a status that is final; the general one unless given. */
  readonly refuse?: (response: Response, where: string) => BasinError;
}

export interface RangeOptions {
  /** File, for errors. */
  readonly where: string;
  /** Length of the whole file, where known: an answer that tells another one is refused. */
  readonly size?: number;
  /** ETag of the file, where known. */
  readonly etag?: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Bytes as they arrive. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

interface SendOptions {
  readonly range?: string;
  readonly method?: "GET" | "HEAD";
  /** Byte of the file where the range begins, for errors. */
  readonly at?: number;
}

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
const FIRST_CONTACT_ATTEMPTS = 3;

/** Requests to one server. */
export class HttpClient {
  readonly #fetch: FetchLike;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #policy: RetryPolicy;
  readonly #refuse: NonNullable<HttpOptions["refuse"]>;
  #answered = false;
  #pausedUntil = 0;

  constructor({ headers = {}, fetch: given, retry = {}, refuse }: HttpOptions = {}) {
    // Called through an arrow function: the browser's fetch must not lose its `this`.
    this.#fetch = given ?? ((url, init) => fetch(url, init));
    this.#headers = headers;
    this.#policy = { ...RETRY, ...retry };
    this.#refuse = refuse ?? (({ status, statusText }, where) => refused(where, status, statusText));
  }

  /**
   * Runs `work`, again while what goes wrong may pass.
   * @throws BasinError when it does not; the signal's reason when it was aborted
   */
  async retrying<T>(
    where: string,
    signal: AbortSignal | undefined,
    work: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    let failures = 0;
    for (;;) {
      signal?.throwIfAborted();
      await sleep(this.#pausedUntil - Date.now(), signal);
      const attempt = new Attempt(signal, this.#policy.stallMs);
      try {
        return await Promise.race([work(attempt), attempt.ended]);
      } catch (cause) {
        if (signal?.aborted === true) throw signal.reason;
        const failure = attempt.stalled ? stalled(where, this.#policy.stallMs) : cause;
        if (!(failure instanceof Transient)) throw cause;
        failures = attempt.progressed ? 1 : failures + 1;
        await this.#pauseAfter(failure, failures, signal);
      } finally {
        attempt.end();
      }
    }
  }

  /** One request. Statuses that may pass are thrown as failures to retry; all others are the caller's. */
  async send(
    attempt: Attempt,
    url: string,
    where: string,
    { range, method = "GET", at = 0 }: SendOptions = {},
  ): Promise<Response> {
    const headers = { ...this.#headers, ...(range === undefined ? {} : { range }) };
    let response: Response;
    try {
      response = await this.#fetch(url, { method, headers, signal: attempt.signal, cache: "no-store" });
    } catch (cause) {
      // A host that may not be asked (hostGate.browser.ts) is final.
      if (attempt.signal.aborted || cause instanceof BasinError) throw cause;
      // After answers it is the line that broke; before any, the address or a permission may be wrong.
      throw new Transient(
        async (attempts) =>
          this.#answered
            ? broken(where, attempts, at, messageOf(cause), cause)
            : unreachable(where, await diagnose(url, cause), cause),
        { noAnswer: true },
      );
    }
    this.#answered = true;
    attempt.alive();
    if (!TRANSIENT.has(response.status)) return response;
    const { status, statusText } = response;
    const retryAfterMs = retryAfter(response.headers.get("retry-after"));
    await discard(response);
    throw new Transient(
      (attempts) =>
        refused(
          where,
          status,
          `${statusText}${attempts > 1 ? ` (${attempts} times)` : ""}`.trim(),
          statusFix(status, retryAfterMs),
        ),
      { retryAfterMs },
    );
  }

  /** The error for a status that no retry mends. */
  async refusal(response: Response, where: string): Promise<BasinError> {
    await discard(response);
    return this.#refuse(response, where);
  }

  /**
   * The body in pieces of at most 4 MiB. Without `keep` a piece is gone once the next is asked for: the pieces together
   * are as many bytes as the model has, and left to the garbage collector they pile up to over 100 MB.
   * A connection that breaks is a failure to retry.
   */
  async *body(
    attempt: Attempt,
    response: Response,
    where: string,
    { at = () => 0, keep = true }: { readonly at?: () => number; readonly keep?: boolean } = {},
  ): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        attempt.signal.throwIfAborted(); // given up meanwhile: another try is at it
        if (done) return;
        attempt.alive();
        for (let from = 0; from < value.byteLength; from += MAX_CHUNK_BYTES)
          yield value.subarray(from, from + MAX_CHUNK_BYTES);
        if (!keep && value.byteLength === value.buffer.byteLength) freeBuffer(value.buffer);
      }
    } catch (cause) {
      if (attempt.signal.aborted || cause instanceof BasinError) throw cause;
      throw new Transient((attempts) => broken(where, attempts, at(), messageOf(cause), cause));
    } finally {
      // Does nothing after a complete read; ends the download when the consumer stopped early.
      await reader.cancel().catch(() => undefined);
    }
  }

  /**
   * The bytes [start, end) of the file at `url`, in an array that owns its buffer.
   * @throws BasinError naming what the server did wrong, and what to do
   */
  async readRange(url: string, start: number, end: number, options: RangeOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { where, signal, onBytes } = options;
    const bytes = new Uint8Array(end - start);
    let got = 0;
    while (got < bytes.byteLength) {
      await this.retrying(where, signal, async (attempt) => {
        const from = start + got;
        const response = await this.send(attempt, url, where, { range: `bytes=${from}-${end - 1}`, at: from });
        if (response.status !== 206) {
          throw response.ok ? await notARange(response, where) : await this.refusal(response, where);
        }
        await checkRange(response, from, end, options);
        const before = got;
        for await (const piece of this.body(attempt, response, where, { at: () => start + got, keep: false })) {
          if (got + piece.byteLength > bytes.byteLength) throw tooMuch(where, bytes.byteLength - before);
          bytes.set(piece, got);
          got += piece.byteLength;
          attempt.progress();
          onBytes?.(piece.byteLength);
        }
        // An answer may be shorter than what was asked for; one without any byte is a broken one.
        if (got === before)
          throw new Transient((attempts) => broken(where, attempts, start + got, "the answer is empty", null));
      });
    }
    return bytes;
  }

  async #pauseAfter(failure: Transient, failures: number, signal: AbortSignal | undefined): Promise<void> {
    const { attempts, baseMs, capMs, longestWaitMs } = this.#policy;
    const most = failure.noAnswer && !this.#answered ? Math.min(attempts, FIRST_CONTACT_ATTEMPTS) : attempts;
    const asked = failure.retryAfterMs ?? 0;
    if (failures >= most || asked > longestWaitMs) throw await failure.final(failures);
    // Jitter keeps the parallel ranges of many tabs from coming back all at once.
    const own = Math.min(capMs, baseMs * 2 ** (failures - 1)) * (0.5 + 0.5 * Math.random());
    if (asked > 0) this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + asked);
    await sleep(Math.max(own, asked), signal);
  }
}

/** A 200 in answer to a range in the middle of a file that had ranges before. */
async function notARange(response: Response, where: string): Promise<BasinError> {
  await discard(response);
  return new BasinError({
    what: `The server answered a range request with ${response.status} and not with 206, although it did before`,
    where,
    fix:
      "The file changed or another server answered. Load the model again; if it stays so, choose another mirror or a " +
      "local folder.",
  });
}

/** The answer is the range that was asked for, of the file that it was before. */
async function checkRange(
  response: Response,
  start: number,
  end: number,
  { where, size, etag }: RangeOptions,
): Promise<void> {
  const answeredRange = contentRange(response);
  const problem = ((): BasinError | null => {
    if (answeredRange !== null) {
      if (answeredRange.start !== start || answeredRange.end > end)
        return otherRange(where, `${start}-${end - 1}`, `${answeredRange.start}-${answeredRange.end - 1}`);
      if (size !== undefined && answeredRange.total !== null && answeredRange.total !== size)
        return changed(where, `it had ${size} bytes and has ${answeredRange.total} now`);
    }
    const now = response.headers.get("etag");
    return etag != null && now !== null && now !== etag ? changed(where, "its ETag is another one") : null;
  })();
  if (problem === null) return;
  await discard(response);
  throw problem;
}

/** Content-Range of a 206, `end` exclusive; null where there is none or the browser hides it. */
export function contentRange(
  response: Response,
): { readonly start: number; readonly end: number; readonly total: number | null } | null {
  const [, from, to, total] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)\s*$/.exec(response.headers.get("content-range") ?? "") ?? [];
  if (from === undefined || to === undefined) return null;
  return { start: Number(from), end: Number(to) + 1, total: total === "*" ? null : Number(total) };
}

/** Ends an answer whose body nobody wants. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** The answer of a server that ended before the length that it announced. */
export function endedEarly(name: string, path: string, expected: number, got: number): Transient {
  return new Transient(() => shortRead({ name }, path, 0, expected, got));
}

function stalled(where: string, ms: number): Transient {
  return new Transient((attempts) => broken(where, attempts, 0, `nothing came for ${Math.round(ms / 1000)} s`, null));
}
