/**
 * @file What each module had of the penalty, or how far it moved, over the steps, as inline SVG: a row a module, a
 * column a told step, darker for more. Many modules are put together by layer: parts of a penalty add up, norms by
 * their squares.
 */
import { significant } from "../../base/format.ts";
import type { ModuleQuantity, ModuleRecord } from "../run/observations.ts";
import { markup, type Markup } from "./markup.ts";

/** Rows and columns that a page can show. */
const [MOST_ROWS, MOST_COLUMNS] = [64, 60];
const [LABEL, WIDTH, ROW] = [190, 760, 13];

const WORDS: Readonly<Record<ModuleQuantity, { readonly title: string; readonly unit: string }>> = {
  penalty: { title: "Penalty by module", unit: "each module’s part, before its weight" },
  update_norm: { title: "Update by module", unit: "‖B·A‖" },
};

interface Rows {
  readonly names: readonly string[];
  /** [row][column] */
  readonly values: readonly (readonly number[])[];
}

/** null where nothing was told. */
export function moduleMap(record: ModuleRecord | undefined): Markup | null {
  if (record === undefined || record.columns.length === 0 || record.paths.length === 0) return null;
  const { columns, quantity } = record;
  const kept =
    columns.length <= MOST_COLUMNS
      ? columns
      : Array.from(
          { length: MOST_COLUMNS },
          (_, i) => columns[Math.round((i * (columns.length - 1)) / (MOST_COLUMNS - 1))] ?? columns[0],
        ).filter((column) => column !== undefined);
  const every = {
    names: record.paths,
    values: record.paths.map((_, row) => kept.map(({ values }) => values[row] ?? 0)),
  };
  const pooled = record.paths.length > MOST_ROWS;
  const { names, values } = pooled ? byLayer(every, quantity) : every;
  const most = values.flat().reduce((a, b) => Math.max(a, b), 0);
  const width = (WIDTH - LABEL) / kept.length;
  const height = names.length * ROW;
  const { title, unit } = WORDS[quantity];
  const [first, last] = [kept[0]?.step ?? 0, kept.at(-1)?.step ?? 0];
  return markup`<figure class="map"><figcaption><strong>${title}</strong> <span class="dim">${unit}, steps ${first} to ${last}; darkest ${significant(most)}${pooled ? ", put together by layer" : null}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${height + 18}" role="img" aria-label="${`${title}.` + ` At the end: ${names.map((name, row) => `${short(name)} ${significant(values[row]?.at(-1) ?? 0)}`).join(", ")}`}">
${names.map((name, row) => markup`<text class="tick" x="${LABEL - 8}" y="${row * ROW + 10}" text-anchor="end">${short(name)}</text>${(values[row] ?? []).map((value, column) => (value > 0 && most > 0 ? markup`<rect class="heat" x="${(LABEL + column * width).toFixed(1)}" y="${row * ROW}" width="${(width + 0.3).toFixed(1)}" height="${ROW - 1}" fill-opacity="${(value / most).toFixed(2)}"/>` : null))}`)}
<text class="tick" x="${LABEL}" y="${height + 13}">step ${first}</text><text class="tick" x="${WIDTH}" y="${height + 13}" text-anchor="end">${last}</text>
</svg></figure>`;
}

function byLayer({ names, values }: Rows, quantity: ModuleQuantity): Rows {
  const layers = new Map<string, number[]>();
  names.forEach((name, row) => {
    const layer = /layers\.(\d+)\./.exec(name)?.[1];
    const key = layer === undefined ? name : `layer ${layer}`;
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
