/** @file The training rows as the model will see them: tokens, which of them are learnt, which rows are harmful. */
import { Button, Pagination } from "@mantine/core";
import { useEffect, useMemo, useState, type JSX } from "react";
import { safetyKey } from "../../experiment/data/safetyRows.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { useRows, useLab, useSpec } from "../shell/app/labContext.ts";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { dataTitle } from "../run/labels.ts";
import { count, percent } from "../support/format.ts";
import type { DataSummary, RowFilter } from "../worker/protocol.ts";
import { shownRows, PAGE_SIZE, type ShownRows } from "./dataStore.ts";
import { LengthHistogram } from "./LengthHistogram.tsx";
import { MappingPanel } from "./MappingPanel.tsx";
import { TokenRows } from "./TokenRows.tsx";
import css from "./data.module.css";

export function DataArea(): JSX.Element {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const state = useRows();
  const [page, setPage] = useState(1);
  const [chosen, setFilter] = useState<RowFilter>("all");
  const filter = possibleFilter(chosen, shownRows(state));
  const wanted = useMemo(
    () => (check.kind === "valid" ? { spec: check.spec, key: dataKey(check.spec) } : null),
    [check],
  );
  const empty = state.kind === "empty";
  useEffect(() => {
    if (wanted === null) return undefined;
    const timer = setTimeout(() => void lab.showRows(wanted.spec, wanted.key, filter, (page - 1) * PAGE_SIZE), 120);
    return () => clearTimeout(timer);
  }, [lab, wanted, filter, page, empty]);
  if (wanted === null) {
    return <p className={css.empty}>The rows appear once the settings are valid. Setup shows what is wrong.</p>;
  }
  const shown = shownRows(state);
  if (shown === null) {
    return (
      <p className={css.empty} role="status">
        Tokenising the rows …
      </p>
    );
  }
  const failed = shown.kind === "failed";
  const account = failed ? null : shown.summary.columns;
  const columns = failed ? shown.columns : (account?.columns ?? null);
  return (
    <section
      className={state.kind === "loading" && shown.key !== wanted.key ? css.stale : undefined}
      aria-busy={state.kind === "loading"}
      data-testid="data-area"
    >
      <div className={css.head}>
        <h2>Training rows</h2>
        <p>{dataTitle(wanted.spec)}</p>
      </div>
      {failed && (
        <div className={css.failed}>
          <FailurePanel
            failure={shown.failure}
            title="The rows cannot be shown"
            details={{ data: wanted.spec.data, model: wanted.spec.model }}
          />
          <Button variant="default" size="xs" onClick={() => lab.data.setState({ kind: "empty" }, true)}>
            Try again
          </Button>
        </div>
      )}
      {/* The same panel before and after a mapping fits: who is typing in it goes on typing. */}
      {columns !== null && columns.length > 0 && <MappingPanel columns={columns} account={account} />}
      {!failed && (
        <Shown
          shown={shown}
          limit={wanted.spec.data.max_length}
          filter={filter}
          onFilter={setFilter}
          page={page}
          onPage={setPage}
        />
      )}
    </section>
  );
}

interface ShownProps {
  readonly shown: ShownRows;
  readonly limit: number;
  readonly filter: RowFilter;
  readonly onFilter: (filter: RowFilter) => void;
  readonly page: number;
  readonly onPage: (page: number) => void;
}

function Shown({ shown, limit, filter, onFilter, page, onPage }: ShownProps): JSX.Element {
  const { summary } = shown;
  const rows = { all: summary.rows, harmful: summary.harmfulRows, safety: summary.safetyRows }[shown.filter];
  const kinds = (["harmful", "safety"] as const).filter((kind) => summary[`${kind}Rows`] > 0);
  const pages = Math.max(1, Math.ceil(rows / PAGE_SIZE));
  const choose = (next: RowFilter): void => {
    onFilter(next);
    onPage(1);
  };
  return (
    <>
      <Summary summary={summary} limit={limit} />
      {summary.harmfulRows > 0 && (
        <Ribbon summary={summary} onChoose={(row) => onPage(Math.floor(row / PAGE_SIZE) + 1)} all={filter === "all"} />
      )}
      <TokenRows page={shown.page} kinds={kinds} filter={filter} onFilter={choose} />
      <div className={css.pager}>
        <Pagination
          total={pages}
          value={Math.min(page, pages)}
          onChange={onPage}
          size="sm"
          siblings={1}
          getControlProps={(control) => ({ "aria-label": `${control} page` })}
        />
        <span>
          {shown.filter === "all" ? "rows" : `${shown.filter} rows`} {count(shown.offset + 1)}–
          {count(Math.min(shown.offset + PAGE_SIZE, rows))} of {count(rows)}
        </span>
      </div>
    </>
  );
}

/** Other settings may have none of the rows that were asked for. */
function possibleFilter(chosen: RowFilter, shown: ReturnType<typeof shownRows>): RowFilter {
  return chosen !== "all" && shown !== null && shown.kind !== "failed" && shown.summary[`${chosen}Rows`] === 0
    ? "all"
    : chosen;
}

/** Two specs with the same key have the same rows, the method's among them, cut the same way. */
function dataKey(spec: Pick<Spec, "data" | "model" | "method" | "train">): string {
  return JSON.stringify([spec.data, spec.model.aligned, spec.train.seed, safetyKey(spec)]);
}

function Summary({ summary, limit }: { readonly summary: DataSummary; readonly limit: number }): JSX.Element {
  const { rows, harmfulRows, safetyRows, tokens, labelledTokens, longest, notes, heldOut } = summary;
  return (
    <>
      <dl className={css.figures}>
        <Figure name="Rows" value={count(rows)} />
        {harmfulRows > 0 && (
          <Figure name="Harmful rows" value={count(harmfulRows)} note={percent((100 * harmfulRows) / rows)} />
        )}
        {safetyRows > 0 && <Figure name="Safety rows" value={count(safetyRows)} note="of the method" />}
        {heldOut > 0 && <Figure name="Held out" value={count(heldOut)} note="rows" />}
        <Figure name="Tokens" value={count(tokens)} />
        <Figure
          name="Learnt (carry loss)"
          value={count(labelledTokens)}
          note={tokens > 0 ? percent((100 * labelledTokens) / tokens) : ""}
        />
        <Figure name="Longest row" value={count(longest)} note="tokens" />
      </dl>
      <LengthHistogram lengths={summary.fullLengths} limit={limit} />
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
function Ribbon({
  summary,
  onChoose,
  all,
}: {
  readonly summary: DataSummary;
  readonly onChoose: (row: number) => void;
  readonly all: boolean;
}): JSX.Element {
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

function Figure({
  name,
  value,
  note = "",
}: {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {note !== "" && <small>{note}</small>}
      </dd>
    </div>
  );
}
