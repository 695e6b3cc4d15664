/**
 * @file Score cells of the runs table: the score after training with its interval, and before; or why it is missing.
 */
import type { JSX } from "react";
import { rateBounds } from "../../eval/scores.ts";
import type { Perplexity, Rate, Scores } from "../../experiment/run/events.ts";
import type { overriddenScore } from "./answers/answerList.ts";
import type { Score } from "../run/scoreList.ts";
import { percent, perplexity } from "../support/format.ts";
import { SCORE_CELLS, TABLE } from "./copy.ts";
import { MiniScale } from "../ui/MiniScale.tsx";
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
    <td role="cell" className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={absent} />
      ) : (
        <span>
          <span className={css.rate}>{percent(after.percent)}</span>
          <MiniScale color={color} percent={after.percent} interval={bounds} before={before?.percent ?? null} />
          <span className={css.sub}>
            {bounds !== null && SCORE_CELLS.interval(String(Math.round(bounds.low)), String(Math.round(bounds.high)))}
            {after.hits}/{after.count}
          </span>
          {before !== null && <span className={css.sub}>{SCORE_CELLS.before(`${before.hits}/${before.count}`)}</span>}
          {own !== null && (
            <span className={css.sub}>{SCORE_CELLS.overridden(own.overrides, percent(own.rate.percent))}</span>
          )}
        </span>
      )}
    </td>
  );
}

/** Says that lower is better, because the column also holds accuracies. */
function PerplexityCell({ label, before, after }: CellProps<Perplexity>): JSX.Element {
  return (
    <td role="cell" className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={null} />
      ) : (
        <span>
          <span className={css.rate}>{perplexity(after.perplexity)}</span>
          <span className={css.sub}>{SCORE_CELLS.perplexity}</span>
          <span className={css.sub}>
            {after.ci95 !== null && SCORE_CELLS.interval(perplexity(after.ci95.low), perplexity(after.ci95.high))}
            {SCORE_CELLS.tokens(after.tokens)}
          </span>
          {before !== null && <span className={css.sub}>{SCORE_CELLS.before(perplexity(before.perplexity))}</span>}
        </span>
      )}
    </td>
  );
}

function Missing({ why }: { readonly why: string | null }): JSX.Element {
  return (
    <span>
      {"\u2013"}
      <span className={css.sub}>{why ?? SCORE_CELLS.notMeasured}</span>
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
    <PerplexityCell label={TABLE.columns.task} before={before?.perplexity ?? null} after={after?.perplexity ?? null} />
  ) : (
    <RateCell
      label={TABLE.columns.task}
      before={before?.task_accuracy ?? null}
      after={after?.task_accuracy ?? null}
      color="--aligned"
      absent={score?.absent ?? null}
    />
  );
}
