/** @file A percentage before and after on its axis of 0 to 100, with both 95 % intervals, as inline SVG. */
import { rateBounds } from "../../eval/scores.ts";
import type { Rate } from "../run/events.ts";
import { markup, type Markup } from "./markup.ts";

const [WIDTH, HEIGHT] = [260, 26];
const [LEFT, RIGHT] = [8, 8];

/** @param color class of a colour; hollow is before, filled after */
export function scorePlot(before: Rate | null, after: Rate | null, color: string): Markup {
  const x = (percent: number): string => (LEFT + (percent / 100) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const interval = (rate: Rate | null, y: number): Markup | null => {
    if (rate === null) return null;
    const { low, high } = rateBounds(rate);
    return markup`<line class="line ${color}" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/>`;
  };
  const dot = (rate: Rate | null, y: number, kind: string): Markup | null =>
    rate === null || !Number.isFinite(rate.percent)
      ? null
      : markup`<circle class="dot ${kind} ${color}" cx="${x(rate.percent)}" cy="${y}" r="4.5"/>`;
  const marks = [0, 25, 50, 75, 100].map(
    (mark) => markup`<line class="grid" x1="${x(mark)}" x2="${x(mark)}" y1="9" y2="17"/>`,
  );
  return markup`<svg width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="13" y2="13"/>${marks}
${interval(before, 8)}${interval(after, 18)}${dot(before, 8, "hollow")}${dot(after, 18, "")}
</svg>`;
}
