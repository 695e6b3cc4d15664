/** @file Histogram of row lengths in tokens, before truncation; bars above max_length are marked. */
import { useMemo, type JSX } from "react";
import { lengthHistogram, type Bin } from "../../text/data/histogram.ts";
import { count } from "../support/format.ts";
import { HISTOGRAM } from "./copy.ts";
import css from "./data.module.css";

const HEIGHT = 76;

interface LengthHistogramProps {
  readonly lengths: Int32Array;
  /** max_length. */
  readonly limit: number;
}

export function LengthHistogram({ lengths, limit }: LengthHistogramProps): JSX.Element | null {
  const bins = useMemo(() => lengthHistogram(lengths, 40), [lengths]);
  const last = bins.at(-1);
  if (last === undefined || lengths.length < 2) return null;
  const most = Math.max(...bins.map((bin) => bin.count));
  const over = lengths.reduce((sum, length) => sum + (length > limit ? 1 : 0), 0);
  const width = 100 / bins.length;
  return (
    <figure className={css.histogram}>
      <figcaption>
        {HISTOGRAM.title}
        {over > 0 && <span className={css.over}>{HISTOGRAM.tooLong(count(over), count(limit))}</span>}
      </figcaption>
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={HISTOGRAM.label(count(lengths.length), count(last.to - 1), over, limit)}
      >
        {bins.map((bin, i) => (
          <rect
            key={bin.from}
            x={i * width}
            y={HEIGHT - barHeight(bin, most)}
            width={width * 0.92}
            height={barHeight(bin, most)}
            data-over={bin.from > limit}
          >
            <title>{HISTOGRAM.bin(bin.from, bin.to - 1, bin.count)}</title>
          </rect>
        ))}
        {limit < last.to && (
          <line x1={(100 * limit) / last.to} x2={(100 * limit) / last.to} y1={0} y2={HEIGHT} className={css.limit} />
        )}
      </svg>
      <div className={css.histogramAxis} aria-hidden="true">
        <span>0</span>
        {limit < 0.9 * last.to && limit > 0.1 * last.to && (
          <span className={css.limitLabel} style={{ left: `${(100 * limit) / last.to}%` }}>
            {HISTOGRAM.limit(count(limit))}
          </span>
        )}
        <span>{count(last.to)}</span>
      </div>
    </figure>
  );
}

/** At least a visible line for a bin with a single row. */
function barHeight({ count: rows }: Bin, most: number): number {
  return rows === 0 ? 0 : Math.max(1.5, (HEIGHT * rows) / most);
}
