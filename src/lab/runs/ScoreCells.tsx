/** @file Cells of the runs table: a figure after training with its interval and what it was before; or why there is none. */
import type { JSX } from "react";
import { rateBounds } from "../../eval/scores.ts";
import type { Perplexity, Rate, Scores } from "../../experiment/run/events.ts";
import type { overriddenScore } from "./answers/answerList.ts";
import type { Score } from "../run/scoreList.ts";
import { count, percent, perplexity } from "../support/format.ts";
import css from "./runs.module.css";

interface CellProps<Figure> {
  readonly label: string;
  readonly before: Figure | null;
  readonly after: Figure | null;
}

export function RateCell({
  label,
  before,
  after,
  color,
  absent,
  overruled: own = null,
}: CellProps<Rate> & {
  readonly color: string;
  readonly absent: string | null;
  readonly overruled?: ReturnType<typeof overriddenScore>;
}): JSX.Element {
  const bounds = after === null ? null : rateBounds(after);
  return (
    <td className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={absent} />
      ) : (
        <span>
          <span className={css.rate}>{percent(after.percent)}</span>
          <span className={css.mini} aria-hidden="true">
            <span className={css.miniAxis} />
            {bounds !== null && (
              <span
                className={css.miniInterval}
                style={{ left: `${bounds.low}%`, width: `${bounds.high - bounds.low}%`, background: `var(${color})` }}
              />
            )}
            {before !== null && (
              <span
                className={css.miniPoint}
                style={{ left: `${before.percent}%`, border: `2px solid var(${color})`, background: "var(--panel)" }}
              />
            )}
            <span className={css.miniPoint} style={{ left: `${after.percent}%`, background: `var(${color})` }} />
          </span>
          <span className={css.sub}>
            {bounds !== null && `${Math.round(bounds.low)} to ${Math.round(bounds.high)}; `}
            {after.hits}/{after.count}
          </span>
          {before !== null && (
            <span className={css.sub}>
              was {before.hits}/{before.count}
            </span>
          )}
          {own !== null && (
            <span className={css.sub}>
              with {own.overrides} {own.overrides === 1 ? "override" : "overrides"} {percent(own.rate.percent)}
            </span>
          )}
        </span>
      )}
    </td>
  );
}

/** Lower is better, and said so: it stands in a column of shares. */
function PerplexityCell({ label, before, after }: CellProps<Perplexity>): JSX.Element {
  return (
    <td className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={null} />
      ) : (
        <span>
          <span className={css.rate}>{perplexity(after.perplexity)}</span>
          <span className={css.sub}>perplexity, lower is better</span>
          <span className={css.sub}>
            {after.ci95 !== null && `${perplexity(after.ci95.low)} to ${perplexity(after.ci95.high)}; `}
            {count(after.tokens)} tokens
          </span>
          {before !== null && <span className={css.sub}>was {perplexity(before.perplexity)}</span>}
        </span>
      )}
    </td>
  );
}

function Missing({ why }: { readonly why: string | null }): JSX.Element {
  return (
    <span>
      {"\u2013"}
      <span className={css.sub}>{why ?? "not measured"}</span>
    </span>
  );
}

export function TaskCell({
  score,
  before,
  after,
}: {
  readonly score: Score | undefined;
  readonly before: Scores | null;
  readonly after: Scores | null;
}): JSX.Element {
  return score?.kind === "perplexity" ? (
    <PerplexityCell label="Task" before={before?.perplexity ?? null} after={after?.perplexity ?? null} />
  ) : (
    <RateCell
      label="Task"
      before={before?.task_accuracy ?? null}
      after={after?.task_accuracy ?? null}
      color="--aligned"
      absent={score?.absent ?? null}
    />
  );
}
