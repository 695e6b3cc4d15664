/**
 * @file Every format that comes from outside, fuzzed: accepted with its meaning, or refused with what, where and what
 * to do.
 *
 * A fixed set of inputs by default, about 20,000; FUZZ_INPUTS says how many instead, FUZZ_FROM where the numbers begin.
 * A failure names the format and the number, which alone make the input again. FUZZ_TRACE names a file that holds the
 * input under way, for one that never ends.
 */
import { expect, it } from "vitest";
import { DOCUMENT_FORMATS } from "./documents.ts";
import { fuzz } from "./harness.ts";
import { TEXT_FORMATS } from "./texts.ts";
import { WEIGHT_FORMATS } from "./weights.ts";

const FORMATS = [...WEIGHT_FORMATS, ...TEXT_FORMATS, ...DOCUMENT_FORMATS];
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 20_000);
const FROM = Number(process.env.FUZZ_FROM ?? 0);
const EACH = Math.ceil(INPUTS / FORMATS.length);

it.each(FORMATS)(
  "$name is read with its meaning, or refused in words",
  { timeout: 60_000 + 20 * EACH },
  async (format) => {
    const { accepted, refused, kinds, slowestMs } = await fuzz(format, FROM, EACH);
    if (process.env.FUZZ_INPUTS !== undefined) {
      console.log(
        `${format.name}: ${accepted} accepted, ${refused} refused in ` +
          `${kinds.size} ways, slowest ${slowestMs.toFixed(0)} ms`,
      );
    }
    expect(accepted + refused).toBe(EACH);
    if (EACH >= 1000) expect(kinds.size).toBeGreaterThanOrEqual(format.kinds);
  },
);
