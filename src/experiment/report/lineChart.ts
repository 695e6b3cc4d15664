/**
 * @file A line chart as inline SVG: no script, no style attribute, drawn to be printed.
 *
 * Long curves are thinned to what the width can show: of each column of pixels the lowest and the highest value stay,
 * so no spike is lost.
 */
import { significant } from "../../base/format.ts";
import { CURVES } from "./copy.ts";
import { markup, type Markup } from "./markup.ts";

export interface Line {
  readonly label: string;
  /** Class of a colour, such as "c-asft". */
  readonly color: string;
  readonly dash?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [560, 190];
const FRAME = { left: 54, right: 12, top: 10, bottom: 26 };

/** null without points. */
export function lineChart({ title, unit, lines }: LineChart): Markup | null {
  const all = lines.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return null;
  const xMax = all.reduce((most, [x]) => Math.max(most, x), 1);
  const [low, high] = yRange(all.map(([, y]) => y));
  const x = (value: number): number => FRAME.left + (value / xMax) * (WIDTH - FRAME.left - FRAME.right);
  const y = (value: number): number =>
    HEIGHT - FRAME.bottom - ((value - low) / (high - low)) * (HEIGHT - FRAME.top - FRAME.bottom);
  const yTicks = ticks(low, high, 4);
  const xTicks = ticks(0, xMax, 6).filter(Number.isInteger);
  const polyline = ({ points, color, dash }: Line): Markup => {
    const path = thinned(points, WIDTH).map(([a, b]) => `${fixed(x(a))},${fixed(y(b))}`);
    return markup`<polyline class="line ${color}"${dashes(dash)} points="${path.join(" ")}"/>`;
  };
  return markup`<figure class="chart">
<figcaption><strong>${title}</strong> <span class="dim">${unit}</span>
${lines.length > 1 ? legend(lines) : null}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`${title}, ${unit}. ${described(lines)}`}">
${yTicks.map((tick) => yTick(tick, y(tick)))}
${xTicks.map((tick) => xTick(tick, x(tick)))}
${lines.map(polyline)}
</svg></figure>`;
}

/** First and last value of each line, for screen readers. */
function described(lines: readonly Line[]): string {
  return lines
    .map(({ label, points }) => {
      const [first, last] = [points[0]?.[1] ?? Number.NaN, points.at(-1)?.[1] ?? Number.NaN];
      return CURVES.range(label, significant(first), significant(last));
    })
    .join("; ");
}

function legend(lines: readonly Line[]): Markup {
  const entries = lines.map(
    ({ label, color, dash }) =>
      markup`<span><svg width="22" height="8" aria-hidden="true">
<line x1="0" y1="4" x2="22" y2="4" class="line ${color}"${dashes(dash)}/></svg>${label}</span>`,
  );
  return markup`<span class="legend">${entries}</span>`;
}

function dashes(dash: boolean | undefined): Markup | null {
  return dash === true ? markup` stroke-dasharray="5 3"` : null;
}

function yTick(tick: number, at: number): Markup {
  return markup`<line class="grid" x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${fixed(at)}" y2="${fixed(at)}"/>
<text class="tick" x="${FRAME.left - 6}" y="${fixed(at + 3.5)}" text-anchor="end">${tickText(tick)}</text>`;
}

function xTick(tick: number, at: number): Markup {
  return markup`<text class="tick" x="${fixed(at)}" y="${HEIGHT - 9}" text-anchor="middle">${tick}</text>`;
}

function yRange(values: readonly number[]): readonly [number, number] {
  const [least, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const low = least > 0 && least < 0.4 * high ? 0 : least;
  const room = high === low ? Math.max(Math.abs(high), 1e-12) * 0.5 : 0.05 * (high - low);
  return [low === 0 ? 0 : low - room, high + room];
}

/** About `wanted` round numbers within the range. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((mantissa) => mantissa * power >= raw) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) =>
    Number(((first + i) * step).toPrecision(10)),
  );
}

/** At most four points for each of `columns` columns. */
export function thinned(
  points: LineChart["lines"][number]["points"],
  columns: number,
): LineChart["lines"][number]["points"] {
  if (points.length <= 2 * columns) return points.filter(([, y]) => Number.isFinite(y));
  const each = points.length / columns;
  return Array.from({ length: columns }, (_, column) => {
    const part = points
      .slice(Math.floor(column * each), Math.floor((column + 1) * each))
      .filter(([, y]) => Number.isFinite(y));
    const by = (better: (a: number, b: number) => boolean): (typeof part)[number] | undefined =>
      part.reduce<(typeof part)[number] | undefined>(
        (best, point) => (best === undefined || better(point[1], best[1]) ? point : best),
        undefined,
      );
    const extremes = [part[0], by((a, b) => a < b), by((a, b) => a > b), part.at(-1)].filter(
      (point) => point !== undefined,
    );
    return [...new Set(extremes)].sort(([a], [b]) => a - b);
  }).flat();
}

function tickText(value: number): string {
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential().replace("e+", "e") : String(value);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
