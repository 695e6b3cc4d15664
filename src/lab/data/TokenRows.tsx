/** @file Rows as tokens, coloured by whether they carry loss; the tooltip of a token shows its id and text. */
import { SegmentedControl, Switch } from "@mantine/core";
import { useState, type JSX } from "react";
import { setting } from "../../base/format.ts";
import type { RowFilter, RowPreview } from "../worker/protocol/rows.ts";
import { TOKENS } from "./copy.ts";
import tables from "../ui/tables.module.css";
import css from "./data.module.css";

export interface TokenRowsProps {
  readonly page: readonly RowPreview[];
  /** The kinds of rows in the data, besides task rows. */
  readonly kinds: readonly Exclude<RowFilter, "all">[];
  readonly filter: RowFilter;
  readonly onFilter: (filter: RowFilter) => void;
}

export function TokenRows({ page, kinds, filter, onFilter }: TokenRowsProps): JSX.Element {
  const [visible, setVisible] = useState(false);
  return (
    <>
      <div className={css.legend}>
        {kinds.length > 0 && (
          <SegmentedControl
            size="xs"
            value={filter}
            onChange={(next) => onFilter(kinds.find((kind) => kind === next) ?? "all")}
            data={(["all", ...kinds] as const).map((value) => ({ value, label: TOKENS.filters[value] }))}
            aria-label={TOKENS.filter}
          />
        )}
        <span className={css.legendItem}>
          <span className={`${css.tokens} ${css.token}`}>{TOKENS.prompt}</span> {TOKENS.promptMeaning}
        </span>
        <span className={css.legendItem}>
          <span className={`${css.tokens} ${css.token}`} data-loss="true">
            {TOKENS.answer}
          </span>{" "}
          {TOKENS.answerMeaning}
        </span>
        {page.some(({ scores }) => scores !== null) && (
          <span className={css.legendItem}>
            <span className={css.score}>0.25</span> {TOKENS.scoreMeaning}
            <span className={css.scoreScale} aria-hidden="true" />
          </span>
        )}
        <Switch
          size="xs"
          label={TOKENS.showWhitespace}
          checked={visible}
          onChange={(event) => setVisible(event.currentTarget.checked)}
        />
      </div>
      <table className={`${tables.table} ${tables.stacking} ${css.table}`} role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" className={css.number} scope="col">
              {TOKENS.row}
            </th>
            <th role="columnheader" scope="col">
              {TOKENS.tokens}
            </th>
            <th role="columnheader" className={css.number} scope="col">
              {TOKENS.length}
            </th>
            <th role="columnheader" className={css.number} scope="col">
              {TOKENS.withLoss}
            </th>
            {kinds.length > 0 && (
              <th role="columnheader" className={css.kind} scope="col">
                {TOKENS.kind}
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {page.map((row) => (
            <Row key={row.index} row={row} hasKinds={kinds.length > 0} visible={visible} />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface RowProps {
  readonly row: RowPreview;
  readonly hasKinds: boolean;
  /** Show spaces and line breaks. */
  readonly visible: boolean;
}

function Row({ row, hasKinds, visible }: RowProps): JSX.Element {
  const withLoss = row.hasLoss.filter(Boolean).length;
  const kind = row.safety ? "safety" : row.harmful ? "harmful" : "task";
  return (
    <tr role="row" data-harmful={row.harmful}>
      <td role="cell" className={css.number} title={row.where}>
        {row.index + 1}
      </td>
      <td role="cell" className={css.cellTokens}>
        <div className={css.tokens}>
          {row.pieces.map((piece, i) => (
            // Tokens of a row never change order: the index is a stable key.
            <Token key={i} row={row} at={i} text={visible ? withMarks(piece) : piece} />
          ))}
        </div>
      </td>
      <td role="cell" className={css.number} data-unit={TOKENS.lengthUnit}>
        {row.pieces.length}
        {row.truncated && !hasKinds && <span className={css.badge}>{TOKENS.truncated}</span>}
      </td>
      <td role="cell" className={css.number} data-unit={TOKENS.withLossUnit}>
        {withLoss}
      </td>
      {hasKinds && (
        <td role="cell" className={css.kind}>
          <span className={css.badge} data-tone={kind}>
            {kind}
          </span>
          {row.truncated && <span className={css.badge}>{TOKENS.truncated}</span>}
        </td>
      )}
    </tr>
  );
}

/** A token; where responses have scores, coloured by its own, with the score before the first token that has it. */
function Token({
  row,
  at,
  text,
}: {
  readonly row: RowPreview;
  readonly at: number;
  readonly text: string;
}): JSX.Element {
  const score = scoreAt(row, at);
  const token = (
    <span
      className={css.token}
      data-loss={row.hasLoss[at] ?? false}
      data-scored={score !== null}
      style={score === null ? undefined : { ["--score" as string]: score }}
      title={tokenTitle(row, at)}
    >
      {text}
    </span>
  );
  if (score === null || score === scoreAt(row, at - 1)) return token;
  return (
    <>
      <span className={css.score}>{setting(Number(score.toPrecision(2)))}</span>
      {token}
    </>
  );
}

function scoreAt({ scores }: RowPreview, at: number): number | null {
  const score = scores?.[at] ?? Number.NaN;
  return Number.isNaN(score) ? null : score;
}

function withMarks(piece: string): string {
  return piece.replaceAll(" ", "·").replaceAll("\n", "⏎\n");
}

/** Tooltip of a token: its id, its text with escapes, whether it carries loss, and with which weight. */
function tokenTitle({ ids, pieces, hasLoss, weights }: RowPreview, i: number): string {
  const trained = hasLoss[i] === true;
  return TOKENS.token(ids[i], pieces[i] ?? "", trained, trained ? (weights?.[i] ?? 1) : 1);
}
