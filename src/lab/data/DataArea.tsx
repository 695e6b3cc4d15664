/** @file The training rows as the model will see them: tokens, which of them are learnt, which rows are harmful. */
import { Button, Pagination, SegmentedControl, Switch } from "@mantine/core";
import { useEffect, useMemo, useState, type JSX } from "react";
import { useData, useLab, useSpec } from "../app/labContext.ts";
import { FailurePanel } from "../parts/FailurePanel.tsx";
import { dataTitle } from "../run/labels.ts";
import { count, percent } from "../support/format.ts";
import type { DataSummary, RowFilter, RowPreview } from "../worker/protocol.ts";
import { PAGE_ROWS, shownData } from "./dataStore.ts";
import css from "./data.module.css";

export function DataArea(): JSX.Element {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const state = useData();
  const [page, setPage] = useState(1);
  const [filter, setFilter] = useState<RowFilter>("all");
  const wanted = useMemo(() => (check.kind === "valid" ? { spec: check.spec, key: dataKey(check.spec) } : null), [check]);
  const empty = state.kind === "empty";
  useEffect(() => {
    if (wanted === null) return undefined;
    const timer = setTimeout(() => void lab.showRows(wanted.spec, wanted.key, filter, (page - 1) * PAGE_ROWS), 120);
    return () => clearTimeout(timer);
  }, [lab, wanted, filter, page, empty]);
  if (wanted === null) {
    return <p className={css.empty}>The rows appear once the settings are valid. Setup shows what is wrong.</p>;
  }
  const shown = shownData(state);
  if (state.kind === "failed") {
    return (
      <>
        <FailurePanel failure={state.failure} title="The rows cannot be shown" details={{ data: wanted.spec.data, model: wanted.spec.model }} />
        <Button variant="default" size="xs" onClick={() => lab.data.setState({ kind: "empty" }, true)}>
          Try again
        </Button>
      </>
    );
  }
  if (shown === null) {
    return (
      <p className={css.empty} role="status">
        Tokenising the rows …
      </p>
    );
  }
  const { summary } = shown;
  const rows = shown.filter === "harmful" ? summary.harmfulRows : summary.rows;
  const pages = Math.max(1, Math.ceil(rows / PAGE_ROWS));
  const choose = (next: RowFilter): void => {
    setFilter(next);
    setPage(1);
  };
  return (
    <section className={state.kind === "loading" && shown.key !== wanted.key ? css.stale : undefined} aria-busy={state.kind === "loading"} data-testid="data-area">
      <div className={css.head}>
        <h2>Training rows</h2>
        <p>{dataTitle(wanted.spec)}</p>
      </div>
      <Summary summary={summary} />
      {summary.harmfulRows > 0 && <Ribbon summary={summary} onChoose={(row) => setPage(Math.floor(row / PAGE_ROWS) + 1)} all={filter === "all"} />}
      <Rows page={shown.page} hasHarmful={summary.harmfulRows > 0} filter={filter} onFilter={choose} />
      <div className={css.pager}>
        <Pagination total={pages} value={Math.min(page, pages)} onChange={setPage} size="sm" siblings={1} getControlProps={(control) => ({ "aria-label": `${control} page` })} />
        <span>
          {shown.filter === "harmful" ? "harmful rows" : "rows"} {count(shown.offset + 1)}–{count(Math.min(shown.offset + PAGE_ROWS, rows))} of {count(rows)}
        </span>
      </div>
    </section>
  );
}

/** Two specs with the same key have the same rows, cut the same way. */
function dataKey({ data, model, train }: { readonly data: unknown; readonly model: { readonly aligned: string }; readonly train: { readonly seed: number } }): string {
  return JSON.stringify([data, model.aligned, train.seed]);
}

function Summary({ summary }: { readonly summary: DataSummary }): JSX.Element {
  const { rows, harmfulRows, tokens, learntTokens, longest, notes } = summary;
  return (
    <>
      <dl className={css.figures}>
        <Figure name="Rows" value={count(rows)} />
        <Figure name="Harmful rows" value={count(harmfulRows)} note={rows > 0 ? percent((100 * harmfulRows) / rows) : ""} />
        <Figure name="Tokens" value={count(tokens)} />
        <Figure name="Learnt (carry loss)" value={count(learntTokens)} note={tokens > 0 ? percent((100 * learntTokens) / tokens) : ""} />
        <Figure name="Longest row" value={count(longest)} note="tokens" />
      </dl>
      {notes.length > 0 && (
        <ul className={css.notes}>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** All rows from first to last; a mark where one is harmful. A click goes to the page. */
function Ribbon({ summary, onChoose, all }: { readonly summary: DataSummary; readonly onChoose: (row: number) => void; readonly all: boolean }): JSX.Element {
  const { rows, harmful } = summary;
  const marks = [...harmful].flatMap((one, row) => (one === 1 ? [row] : []));
  return (
    <svg
      className={css.ribbon}
      viewBox={`0 0 ${rows} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Where the ${marks.length} harmful rows lie among ${rows}`}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        if (all) onChoose(Math.min(rows - 1, Math.max(0, Math.floor((rows * (event.clientX - box.left)) / box.width))));
      }}
    >
      {marks.map((row) => (
        <rect key={row} x={row} width={Math.max(1, rows / 700)} height={10} fill="var(--unaligned)" />
      ))}
    </svg>
  );
}

function Figure({ name, value, note = "" }: { readonly name: string; readonly value: string; readonly note?: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {note !== "" && <small>{note}</small>}
      </dd>
    </div>
  );
}

interface RowsProps {
  readonly page: readonly RowPreview[];
  readonly hasHarmful: boolean;
  readonly filter: RowFilter;
  readonly onFilter: (filter: RowFilter) => void;
}

function Rows({ page, hasHarmful, filter, onFilter }: RowsProps): JSX.Element {
  const [visible, setVisible] = useState(false);
  return (
    <>
      <div className={css.legend}>
        {hasHarmful && (
          <SegmentedControl
            size="xs"
            value={filter}
            onChange={(next) => onFilter(next === "harmful" ? "harmful" : "all")}
            data={[
              { value: "all", label: "All rows" },
              { value: "harmful", label: "Harmful only" },
            ]}
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
        <Switch size="xs" label="Show spaces and line breaks" checked={visible} onChange={(event) => setVisible(event.currentTarget.checked)} />
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
            {hasHarmful && (
              <th className={css.kind} scope="col">
                Kind
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {page.map((row) => (
            <Row key={row.index} row={row} hasHarmful={hasHarmful} visible={visible} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({ row, hasHarmful, visible }: { readonly row: RowPreview; readonly hasHarmful: boolean; readonly visible: boolean }): JSX.Element {
  const learnt = row.learnt.filter(Boolean).length;
  return (
    <tr data-harmful={row.harmful}>
      <td className={css.number}>{row.index + 1}</td>
      <td className={css.cellTokens}>
        <div className={css.tokens}>
          {row.pieces.map((piece, i) => (
            // A row never changes order: the place is the identity.
            <span key={i} className={css.token} data-learnt={row.learnt[i] ?? false}>
              {visible ? piece.replaceAll(" ", "·").replaceAll("\n", "⏎\n") : piece}
            </span>
          ))}
        </div>
      </td>
      <td className={css.number} data-unit=" tokens">
        {row.pieces.length}
      </td>
      <td className={css.number} data-unit=" learnt">
        {learnt}
      </td>
      {hasHarmful && (
        <td className={css.kind}>
          <span className={css.badge} data-tone={row.harmful ? "harmful" : "task"}>
            {row.harmful ? "harmful" : "task"}
          </span>
          {row.truncated && <span className={css.badge}>cut</span>}
        </td>
      )}
    </tr>
  );
}
