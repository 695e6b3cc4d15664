/**
 * @file Penalty or update norm per module over the steps as inline SVG: a row per module, a column per recorded step,
 * darker for larger values. Many modules are summed by layer: penalties add up, norms by their squares.
 */
import { significant } from "../../base/format.ts";
import type { ModuleQuantity, ModuleRecord } from "../run/observations.ts";
import { MODULES } from "./copy.ts";
import { markup, type Markup } from "./markup.ts";

/** As many rows and columns as fit the page. */
const [MAX_ROWS, MAX_COLUMNS] = [64, 60];
const [LABEL, WIDTH, ROW] = [190, 760, 13];

interface Rows {
  readonly names: readonly string[];
  /** [row][column] */
  readonly values: readonly (readonly number[])[];
}

/** null if nothing was recorded. */
export function moduleMap(record: ModuleRecord | undefined): Markup | null {
  if (record === undefined || record.columns.length === 0 || record.paths.length === 0) return null;
  const { columns, quantity } = record;
  const shown =
    columns.length <= MAX_COLUMNS
      ? columns
      : Array.from(
          { length: MAX_COLUMNS },
          (_, i) => columns[Math.round((i * (columns.length - 1)) / (MAX_COLUMNS - 1))] ?? columns[0],
        ).filter((column) => column !== undefined);
  const every = {
    names: record.paths,
    values: record.paths.map((_, row) => shown.map(({ values }) => values[row] ?? 0)),
  };
  const pooled = record.paths.length > MAX_ROWS;
  const { names, values } = pooled ? byLayer(every, quantity) : every;
  const max = values.flat().reduce((a, b) => Math.max(a, b), 0);
  const width = (WIDTH - LABEL) / shown.length;
  const height = names.length * ROW;
  const { title, unit } = MODULES[quantity];
  const [first, last] = [shown[0]?.step ?? 0, shown.at(-1)?.step ?? 0];
  const atEnd = names.map((name, row) => `${short(name)} ${significant(values[row]?.at(-1) ?? 0)}`).join(", ");
  const rows = names.map((name, row) => moduleRow({ name, values: values[row] ?? [], row, width, max }));
  const caption = MODULES.caption(unit, first, last, significant(max)) + (pooled ? MODULES.pooled : "");
  return markup`<figure class="map"><figcaption><strong>${title}</strong>
<span class="dim">${caption}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${height + 18}" role="img" aria-label="${MODULES.atEnd(title, atEnd)}">
${rows}
<text class="tick" x="${LABEL}" y="${height + 13}">${MODULES.step(first)}</text>
<text class="tick" x="${WIDTH}" y="${height + 13}" text-anchor="end">${last}</text>
</svg></figure>`;
}

interface ModuleRow {
  readonly name: string;
  readonly values: readonly number[];
  readonly row: number;
  /** Of a column, in pixels. */
  readonly width: number;
  /** The largest value of all rows. */
  readonly max: number;
}

function moduleRow({ name, values, row, width, max }: ModuleRow): Markup {
  const cells = values.map((value, column) => {
    if (value <= 0 || max <= 0) return null;
    const x = (LABEL + column * width).toFixed(1);
    const [wide, opacity] = [(width + 0.3).toFixed(1), (value / max).toFixed(2)];
    const size = markup`x="${x}" y="${row * ROW}" width="${wide}" height="${ROW - 1}"`;
    return markup`<rect class="heat" ${size} fill-opacity="${opacity}"/>`;
  });
  return markup`<text class="tick" x="${LABEL - 8}" y="${row * ROW + 10}" text-anchor="end">${short(name)}</text>
${cells}`;
}

function byLayer({ names, values }: Rows, quantity: ModuleQuantity): Rows {
  const layers = new Map<string, number[]>();
  names.forEach((name, row) => {
    const layer = /layers\.(\d+)\./.exec(name)?.[1];
    const key = layer === undefined ? name : MODULES.layer(layer);
    const sum = layers.get(key) ?? (values[row] ?? []).map(() => 0);
    layers.set(
      key,
      sum.map(
        (value, column) =>
          value + (quantity === "penalty" ? (values[row]?.[column] ?? 0) : (values[row]?.[column] ?? 0) ** 2),
      ),
    );
  });
  return {
    names: [...layers.keys()],
    values: [...layers.values()].map((sums) => (quantity === "penalty" ? sums : sums.map(Math.sqrt))),
  };
}

function short(path: string): string {
  return path.replace(/^model\.layers\./, "").replace(/(self_attn|mlp)\./, "");
}
