/** @file The training rows as the model sees them: their tokens, which tokens carry loss, which rows are harmful. */
import { Button, Pagination } from "@mantine/core";
import { useEffect, useMemo, useState, type JSX } from "react";
import { safetyKey } from "../../experiment/data/safetyRows.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { useRows, useLab, useSpec } from "../shell/app/labContext.ts";
import { AreaHead } from "../ui/AreaHead.tsx";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { dataTitle } from "../run/labels.ts";
import { count, percent } from "../support/format.ts";
import type { DataSummary, RowFilter } from "../worker/protocol/rows.ts";
import { shownRows, PAGE_SIZE, type ShownRows } from "./rowsStore.ts";
import { AREA, SUMMARY } from "./copy.ts";
import { LengthHistogram } from "./LengthHistogram.tsx";
import { ColumnsPanel } from "./ColumnsPanel.tsx";
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
    const timer = setTimeout(
      () => void lab.preview.showRows({ ...wanted, filter, offset: (page - 1) * PAGE_SIZE }),
      120,
    );
    return () => clearTimeout(timer);
  }, [lab, wanted, filter, page, empty]);
  if (wanted === null) {
    return <p className={css.empty}>{AREA.invalidSettings}</p>;
  }
  const shown = shownRows(state);
  if (shown === null) {
    return (
      <p className={css.empty} role="status">
        {AREA.loading}
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
      <AreaHead title={AREA.title}>{dataTitle(wanted.spec)}</AreaHead>
      {failed && (
        <div className={css.failed}>
          <FailurePanel
            failure={shown.failure}
            title={AREA.failed}
            details={{ data: wanted.spec.data, model: wanted.spec.model }}
          />
          <Button variant="default" size="xs" onClick={() => lab.preview.clearRows()}>
            {AREA.retry}
          </Button>
        </div>
      )}
      {/* The same element before and after the columns fit, so that its input keeps the focus. */}
      {columns !== null && columns.length > 0 && <ColumnsPanel columns={columns} account={account} />}
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
          getControlProps={(control) => ({ "aria-label": AREA.page(control) })}
        />
        <span>
          {AREA.range(
            shown.filter,
            count(shown.offset + 1),
            count(Math.min(shown.offset + PAGE_SIZE, rows)),
            count(rows),
          )}
        </span>
      </div>
    </>
  );
}

/** The chosen filter, or all rows if there are none of that kind. */
function possibleFilter(chosen: RowFilter, shown: ReturnType<typeof shownRows>): RowFilter {
  return chosen !== "all" && shown !== null && shown.kind !== "failed" && shown.summary[`${chosen}Rows`] === 0
    ? "all"
    : chosen;
}

/** Equal for specs with the same rows (including those that the method adds), truncated the same way. */
function dataKey(spec: Pick<Spec, "data" | "model" | "method" | "train">): string {
  return JSON.stringify([spec.data, spec.model.aligned, spec.train.seed, safetyKey(spec)]);
}

function Summary({ summary, limit }: { readonly summary: DataSummary; readonly limit: number }): JSX.Element {
  const { rows, harmfulRows, safetyRows, tokens, labelledTokens, longest, notes, heldOut } = summary;
  return (
    <>
      <dl className={css.figures}>
        <Figure name={SUMMARY.rows} value={count(rows)} />
        {harmfulRows > 0 && (
          <Figure name={SUMMARY.harmfulRows} value={count(harmfulRows)} note={percent((100 * harmfulRows) / rows)} />
        )}
        {safetyRows > 0 && <Figure name={SUMMARY.safetyRows} value={count(safetyRows)} note={SUMMARY.addedByMethod} />}
        {heldOut > 0 && <Figure name={SUMMARY.heldOut} value={count(heldOut)} note={SUMMARY.heldOutUnit} />}
        <Figure name={SUMMARY.tokens} value={count(tokens)} />
        <Figure
          name={SUMMARY.tokensWithLoss}
          value={count(labelledTokens)}
          note={tokens > 0 ? percent((100 * labelledTokens) / tokens) : ""}
        />
        <Figure name={SUMMARY.longest} value={count(longest)} note={SUMMARY.longestUnit} />
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

interface RibbonProps {
  readonly summary: DataSummary;
  readonly onChoose: (row: number) => void;
  /** Whether all rows are shown; a row has no page otherwise. */
  readonly all: boolean;
}

/** All rows from first to last, with a mark for each harmful row. A click opens the page with that row. */
function Ribbon({ summary, onChoose, all }: RibbonProps): JSX.Element {
  const { rows, harmful } = summary;
  const marks = [...harmful].flatMap((one, row) => (one === 1 ? [row] : []));
  return (
    <svg
      className={css.ribbon}
      viewBox={`0 0 ${rows} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={AREA.ribbon(marks.length, rows)}
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

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

function Figure({ name, value, note = "" }: FigureProps): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {note !== "" && <small>{note}</small>}
      </dd>
    </div>
  );
}
