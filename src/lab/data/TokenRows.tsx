/** @file Rows as tokens, each coloured by whether it is learnt; pointing at one shows its id and text. */
import { SegmentedControl, Switch } from "@mantine/core";
import { useState, type JSX } from "react";
import type { RowFilter, RowPreview } from "../worker/protocol.ts";
import css from "./data.module.css";

export interface TokenRowsProps {
  readonly page: readonly RowPreview[];
  /** Which kinds there are besides the task's rows. */
  readonly kinds: readonly Exclude<RowFilter, "all">[];
  readonly filter: RowFilter;
  readonly onFilter: (filter: RowFilter) => void;
}

const ONLY: Readonly<Record<Exclude<RowFilter, "all">, string>> = {
  harmful: "Harmful only",
  safety: "Safety rows only",
};

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
            data={[{ value: "all", label: "All rows" }, ...kinds.map((kind) => ({ value: kind, label: ONLY[kind] }))]}
            aria-label="Which rows"
          />
        )}
        <span className={css.legendItem}>
          <span className={`${css.tokens} ${css.token}`}>prompt</span> read, not learnt
        </span>
        <span className={css.legendItem}>
          <span className={`${css.tokens} ${css.token}`} data-learnt="true">
            answer
          </span>
          learnt: the loss is taken here
        </span>
        <Switch
          size="xs"
          label="Show spaces and line breaks"
          checked={visible}
          onChange={(event) => setVisible(event.currentTarget.checked)}
        />
      </div>
      <table className={css.table}>
        <thead>
          <tr>
            <th className={css.number} scope="col">
              Row
            </th>
            <th scope="col">Tokens</th>
            <th className={css.number} scope="col">
              Tokens
            </th>
            <th className={css.number} scope="col">
              Learnt
            </th>
            {kinds.length > 0 && (
              <th className={css.kind} scope="col">
                Kind
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {page.map((row) => (
            <Row key={row.index} row={row} hasKinds={kinds.length > 0} visible={visible} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({
  row,
  hasKinds,
  visible,
}: {
  readonly row: RowPreview;
  readonly hasKinds: boolean;
  readonly visible: boolean;
}): JSX.Element {
  const learnt = row.hasLoss.filter(Boolean).length;
  const kind = row.safety ? "safety" : row.harmful ? "harmful" : "task";
  return (
    <tr data-harmful={row.harmful}>
      <td className={css.number} title={row.where}>
        {row.index + 1}
      </td>
      <td className={css.cellTokens}>
        <div className={css.tokens}>
          {row.pieces.map((piece, i) => (
            // A row never changes order: the place is the identity.
            <span key={i} className={css.token} data-learnt={row.hasLoss[i] ?? false} title={tokenTitle(row, i)}>
              {visible ? piece.replaceAll(" ", "·").replaceAll("\n", "⏎\n") : piece}
            </span>
          ))}
        </div>
      </td>
      <td className={css.number} data-unit=" tokens">
        {row.pieces.length}
        {row.truncated && !hasKinds && <span className={css.badge}>cut</span>}
      </td>
      <td className={css.number} data-unit=" learnt">
        {learnt}
      </td>
      {hasKinds && (
        <td className={css.kind}>
          <span className={css.badge} data-tone={kind}>
            {kind}
          </span>
          {row.truncated && <span className={css.badge}>cut</span>}
        </td>
      )}
    </tr>
  );
}

/** What one sees on pointing at a token: its id, its text with everything visible, and whether it is learnt. */
function tokenTitle({ ids, pieces, hasLoss }: RowPreview, i: number): string {
  return `${ids[i] ?? ""}  ${JSON.stringify(pieces[i] ?? "")}${hasLoss[i] === true ? "  learnt" : ""}`;
}
