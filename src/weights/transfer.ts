/**
 * @file How a checkpoint comes in: bytes of each file, the rate and the time that is left, as shown to people.
 */
import type { ByteOrigin } from "./byteSource.ts";

/** State of one file (shard), sent while it is read. */
export interface Transfer {
  /** The checkpoint's name. */
  readonly checkpoint: string;
  readonly file: string;
  /** Bytes of this file that have come, of those that will be read of it. */
  readonly done: number;
  readonly total: number;
  /** Of the whole checkpoint, over the last seconds. */
  readonly bytesPerSecond: number;
  /** Until everything that will be read of the checkpoint is there; null while that is unknown. */
  readonly etaSeconds: number | null;
  readonly origin: ByteOrigin;
}

/** The rate is that of so many last milliseconds. */
const WINDOW_MS = 5000;
/** A rate of less than this is a guess. */
const MEASURED_MS = 500;
/** One file is reported at most this often. */
const INTERVAL_MS = 200;

export interface MeterOptions {
  readonly checkpoint: string;
  readonly tell: (transfer: Transfer) => void;
  readonly origin?: (file: string) => ByteOrigin;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

/** Counts the bytes of a checkpoint's files and tells about them. */
export class TransferMeter {
  readonly #options: Required<MeterOptions>;
  readonly #files = new Map<string, { done: number; total: number; toldAt: number }>();
  /** Time and all bytes until then, oldest first. */
  #samples: { readonly at: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor({ origin = () => "disk", now = () => performance.now(), ...options }: MeterOptions) {
    this.#options = { ...options, origin, now };
  }

  /** A new pass begins: these bytes will be read of these files. */
  begin(totals: ReadonlyMap<string, number>): void {
    this.#files.clear();
    this.#samples = [];
    this.#bytes = 0;
    for (const [file, total] of totals) this.#files.set(file, { done: 0, total, toldAt: -Infinity });
  }

  /** Some more will be read than was known. */
  expect(file: string, bytes: number): void {
    const state = this.#files.get(file);
    if (state === undefined) this.#files.set(file, { done: 0, total: bytes, toldAt: -Infinity });
    else state.total += bytes;
  }

  /** Bytes of a file have come. */
  add(file: string, bytes: number): void {
    const state = this.#files.get(file);
    if (state === undefined || bytes === 0) return;
    const now = this.#options.now();
    if (this.#samples.length === 0) this.#samples.push({ at: now, bytes: 0 });
    state.done = Math.min(state.total, state.done + bytes);
    this.#bytes += bytes;
    if (now - state.toldAt < INTERVAL_MS && state.done < state.total) return;
    state.toldAt = now;
    this.#samples.push({ at: now, bytes: this.#bytes });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) > WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    const elapsed = first === undefined ? 0 : now - first.at;
    const bytesPerSecond = elapsed > 0 && first !== undefined ? (1000 * (this.#bytes - first.bytes)) / elapsed : 0;
    const left = [...this.#files.values()].reduce((sum, { done, total }) => sum + total - done, 0);
    const { checkpoint, tell, origin } = this.#options;
    tell({
      checkpoint,
      file,
      done: state.done,
      total: state.total,
      bytesPerSecond,
      etaSeconds: left === 0 ? 0 : elapsed >= MEASURED_MS && bytesPerSecond > 0 ? left / bytesPerSecond : null,
      origin: origin(file),
    });
  }
}
