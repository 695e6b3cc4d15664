/**
 * @file Tokens to text as they come: no half characters, and an end at a stop string wherever its parts fall.
 *
 * A character may be spread over several tokens (UTF-8 in byte-level vocabularies): text that ends in the replacement
 * character waits for the tokens that complete it. Text that could be the beginning of a stop string waits as well, so
 * what has been shown is never taken back.
 */

/** Ids to text, see `TextTokenizer.decode`. */
export type Decode = (ids: readonly number[]) => string;

const REPLACEMENT = "\ufffd";
/** No character has more tokens than this; beyond, the bytes are broken and are shown as such. */
const MOST_WAITING = 12;

export class TextStream {
  readonly #decode: Decode;
  readonly #stops: readonly string[];
  readonly #longest: number;
  readonly #tokens: number[] = [];
  /** Decoded so far, but for tokens that wait. */
  #raw = "";
  // Decoding starts a little before the new tokens, because a tokenizer treats the first token of a text differently.
  #from = 0;
  #read = 0;
  #cut: number | null = null;

  /** @param stops texts that end the answer; they are not part of it */
  constructor(decode: Decode, stops: readonly string[] = []) {
    this.#decode = decode;
    this.#stops = stops.filter((stop) => stop !== "");
    this.#longest = Math.max(0, ...this.#stops.map((stop) => stop.length));
  }

  /** Takes one more token. @returns whether a stop string is now complete */
  push(token: number): boolean {
    if (this.#cut !== null) return true;
    this.#tokens.push(token);
    const before = this.#decode(this.#tokens.slice(this.#from, this.#read));
    const now = this.#decode(this.#tokens.slice(this.#from));
    if (now.endsWith(REPLACEMENT) && this.#tokens.length - this.#read < MOST_WAITING) return false;
    if (now.length <= before.length) return false;
    this.#append(now.slice(before.length));
    this.#from = this.#read;
    this.#read = this.#tokens.length;
    return this.#cut !== null;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  get stopped(): boolean {
    return this.#cut !== null;
  }

  /** What can be shown: it only ever grows. */
  get text(): string {
    if (this.#cut !== null) return this.#raw.slice(0, this.#cut);
    return this.#raw.slice(0, this.#raw.length - this.#waiting());
  }

  /** The whole text, once no more tokens come. */
  finish(): string {
    if (this.#cut !== null) return this.text;
    const whole = this.#decode(this.#tokens);
    const at = firstOf(whole, this.#stops, 0);
    return at === null ? whole : whole.slice(0, at);
  }

  #append(text: string): void {
    const from = Math.max(0, this.#raw.length - this.#longest + 1);
    this.#raw += text;
    this.#cut = firstOf(this.#raw, this.#stops, from);
  }

  /** Length of the longest end of the text with which a stop string begins. */
  #waiting(): number {
    for (let length = Math.min(this.#longest - 1, this.#raw.length); length > 0; length -= 1) {
      const end = this.#raw.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}

/** Where the first of these texts begins. */
function firstOf(text: string, stops: readonly string[], from: number): number | null {
  const found = stops.map((stop) => text.indexOf(stop, from)).filter((at) => at >= 0);
  return found.length === 0 ? null : Math.min(...found);
}
