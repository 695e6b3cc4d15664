/** @file Values between −1 and 1 as ticks on a line. */
import type { JSX } from "react";
import css from "./widgets.module.css";

export function CosineStrip({ cosines }: { readonly cosines: readonly number[] }): JSX.Element {
  return (
    <svg
      className={css.strip}
      viewBox="0 0 400 44"
      role="img"
      aria-label={`Cosines from ${Math.min(...cosines).toFixed(3)} to ${Math.max(...cosines).toFixed(3)}`}
    >
      <line x1={10} x2={390} y1={26} y2={26} stroke="var(--line-strong)" />
      {cosines.map((cosine, index) => (
        <line
          key={index}
          x1={200 + 190 * cosine}
          x2={200 + 190 * cosine}
          y1={6}
          y2={24}
          stroke="var(--aligned)"
          strokeOpacity={0.55}
        />
      ))}
      {[-1, -0.5, 0, 0.5, 1].map((at) => (
        <text
          key={at}
          x={200 + 190 * at}
          y={40}
          textAnchor={at === -1 ? "start" : at === 1 ? "end" : "middle"}
          fill="var(--ink-3)"
          fontSize={11}
        >
          {String(at).replace("-", "\u2212")}
        </text>
      ))}
    </svg>
  );
}
