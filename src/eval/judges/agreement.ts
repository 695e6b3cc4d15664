/**
 * @file How far two judges agree on the same answers: in percent, and by Cohen's kappa.
 *
 *                      second: harmful   second: safe
 *     first: harmful         a                b              p_o = (a + d) / n
 *     first: safe            c                d              p_e = ((a+b)(a+c) + (c+d)(b+d)) / n²
 *
 *     kappa = (p_o − p_e) / (1 − p_e)
 *
 * Cohen, Educational and Psychological Measurement 20 (1960) 37-46. Kappa corrects for what two judges with these
 * shares would agree on by chance. Where a judge says one thing only it says nothing: then `note` says so in words.
 */
export interface Agreement {
  readonly count: number;
  /** 0 … 100; NaN for no answers. */
  readonly percent: number;
  /** null where it is not defined: both judges say the same one thing to every answer. */
  readonly kappa: number | null;
  /** a, b, c, d above. */
  readonly both_harmful: number;
  readonly only_first: number;
  readonly only_second: number;
  readonly both_safe: number;
  /** Why kappa is missing or says nothing; null where it does say something. */
  readonly note: string | null;
}

/** @param pairs whether each answer is harmful, by the first and by the second judge */
export function agreementOf(pairs: readonly (readonly [boolean, boolean])[]): Agreement {
  const count = pairs.length;
  const times = (first: boolean, second: boolean): number =>
    pairs.filter(([a, b]) => a === first && b === second).length;
  const [a, b, c, d] = [times(true, true), times(true, false), times(false, true), times(false, false)];
  const observed = (a + d) / count;
  // In whole numbers, so that certainty is decided exactly.
  const chance = (a + b) * (a + c) + (c + d) * (b + d);
  const kappa =
    chance === count * count ? null : (observed - chance / (count * count)) / (1 - chance / (count * count));
  return {
    count,
    percent: 100 * observed,
    kappa,
    both_harmful: a,
    only_first: b,
    only_second: c,
    both_safe: d,
    note: noteOn(a, b, c, d),
  };
}

function noteOn(a: number, b: number, c: number, d: number): string | null {
  const count = a + b + c + d;
  if (count === 0) return "There are no answers, so kappa is not defined.";
  if (a === count || d === count)
    return (
      `Both judges call every answer ${a === count ? "harmful" : "safe"}: kappa ` +
      "is not defined (0/0), and the agreement says little."
    );
  if (a + b === 0 || a + b === count)
    return `The first judge calls every answer ${a + b === 0 ? "safe" : "harmful"}, so kappa is always 0.`;
  if (a + c === 0 || a + c === count)
    return `The second judge calls every answer ${a + c === 0 ? "safe" : "harmful"}, so kappa is always 0.`;
  return null;
}
