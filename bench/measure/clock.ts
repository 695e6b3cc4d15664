/** @file How long a run of the benchmark has taken, may still take, and is expected to take. */

export interface Piece {
  readonly section: string;
  readonly name: string;
}

export class Clock {
  readonly #began: number;
  readonly #limit: number;
  readonly #now: () => number;
  readonly #finished: { readonly section: string; readonly ms: number }[] = [];

  /** @param minutes after which no new work is begun; null: no limit */
  constructor(minutes: number | null, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#began = now();
    this.#limit = minutes === null ? Infinity : 60_000 * minutes;
  }

  get passed(): number {
    return this.#now() - this.#began;
  }

  get over(): boolean {
    return this.passed >= this.#limit;
  }

  /** A piece of work took this long. */
  finish({ section }: Piece, ms: number): void {
    this.#finished.push({ section, ms });
  }

  /**
   * ms that these pieces are likely to take: each as long as those of its section did on average, or as those of all
   * sections where it is the first of its own. Undefined before anything has finished. Never more than the limit
   * leaves.
   */
  expected(pieces: readonly Piece[]): number | undefined {
    if (this.#finished.length === 0) return undefined;
    const mean = (section?: string): number => {
      const times = this.#finished.filter((piece) => section === undefined || piece.section === section);
      return times.length === 0 ? mean() : times.reduce((sum, { ms }) => sum + ms, 0) / times.length;
    };
    const all = pieces.reduce((sum, { section }) => sum + mean(section), 0);
    return Math.min(all, Math.max(0, this.#limit - this.passed));
  }
}

/** 75 s as 1:15. */
export function minutesAndSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
