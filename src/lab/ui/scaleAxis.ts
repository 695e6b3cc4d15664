/** @file Axes for scores before and after training: 0 to 100 for shares, logarithmic for perplexities. */

export interface ScaleAxis {
  /** 0 … 100, from left to right. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

export const PERCENT_AXIS: ScaleAxis = { at: (value) => value, ticks: [0, 25, 50, 75, 100] };

/** A logarithmic axis around all values; its ends are numbers of the form 1, 2, 5, 10, 20 … */
export function logAxis(values: readonly number[]): ScaleAxis {
  const known = values.filter((value) => Number.isFinite(value) && value > 0);
  const low = stepBelow(known.length === 0 ? 1 : Math.min(...known));
  const high = Math.max(stepAbove(known.length === 0 ? 10 : Math.max(...known)), stepAbove(low * 1.01));
  const steps: number[] = [];
  for (let value = low; value <= high * 1.001; value = stepAbove(value * 1.01)) steps.push(value);
  const every = Math.ceil((steps.length - 1) / 5);
  const width = Math.log(high / low);
  return {
    at: (value) => Math.min(100, Math.max(0, (100 * Math.log(value / low)) / width)),
    // At most six, always including the last.
    ticks: steps.filter((_, i) => (steps.length - 1 - i) % every === 0),
  };
}

const MANTISSAS = [1, 2, 5, 10] as const;

function stepAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return tidy((MANTISSAS.find((mantissa) => mantissa * power >= value * 0.9999) ?? 10) * power);
}

function stepBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return tidy((MANTISSAS.findLast((mantissa) => mantissa * power <= value * 1.0001) ?? 1) * power);
}

function tidy(value: number): number {
  return Number(value.toPrecision(3));
}
