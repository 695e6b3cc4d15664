/** @file How long the rows are in tokens, before any is cut; the bars beyond the longest allowed are marked. */
import { useMemo, type JSX } from "react";
import { lengthHistogram, type Bin } from "../../text/data/histogram.ts";
import { count } from "../support/format.ts";
import css from "./data.module.css";

const HEIGHT = 76;

export function LengthHistogram({
  lengths,
  limit,
}: {
  readonly lengths: Int32Array /** max_length */;
  readonly limit: number;
}): JSX.Element | null {
  const bins = useMemo(() => lengthHistogram(lengths, 40), [lengths]);
  const last = bins.at(-1);
  if (last === undefined || lengths.length < 2) return null;
  const most = Math.max(...bins.map((bin) => bin.count));
  const over = lengths.reduce((sum, length) => sum + (length > limit ? 1 : 0), 0);
  const width = 100 / bins.length;
  return (
    <figure className={css.histogram}>
      <figcaption>
        Tokens per row
        {over > 0 ? (
          <span className={css.over}>
            {count(over)} longer than {count(limit)}
          </span>
        ) : null}
      </figcaption>
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Tokens per row: ${count(lengths.length)} rows, up to ${count(last.to - 1)} tokens, ${over} longer than ${limit}`}
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
            <title>{`${bin.from} to ${bin.to - 1} tokens: ${bin.count} rows`}</title>
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
            max_length {count(limit)}
          </span>
        )}
        <span>{count(last.to)}</span>
      </div>
    </figure>
  );
}

/** A bin with a single row is still seen. */
function barHeight({ count: rows }: Bin, most: number): number {
  return rows === 0 ? 0 : Math.max(1.5, (HEIGHT * rows) / most);
}
