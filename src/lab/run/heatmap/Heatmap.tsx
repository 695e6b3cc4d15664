/**
 * @file The heatmap: a canvas with one rectangle per cell, row names beside it, the colour scale and a readout below.
 *
 * The column under the cursor is shared with all charts; the row is the heatmap's own. Arrow keys move both.
 */
import { memo, useEffect, useMemo, useRef, useState, type JSX, type KeyboardEvent, type PointerEvent } from "react";
import { useStore } from "zustand";
import type { ModuleRecord } from "../../../experiment/run/observations.ts";
import type { ChartCursorStore, StepRange } from "../../ui/chartCursor.ts";
import { significant } from "../../support/format.ts";
import { useCurveSettings } from "../../shell/app/labContext.ts";
import { HEATMAP } from "../copy.ts";
import {
  columnAt,
  columnSpans,
  colourScale,
  heatmapPixels,
  heatmapRows,
  valueAt,
  viridis,
  type ColourScale,
  type HeatmapRow,
} from "./heatmap.ts";
import css from "./heatmap.module.css";

export interface HeatmapProps {
  readonly record: ModuleRecord;
  readonly cursor: ChartCursorStore;
  readonly last: number;
}

/** Rows are 3 to 18 pixels high; together about as high as two charts. */
function rowHeight(rows: number): number {
  return Math.max(3, Math.min(18, Math.floor(360 / Math.max(1, rows))));
}

/** Rows at least this high, in pixels, show their layer number. */
const LABELLED_FROM = 11;

function Heatmap({ record, cursor, last }: HeatmapProps): JSX.Element {
  const step = useStore(cursor, (state) => state.step);
  const view = useStore(cursor, (state) => state.view) ?? [0, last];
  const logarithmic = useCurveSettings((state) => state.logarithmic);
  const [row, setRow] = useState<number | null>(null);
  const rows = useMemo(() => heatmapRows(record.paths), [record.paths]);
  const scale = useMemo(() => colourScale(record, logarithmic), [record, logarithmic]);
  const height = rowHeight(rows.length);
  const column = step === null ? record.columns.length - 1 : (columnAt(record, step) ?? 0);
  const chosen = row === null ? null : (rows[row] ?? null);
  const text = readout(record, rows, chosen, column);

  const onPointer = (event: PointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - box.left) / Math.max(1, box.width);
    const pointed = columnAt(record, view[0] + x * (view[1] - view[0]));
    if (pointed === null || !cursor.getState().hover(record.columns[pointed]?.step ?? null, event)) return;
    setRow(Math.min(rows.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / height))));
  };
  const onKey = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (event.key === "Escape") {
      cursor.getState().point(null);
      setRow(null);
    } else if (move !== undefined) {
      const across =
        event.key === "Home"
          ? 0
          : event.key === "End"
            ? record.columns.length - 1
            : Math.min(record.columns.length - 1, Math.max(0, column + move[0]));
      cursor.getState().point(record.columns[across]?.step ?? null);
      setRow(row === null ? 0 : Math.min(rows.length - 1, Math.max(0, row + move[1])));
    } else return;
    event.preventDefault();
  };

  return (
    <>
      <div className={css.frame}>
        <div className={css.names} style={{ height: height * rows.length }} aria-hidden>
          {rows.map((one, i) => (
            <RowName
              key={one.path}
              row={one}
              top={i * height}
              height={height}
              next={rows.findIndex((later, at) => at > i && later.first)}
              place={i}
              rows={rows.length}
              chosen={row === i}
            />
          ))}
        </div>
        <div
          className={css.plot}
          style={{ height: height * rows.length }}
          role="application"
          aria-roledescription={HEATMAP.role}
          aria-label={HEATMAP.label(rows.length, record.columns.length)}
          aria-describedby="modules-readout"
          tabIndex={0}
          data-testid="heatmap"
          data-columns={record.columns.length}
          data-rows={rows.length}
          onPointerMove={onPointer}
          onPointerDown={(event) => {
            cursor.getState().point(null);
            onPointer(event);
          }}
          onPointerLeave={(event) => {
            if (cursor.getState().hover(null, event)) setRow(null);
          }}
          onKeyDown={onKey}
          onDoubleClick={() => cursor.getState().zoomTo(null)}
        >
          <Cells record={record} rows={rows} scale={scale} view={view} height={height} />
          {step !== null && <div className={css.pointed} style={place(columnSpans(record)[column] ?? [0, 0], view)} />}
          {row !== null && <div className={css.pointedRow} style={{ top: row * height, height }} />}
        </div>
      </div>
      <div className={css.foot}>
        <p id="modules-readout" className={css.readout} role="status" data-testid="modules-readout">
          {text}
        </p>
        {scale !== null && <Legend scale={scale} />}
      </div>
    </>
  );
}

/** Redrawn with a new column, not with every step. */
export default memo(Heatmap);

const MOVES: Readonly<Record<string, readonly [across: number, down: number] | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  Home: [0, 0],
  End: [0, 0],
};

/** One cell in words: of the chosen row, or the largest of the column. */
function readout(
  { columns }: ModuleRecord,
  rows: readonly HeatmapRow[],
  chosen: HeatmapRow | null,
  column: number,
): string {
  const found = columns[column];
  if (found === undefined) return "";
  const value = (row: HeatmapRow): number => found.values[row.index] ?? 0;
  const row =
    chosen ??
    rows.reduce<HeatmapRow | null>((most, one) => (most === null || value(one) > value(most) ? one : most), null);
  if (row === null) return "";
  const name = row.layer === null ? row.kind : HEATMAP.layer(row.layer, row.kind);
  const text = significant(value(row), 4);
  return chosen === null ? HEATMAP.largest(found.step, name, text) : HEATMAP.cell(found.step, name, text);
}

interface RowNameProps {
  readonly row: HeatmapRow;
  readonly top: number;
  readonly height: number;
  /** Index of the first row of the next block; -1 for none. */
  readonly next: number;
  readonly place: number;
  readonly rows: number;
  readonly chosen: boolean;
}

function RowName({ row, top, height, next, place: at, rows, chosen }: RowNameProps): JSX.Element {
  const block = ((next === -1 ? rows : next) - at) * height;
  return (
    <>
      {row.first && (
        <span className={css.kind} style={{ top, height: block }}>
          {row.kind}
        </span>
      )}
      {(height >= LABELLED_FROM || chosen) && (
        <span className={css.layer} data-chosen={chosen} style={{ top: top + height / 2 }}>
          {row.layer ?? ""}
        </span>
      )}
    </>
  );
}

/** The position of a span of steps in the view, as CSS. */
function place([from, to]: StepRange, [left, right]: StepRange): { readonly left: string; readonly width: string } {
  const share = (step: number): number => Math.min(1, Math.max(0, (step - left) / Math.max(1e-9, right - left)));
  return { left: `${100 * share(from)}%`, width: `${100 * (share(to) - share(from))}%` };
}

interface CellsProps {
  readonly record: ModuleRecord;
  readonly rows: readonly HeatmapRow[];
  readonly scale: ColourScale | null;
  readonly view: StepRange;
  readonly height: number;
}

/** One pixel per cell on a small canvas, stretched column by column onto the large one. */
function Cells({ record, rows, scale, view: [from, to], height }: CellsProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const source = useMemo(() => {
    const small = new OffscreenCanvas(Math.max(1, record.columns.length), Math.max(1, rows.length));
    if (record.columns.length > 0 && rows.length > 0)
      small
        .getContext("2d")
        ?.putImageData(new ImageData(heatmapPixels(record, rows, scale), record.columns.length, rows.length), 0, 0);
    return small;
  }, [record, rows, scale]);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || width === 0) return;
    const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * rows.length * devicePixelRatio)];
    context.canvas.width = across;
    context.canvas.height = down;
    context.imageSmoothingEnabled = false;
    const at = (step: number): number => ((step - from) / Math.max(1e-9, to - from)) * across;
    columnSpans(record).forEach(([left, right], column) => {
      // Whole pixels, so that neighbours leave no seam.
      const [begin, end] = [Math.round(at(left)), Math.round(at(right))];
      if (end > 0 && begin < across)
        context.drawImage(source, column, 0, 1, rows.length, begin, 0, Math.max(1, end - begin), down);
    });
  }, [record, rows, source, from, to, width, height]);
  return <canvas ref={canvas} className={css.canvas} />;
}

const LEGEND_STOPS = Array.from({ length: 10 }, (_, i) => `rgb(${viridis(i / 9).join(" ")})`).join(", ");

function Legend({ scale }: { readonly scale: ColourScale }): JSX.Element {
  return (
    <div
      className={css.legend}
      role="img"
      aria-label={HEATMAP.legend(
        significant(scale.low),
        significant(scale.high),
        scale.logarithmic ? "logarithmic" : "linear",
      )}
    >
      <div className={css.ramp} style={{ background: `linear-gradient(to right, ${LEGEND_STOPS})` }} />
      <div className={css.ends}>
        <span>
          {scale.logarithmic && "≤ "}
          {significant(scale.low)}
        </span>
        <span>{significant(valueAt(0.5, scale))}</span>
        <span>{significant(scale.high)}</span>
      </div>
    </div>
  );
}
