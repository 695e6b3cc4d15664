/**
 * @file Ranges read several at a time and handed out in order, within a fixed amount of memory.
 *
 * A connection to a far server spends most of its time waiting: one range after the other, each tensor would cost a
 * round trip (two with the hub's redirect). So up to 6 ranges are asked for at once, as long as what is on the way or
 * waits to be taken stays below 24 MiB. A consumer that is slow stops the reading by not taking.
 */

/** A range of a file: bytes [start, end). */
export interface Piece {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** Requests at once: what a browser allows to one HTTP/1.1 server. */
export const MAX_REQUESTS = 6;
/** Bytes on the way or waiting, all together. */
export const MAX_AHEAD_BYTES = 24 * 1024 * 1024;
/** Small pieces: so many may wait. */
const MAX_WAITING = 64;

export class ReadAhead {
  readonly #pieces: readonly Piece[];
  readonly #load: (piece: Piece, signal: AbortSignal) => Promise<Uint8Array>;
  readonly #abort = new AbortController();
  readonly #queue: { readonly bytes: number; readonly loaded: Promise<Uint8Array> }[] = [];
  /** Index of the piece that `next` gives next. */
  #at = 0;
  /** Index of the first piece that nobody has asked for. */
  #asked = 0;
  #running = 0;
  #bytes = 0;

  /** @param load reads one piece; its signal ends when `stop` is called */
  constructor(pieces: readonly Piece[], load: (piece: Piece, signal: AbortSignal) => Promise<Uint8Array>) {
    this.#pieces = pieces;
    this.#load = load;
    this.#fill();
  }

  /** Index of the piece that comes next. */
  get position(): number {
    return this.#at;
  }

  /** The next piece, in order. @throws what its reading threw; an AbortError after `stop` */
  async next(): Promise<Uint8Array> {
    this.#abort.signal.throwIfAborted();
    const first = this.#queue[0];
    if (first === undefined) throw new Error("there is no piece left");
    try {
      return await first.loaded;
    } catch (cause) {
      this.stop(cause); // the others are of no use without this one
      throw cause;
    } finally {
      this.#queue.shift();
      this.#at += 1;
      this.#bytes -= first.bytes;
      this.#fill();
    }
  }

  /** Leaves out the pieces before `index`. */
  skipTo(index: number): void {
    while (this.#at < index) {
      const left = this.#queue.shift();
      if (left !== undefined) this.#bytes -= left.bytes;
      this.#at += 1;
    }
    this.#asked = Math.max(this.#asked, this.#at);
    this.#fill();
  }

  stop(reason?: unknown): void {
    this.#abort.abort(reason);
  }

  #fill(): void {
    while (!this.#abort.signal.aborted && this.#running < MAX_REQUESTS && this.#queue.length < MAX_WAITING) {
      const piece = this.#pieces[this.#asked];
      if (piece === undefined) return;
      const bytes = piece.end - piece.start;
      if (this.#queue.length > 0 && this.#bytes + bytes > MAX_AHEAD_BYTES) return;
      this.#asked += 1;
      this.#running += 1;
      this.#bytes += bytes;
      const loaded = this.#load(piece, this.#abort.signal);
      this.#queue.push({ bytes, loaded });
      loaded.then(this.#finished, this.#finished); // who takes the piece sees the failure
    }
  }

  readonly #finished = (): void => {
    this.#running -= 1;
    this.#fill();
  };
}
