/**
 * @file State that the charts of a run share: the step under the pointer and the steps in view. Without React.
 *
 *     arrow keys on the step slider or heatmap  ->  point(step)         ->  every chart, heatmap and readout
 *     pointer over a chart or heatmap           ->  hover(step, where)  ->  the same
 *     drag over a chart                         ->  zoomTo(view)        ->  every chart and heatmap
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { LastInput, type PointerPlace } from "./lastInput.ts";
import type { Values } from "./longValues.ts";

export type StepRange = readonly [from: number, to: number];

export interface ChartCursor {
  /** null: no step is pointed at, readouts show the last values. */
  readonly step: number | null;
  /** null: all steps. */
  readonly view: StepRange | null;
  /** By keys. */
  readonly point: (step: number | null) => void;
  /**
   * By a pointer; null: it left.
   *
   * @return whether it counts, see lastInput.ts
   */
  readonly hover: (step: number | null, where: PointerPlace) => boolean;
  /** A view narrower than two steps is widened around its middle. */
  readonly zoomTo: (view: StepRange | null) => void;
}

export type ChartCursorStore = StoreApi<ChartCursor>;

export function createChartCursor(input = new LastInput()): ChartCursorStore {
  return createStore<ChartCursor>()((set, get) => {
    const show = (step: number | null): void => {
      if (get().step !== step) set({ step });
    };
    return {
      step: null,
      view: null,
      point: (step) => {
        input.keys(step !== null);
        show(step);
      },
      hover: (step, where) => {
        const counts = input.pointer(where);
        if (counts) show(step);
        return counts;
      },
      zoomTo: (view) => set({ view: view === null ? null : widened(view) }),
    };
  });
}

const NARROWEST = 2;

function widened([from, to]: StepRange): StepRange {
  if (to - from >= NARROWEST) return [from, to];
  const middle = (from + to) / 2;
  return [middle - NARROWEST / 2, middle + NARROWEST / 2];
}

/** The view after zooming by `factor` (below 1: closer) around a step, inside [0, last]; null if it shows all steps. */
export function zoomedAround(view: StepRange | null, around: number, factor: number, last: number): StepRange | null {
  const [from, to] = view ?? [0, last];
  const width = (to - from) * factor;
  if (width >= last) return null;
  const share = (around - from) / Math.max(1e-9, to - from);
  const start = Math.min(Math.max(0, around - width * Math.min(1, Math.max(0, share))), last - width);
  return [start, start + width];
}

/** Index of the last of the ascending `steps` that is not after `step`; null if all are after it. */
export function indexAt(steps: Pick<Values, "length" | "at">, step: number): number | null {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps.at(middle) ?? Infinity) <= step) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : low - 1;
}
