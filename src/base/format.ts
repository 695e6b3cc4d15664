/**
 * @file Numbers and times as the lab and its reports write them. Always with the locale-free point, so that columns can
 * be copied.
 */

const MINUS = "\u2212";
const THIN = "\u202f";

/** 1234567 -> "1 234 567" with thin spaces. */
export function count(n: number): string {
  return String(Math.round(n)).replaceAll(/\B(?=(\d{3})+$)/g, THIN);
}

/** Three significant digits, small and large ones with an exponent: 0.412, 12.3, 5.00e-5. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size < 1e-3 || size >= 1e5 ? value.toExponential(digits - 1).replace("e+", "e") : value.toPrecision(digits);
  return text.replace(/^-/, MINUS);
}

/** A perplexity: 12.3, 95.3, 1 234. */
export function perplexity(value: number): string {
  return Number.isFinite(value) && value >= 100
    ? value < 1e7
      ? count(value)
      : value.toExponential(2).replace("e+", "e")
    : significant(value);
}

/** A learning rate or another small setting without needless zeros: 5e-5, 0.001. */
export function setting(value: number): string {
  const plain = String(value);
  return plain.length <= 6 ? plain : value.toExponential().replace("e+", "e");
}

export function percent(value: number): string {
  const rounded = Math.round(value * 10) / 10;
  return `${Number.isInteger(rounded) ? rounded.toFixed(0) : rounded.toFixed(1)}${THIN}%`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const [size, unit] = n < 2 ** 20 ? [n / 2 ** 10, "KiB"] : n < 2 ** 30 ? [n / 2 ** 20, "MiB"] : [n / 2 ** 30, "GiB"];
  return `${size >= 100 ? size.toFixed(0) : size.toFixed(1)}${THIN}${unit}`;
}

/** 4 s, 1 min 05 s, 2 h 07 min. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "\u2013";
  const s = Math.max(0, Math.round(ms / 1000));
  if (ms < 1000) return ms < 10 ? "< 0.01 s" : `${(ms / 1000).toFixed(ms < 100 ? 2 : 1)} s`;
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** 2026-11-21 10:48, local time. */
export function moment(ms: number): string {
  const d = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** `plural(1, "run")` -> "1 run"; `plural(3, "run")` -> "3 runs"; `plural(2, "matrix", "matrices")` -> "2 matrices". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
