/**
 * @file The fuzzer: many mutated inputs for one reader, and what must hold for each.
 *
 *     accepted    what the reader gives satisfies the format's own invariants (`meaning`)
 *     refused     with a BasinError that names what, where and what to do
 *     never       another error, an answer after more than a second, or one that does not come
 *
 * Refusals are kept by kind, numbers and quoted names taken out: a format whose inputs are all refused for the same
 * reason is fuzzed badly, so each says how many kinds it must reach.
 */
import { writeFileSync } from "node:fs";
import { BasinError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";

export interface FuzzFormat {
  readonly name: string;
  /** Input number `index`, made from `rng` alone. */
  readonly input: (rng: Rng) => unknown;
  /** Reads it, and throws Error where what was accepted cannot be right. */
  readonly read: (input: never) => unknown;
  /** Kinds of refusal that a thousand inputs reach at least. */
  readonly kinds: number;
}

export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
  readonly kinds: ReadonlySet<string>;
  readonly slowestMs: number;
}

const SLOWEST_MS = 1000;

/** What an error quotes of its input. */
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/** @throws Error naming the format and the number of the first input that breaks a rule */
export async function fuzz(format: FuzzFormat, from: number, count: number): Promise<FuzzReport> {
  const kinds = new Set<string>();
  let [accepted, slowestMs] = [0, 0];
  for (let index = from; index < from + count; index += 1) {
    const name = `${format.name} #${index}`;
    const input = format.input(new Rng(`fuzz/${format.name}/${index}`));
    const began = performance.now();
    if (process.env.FUZZ_TRACE !== undefined)
      writeFileSync(process.env.FUZZ_TRACE, `${name}\n${JSON.stringify(input)}`);
    try {
      await format.read(input as never);
      accepted += 1;
    } catch (error) {
      kinds.add(refusal(error, name));
    }
    // A machine under load stops a process for longer than a reader ever computes: only its own time counts.
    const ms = performance.now() - began;
    if (ms > SLOWEST_MS && (await again(format, index)) > SLOWEST_MS)
      throw new Error(`${name} took ${ms.toFixed(0)} ms`);
    slowestMs = Math.max(slowestMs, ms);
  }
  return { accepted, refused: count - accepted, kinds, slowestMs };
}

async function again(format: FuzzFormat, index: number): Promise<number> {
  const input = format.input(new Rng(`fuzz/${format.name}/${index}`));
  const began = process.cpuUsage();
  await Promise.resolve(format.read(input as never)).catch(() => undefined);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

function refusal(error: unknown, name: string): string {
  if (!(error instanceof BasinError)) throw new Error(`${name}: not refused but broken`, { cause: error });
  const { what, where, fix, cause } = error;
  // A cause is quoted in its own words; Basin's own have no holes.
  const holes = cause === undefined ? /undefined|\[object |\bNaN\b(?! or infinite)/ : /^$/;
  for (const [part, text] of Object.entries({ what, where, fix })) {
    if (text.trim() === "" || holes.test(text.replaceAll(QUOTED, ""))) {
      throw new Error(`${name}: the refusal's ${part} says ${JSON.stringify(text)}`, { cause: error });
    }
  }
  return what
    .replaceAll(QUOTED, '"…"')
    .replaceAll(/-?\d[\d.e+]*/g, "0")
    .slice(0, 60);
}
