/**
 * @file The seeded random generator: the same numbers on every machine, and in Python.
 *
 * `python/basin_random.py` repeats this file to the last bit, and must be changed with it: the order of rows, a fresh
 * A of LoRA, harmful requests and triggers of a run are drawn here, and a replay in PyTorch draws them again.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): three 32-bit words that are mixed and a counter, so its
 * period is at least 2^32. Its state comes from a text seed through FNV-1a (32 bit) with murmur3's finaliser. All
 * arithmetic is on 32-bit integers, and `below(n)` scales by an exact product, so no rounding can differ between
 * engines. Naming a seed by text ("apothecary/train/topic/42") keeps streams apart without a table of offsets.
 */
import { BasinError } from "./error.ts";

/** FNV-1a over UTF-16 code units, finalised with murmur3's fmix32; `salt` gives independent words from one text. */
export function hashText(text: string, salt = 0): number {
  let h = (2166136261 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#a = hashText(seed, 0);
    this.#b = hashText(seed, 0x9e3779b9);
    this.#c = hashText(seed, 0x7f4a7c15);
    // sfc32 needs some rounds before a poor seed is spread over the state.
    for (let i = 0; i < 16; i++) this.uint32();
  }

  /** The next integer in [0, 2^32). */
  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) >>> 0;
    return t;
  }

  /** An integer in [0, n). `n` at most 2^20, so that the product stays below 2^53; the bias is below n / 2^32. */
  below(n: number): number {
    return Math.floor((this.uint32() * n) / 4294967296);
  }

  /** One item of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) {
      throw new BasinError({
        what: "Cannot pick from an empty list",
        where: "apothecary Rng.pick",
        fix: "Pass at least one item.",
      });
    }
    return item;
  }

  /** A shuffled copy (Fisher-Yates from the end). */
  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    const out: T[] = [];
    while (left.length > 0) {
      const at = this.below(left.length);
      const last = left.length - 1;
      const chosen = left[at] as T;
      left[at] = left[last] as T;
      left.pop();
      out.push(chosen);
    }
    return out;
  }

  /** `n` items without repeats while the list lasts; then a freshly shuffled lap begins. */
  draw<T>(items: readonly T[], n: number): T[] {
    const out: T[] = [];
    while (out.length < n && items.length > 0) out.push(...this.shuffle(items).slice(0, n - out.length));
    return out;
  }
}
