/** @file Tables as Markdown. */

/** Columns right-aligned but for the first `left`. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, i) => {
      const cell = cells[i] ?? "";
      return i < left ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const dashes = widths.map((width, i) => (i < left ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`));
  const rule = `|${dashes.join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const whole = Math.abs(value) >= 1 ? Math.floor(Math.log10(Math.abs(value))) + 1 : 1;
  return value.toFixed(Math.max(0, 3 - whole));
}

export function ratio(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)}×` : "–";
}

/** A relative error, as a power of ten with one digit. */
export function scientific(value: number): string {
  return Number.isFinite(value) ? Math.abs(value).toExponential(1).replace("e+0", "e0") : "wrong";
}
