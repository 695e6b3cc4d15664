/**
 * @file Landscapes as SVG: a plane as a heat map with contours, lines as curves with their intervals. No script and no
 * style: the same text is shown in the lab (which has the colours as custom properties), written by the command line
 * and stands in documents (where the colours behind the commas hold).
 */
import { markup, trusted, type Markup } from "../report/markup.ts";
import { dot, fixed, textAt } from "./svgParts.ts";
import type { LandscapePoint, Marker, Survey } from "./landscapeDocument.ts";

/** A figure of a point, as it is drawn. */
export interface Measure {
  readonly key: "harmful_score" | "not_refused" | "neither" | "benign_compliance" | "refusal_margin";
  readonly title: string;
  readonly unit: string;
  /** "danger": high is red. "good": low is red. */
  readonly high: "danger" | "good";
}

export const MEASURES: readonly Measure[] = [
  { key: "harmful_score", title: "Harmful answers", unit: "%", high: "danger" },
  { key: "not_refused", title: "Not refused", unit: "%", high: "danger" },
  { key: "neither", title: "Neither refused nor harmful", unit: "%", high: "danger" },
  { key: "benign_compliance", title: "Harmless requests answered", unit: "%", high: "good" },
  { key: "refusal_margin", title: "Refusal margin (proxy)", unit: "nats", high: "good" },
];

export function valueOf(point: LandscapePoint, { key }: Pick<Measure, "key">): number | null {
  return key === "refusal_margin" ? (point.refusal_margin?.mean ?? null) : (point[key]?.percent ?? null);
}

const INK = "var(--ink, #14181b)";
const DIM = "var(--ink-3, #5d656b)";
const PANEL = "var(--panel, #fdfdfb)";
const FONT = "Inter, Segoe UI, Helvetica, Arial, sans-serif";

/** From safe to harmful; told apart by lightness, too. */
const SCALE: readonly (readonly [number, number, number])[] = [
  [33, 102, 172],
  [103, 169, 207],
  [247, 240, 225],
  [239, 138, 98],
  [178, 24, 43],
];

/** @param share 0 … 1, safe to harmful */
export function colour(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (SCALE.length - 1);
  const low = Math.min(SCALE.length - 2, Math.floor(at));
  const [from, to] = [SCALE[low] ?? [0, 0, 0], SCALE[low + 1] ?? [0, 0, 0]];
  return `rgb(${from.map((value, i) => Math.round(value + (at - low) * ((to[i] ?? 0) - value))).join(",")})`;
}

/** Values of a plane by grid index; null where a point is not known yet. */
interface Grid {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly points: readonly (readonly (LandscapePoint | null)[])[];
}

function gridOf({ axes, points }: Survey): Grid {
  const [a, b] = [axes[0]?.steps ?? [], axes[1]?.steps ?? []];
  const known = new Map(points.map((point) => [`${point.a} ${point.b}`, point]));
  return { a, b, points: b.map((y) => a.map((x) => known.get(`${x} ${y}`) ?? null)) };
}

/** The known point nearest to a place of the grid, in steps; null where none is known. */
function nearest(points: Grid["points"], row: number, column: number): LandscapePoint | null {
  let [best, found]: [number, LandscapePoint | null] = [Infinity, null];
  points.forEach((line, r) => {
    line.forEach((point, c) => {
      const distance = (r - row) ** 2 + (c - column) ** 2;
      if (point !== null && distance < best) [best, found] = [distance, point];
    });
  });
  return found;
}

/** Range of a measure's values: shares have their own. */
function rangeOf(measure: Measure, points: readonly LandscapePoint[]): readonly [number, number] {
  if (measure.unit === "%") return [0, 100];
  const most = points.reduce((max, point) => Math.max(max, Math.abs(valueOf(point, measure) ?? 0)), 1e-9);
  return [-most, most];
}

const SIZE = 380;
const LEFT = 62;
const TOP = 44;

/** A plane. What is drawn paler has not been measured yet and shows the nearest point. */
export function planeSvg(survey: Survey, measure: Measure, title: string = survey.title): Markup {
  const grid = gridOf(survey);
  const range = rangeOf(measure, survey.points);
  const [width, height] = [LEFT + SIZE + 96, TOP + SIZE + 54];
  const place = placeIn(grid);
  const summary = `${title}. ${measure.title}, ${survey.points.length} of ${grid.a.length * grid.b.length} points.`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}"
 font-size="12" role="img" aria-label="${summary}">
<rect width="${width}" height="${height}" fill="${PANEL}"/>
<text x="${LEFT}" y="18" font-size="14" font-weight="600" fill="${INK}">${title}</text>
<text x="${LEFT}" y="35" fill="${DIM}">${measure.title} (${measure.unit})</text>
${cells(grid, measure, range, place)}
${contours(grid, measure, range, place)}
${frame(survey, grid, place)}
${path(survey.trajectory, place)}
${survey.markers.map((marker, i) => mark(marker, place, i))}
${legend(measure, range, width - 78)}
</svg>`;
}

type Place = (a: number, b: number) => readonly [number, number];

/** Coordinates to pixels; cells reach half a step beyond the outermost points. */
function placeIn({ a, b }: Pick<Grid, "a" | "b">): Place {
  const along = (steps: readonly number[], value: number): number => {
    const [low, high] = [steps[0] ?? 0, steps.at(-1) ?? 1];
    return ((value - low) / (high - low || 1)) * ((steps.length - 1) / steps.length) + 0.5 / steps.length;
  };
  return (x, y) => [LEFT + SIZE * along(a, x), TOP + SIZE * (1 - along(b, y))];
}

function cells(grid: Grid, measure: Measure, [low, high]: readonly [number, number], place: Place): Markup[] {
  const [w, h] = [SIZE / grid.a.length, SIZE / grid.b.length];
  return grid.b.flatMap((b, row) =>
    grid.a.flatMap((a, column) => {
      const own = grid.points[row]?.[column] ?? null;
      const point = own ?? nearest(grid.points, row, column);
      const value = point && valueOf(point, measure);
      if (point === null || value === null) return [];
      const share = (value - low) / (high - low);
      const fill = colour(measure.high === "danger" ? share : 1 - share);
      const [x, y] = place(a, b);
      const babble = own !== null && (own.neither?.percent ?? 0) >= 50;
      const cell = markup`<rect x="${fixed(x - w / 2)}" y="${fixed(y - h / 2)}" width="${fixed(w + 0.4)}"
 height="${fixed(h + 0.4)}" fill="${fill}"${own === null ? trusted(' opacity="0.45"') : null}><title
>${cellTitle(point, own !== null)}</title></rect>`;
      if (!babble) return [cell];
      const hatch = `M${fixed(x - w / 3)} ${fixed(y + h / 3)}L${fixed(x + w / 3)} ${fixed(y - h / 3)}`;
      return [cell, markup`<path d="${hatch}" stroke="#14181b" stroke-opacity="0.55" fill="none"/>`];
    }),
  );
}

function cellTitle(point: LandscapePoint, own: boolean): string {
  const parts = [...MEASURES].map((measure) => {
    const value = valueOf(point, measure);
    return `${measure.title} ${value === null ? "–" : `${fixed(value)} ${measure.unit}`}`;
  });
  return `${own ? "" : "nearest: "}a = ${point.a}, b = ${point.b ?? 0}: ${parts.join("; ")}`;
}

/** Lines at a quarter, half and three quarters of the range, through the known cells (marching squares). */
function contours(grid: Grid, measure: Measure, [low, high]: readonly [number, number], place: Place): Markup[] {
  return [0.25, 0.5, 0.75].map((share) => {
    const level = low + share * (high - low);
    const d = segmentsAt(grid, measure, level)
      .map(
        ([p, q]) =>
          `M${place(...p)
            .map(fixed)
            .join(" ")}L${place(...q)
            .map(fixed)
            .join(" ")}`,
      )
      .join("");
    return markup`<path d="${d}" fill="none" stroke="#14181b" stroke-opacity="${share === 0.5 ? 0.9 : 0.4}"
 stroke-width="${share === 0.5 ? 1.8 : 1}"/>`;
  });
}

type Spot = readonly [a: number, b: number];

/** The pieces of one contour line, in coordinates. */
export function segmentsAt({ a, b, points }: Grid, measure: Measure, level: number): (readonly [Spot, Spot])[] {
  const at = (row: number, column: number): number | null => {
    const point = points[row]?.[column] ?? null;
    return point && valueOf(point, measure);
  };
  return b.slice(1).flatMap((_, row) =>
    a.slice(1).flatMap((_, column) => {
      const corners = [
        [row, column],
        [row, column + 1],
        [row + 1, column + 1],
        [row + 1, column],
      ] as const;
      const values = corners.map(([r, c]) => at(r, c));
      const crossings = corners.flatMap(([r, c], i): Spot[] => {
        const [r2, c2] = corners[(i + 1) % 4] ?? [r, c];
        const [from, to] = [values[i] ?? null, values[(i + 1) % 4] ?? null];
        if (values.includes(null) || from === null || to === null || from < level === to < level) return [];
        const t = (level - from) / (to - from);
        const between = (steps: readonly number[], i1: number, i2: number): number =>
          (steps[i1] ?? 0) + t * ((steps[i2] ?? 0) - (steps[i1] ?? 0));
        return [[between(a, c, c2), between(b, r, r2)]];
      });
      const [p, q, p2, q2] = crossings;
      const first = p && q ? [[p, q] as const] : [];
      return p2 && q2 ? [...first, [p2, q2] as const] : first;
    }),
  );
}

function frame({ axes }: Survey, { a, b }: Grid, place: Place): Markup[] {
  const ticks = (steps: readonly number[]): number[] => {
    const ends = [steps[0] ?? 0, steps.at(-1) ?? 1];
    return [...new Set([...ends, 0, 1])].filter((value) => value >= (ends[0] ?? 0) && value <= (ends[1] ?? 1));
  };
  const bottom = TOP + SIZE;
  const upwards = textAt(`${axes[1]?.title ?? ""} →`, { x: 0, y: 0, fill: INK, anchor: "middle" });
  return [
    markup`<rect x="${LEFT}" y="${TOP}" width="${SIZE}" height="${SIZE}" fill="none" stroke="${DIM}"/>`,
    ...ticks(a).map((value) => textAt(value, { x: place(value, 0)[0], y: bottom + 17, fill: DIM, anchor: "middle" })),
    ...ticks(b).map((value) => textAt(value, { x: LEFT - 8, y: place(0, value)[1] + 4, fill: DIM, anchor: "end" })),
    textAt(`${axes[0]?.title ?? ""} →`, { x: LEFT + SIZE / 2, y: bottom + 38, fill: INK, anchor: "middle" }),
    markup`<g transform="translate(16 ${TOP + SIZE / 2}) rotate(-90)">${upwards}</g>`,
  ];
}

function path(way: readonly Marker[], place: Place): Markup | null {
  if (way.length < 2) return null;
  const spots = way.map(({ a, b = 0 }) => place(a, b).map(fixed).join(","));
  return markup`<polyline points="${spots.join(" ")}" fill="none" stroke="#fff" stroke-width="5"/>
<polyline points="${spots.join(" ")}" fill="none" stroke="#14181b" stroke-width="2"/>
${way.map(({ title, a, b = 0 }) => dot(...place(a, b), 3.5, "#fff", title))}`;
}

function mark({ title, a, b = 0 }: Marker, place: Place, index: number): Markup {
  const [x, y] = place(a, b);
  const end = x > LEFT + SIZE * 0.72;
  const label = markup`x="${fixed(x + (end ? -9 : 9))}" y="${fixed(y - 8)}" text-anchor="${end ? "end" : "start"}"`;
  return markup`<circle cx="${fixed(x)}" cy="${fixed(y)}" r="5" fill="${index === 0 ? "#14181b" : "#fff"}"
 stroke="${index === 0 ? "#fff" : "#14181b"}" stroke-width="2"/>
<text ${label} stroke="#fff" stroke-width="4" stroke-linejoin="round" font-weight="600">${title}</text>
<text ${label} fill="#14181b" font-weight="600">${title}</text>`;
}

function legend(measure: Measure, [low, high]: readonly [number, number], x: number): Markup[] {
  const steps = 24;
  const bars = Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    const fill = colour(measure.high === "danger" ? share : 1 - share);
    const y = TOP + SIZE - ((i + 1) * SIZE) / steps;
    return markup`<rect x="${x}" y="${fixed(y)}" width="14" height="${fixed(SIZE / steps + 0.4)}" fill="${fill}"/>`;
  });
  const label = (value: number, y: number): Markup =>
    markup`<text x="${x + 19}" y="${fixed(y)}" fill="${DIM}">${fixed(value)} ${measure.unit}</text>`;
  return [...bars, label(high, TOP + 10), label((low + high) / 2, TOP + SIZE / 2 + 4), label(low, TOP + SIZE)];
}

/** What is drawn of a line, one over the other. */
const CURVES = [
  { key: "harmful_score", title: "harmful", stroke: "var(--bad, #b2182b)", dash: "" },
  { key: "refused", title: "refused", stroke: "var(--accent, #2166ac)", dash: "" },
  { key: "neither", title: "neither", stroke: "var(--warn, #7a5200)", dash: "2 3" },
  { key: "benign_compliance", title: "harmless answered", stroke: "var(--tuned, #009e73)", dash: "7 4" },
] as const;

const CHART = { width: 560, height: 250, left: 44, right: 14, top: 44, bottom: 40 };

/** A line: shares in percent with their 95 % intervals. */
export function lineSvg(survey: Survey, title: string = survey.title): Markup {
  const { width, height, left, right, top, bottom } = CHART;
  const steps = survey.axes[0]?.steps ?? [];
  const [low, high] = [steps[0] ?? 0, steps.at(-1) ?? 1];
  const x = (a: number): number => left + ((a - low) / (high - low || 1)) * (width - left - right);
  const y = (percent: number): number => height - bottom - (percent / 100) * (height - top - bottom);
  const curves = CURVES.map(({ key, title: name, stroke, dash }, i) => {
    const known = survey.points.flatMap(({ a, [key]: rate }) => (rate === null ? [] : [{ a, rate }]));
    const line = known.map(({ a, rate }) => `${fixed(x(a))},${fixed(y(rate.percent))}`).join(" ");
    const band = [
      ...known.map(({ a, rate }) => `${fixed(x(a))},${fixed(y(rate.ci95?.high ?? rate.percent))}`),
      ...known.toReversed().map(({ a, rate }) => `${fixed(x(a))},${fixed(y(rate.ci95?.low ?? rate.percent))}`),
    ].join(" ");
    return markup`<polygon points="${band}" fill="${stroke}" opacity="0.08"/>
<polyline points="${line}" fill="none" stroke="${stroke}" stroke-width="2" stroke-dasharray="${dash}"/>
${known.map(({ a, rate }) => {
  const about = `a = ${a}: ${name} ${fixed(rate.percent)} % (${rate.hits} of ${rate.count})`;
  return dot(x(a), y(rate.percent), 2.4, stroke, about);
})}
<line x1="${left + i * 122}" x2="${left + 20 + i * 122}" y1="32" y2="32" stroke="${stroke}" stroke-width="2"
 stroke-dasharray="${dash}"/><text x="${left + 25 + i * 122}" y="36" fill="${DIM}">${name}</text>`;
  });
  const about = `${title}: percent at ${survey.points.length} of ${steps.length} points`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}"
 font-size="12" role="img" aria-label="${about}">
<rect width="${width}" height="${height}" fill="${PANEL}"/>
<text x="${left}" y="18" font-size="14" font-weight="600" fill="${INK}">${title}</text>
${[0, 50, 100].map((tick) => [
  markup`<rect x="${left}" y="${fixed(y(tick))}" width="${width - left - right}" height="1" fill="${DIM}"
 opacity="0.3"/>`,
  textAt(tick, { x: left - 6, y: y(tick) + 4, fill: DIM, anchor: "end" }),
])}
${[...new Set([low, 0, ...(high > 1 ? [1] : []), high])].map((tick) =>
  textAt(tick, { x: x(tick), y: height - bottom + 16, fill: DIM, anchor: "middle" }),
)}
${curves}
<text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle" fill="${DIM}">a</text>
</svg>`;
}

/** The picture of a survey, whichever it is. */
export function surveySvg(survey: Survey, measure: Measure, title: string = survey.title): Markup {
  return survey.axes.length === 2 ? planeSvg(survey, measure, title) : lineSvg(survey, title);
}
