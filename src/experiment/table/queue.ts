/**
 * @file Runs the cells of a table one after the other, each once.
 *
 *     waiting ──▶ running ──▶ finished
 *                    ├──────▶ failed       recorded; the queue continues
 *                    └──────▶ waiting      interrupted: the cell runs again later
 *
 * The caller decides where cells run and where results are stored, and passes in the states of earlier results.
 */
import type { Cell } from "./expand.ts";
import type { CellState } from "./report.ts";

export interface Queue {
  readonly cells: readonly Cell[];
  /** By key. Cells that are not there wait. Kept up to date. */
  readonly states: Map<string, CellState>;
  /** Runs a cell; "interrupted" when it was given up before its end. Must not throw for a failure of the cell. */
  readonly run: (cell: Cell) => Promise<Extract<CellState, { kind: "finished" | "failed" }> | "interrupted">;
  /** Asked before each cell. */
  readonly pauseRequested: () => boolean;
  /** After each change of a state. */
  readonly onState: (cell: Cell, state: CellState) => void;
}

/** The cell that is run next: the first of its key that waits. */
export function nextCell(cells: readonly Cell[], states: ReadonlyMap<string, CellState>): Cell | undefined {
  return cells.find(({ key }) => (states.get(key)?.kind ?? "waiting") === "waiting");
}

/** Runs what waits. "paused": something still waits. */
export async function runQueue({ cells, states, run, pauseRequested, onState }: Queue): Promise<"done" | "paused"> {
  const enter = (cell: Cell, state: CellState): void => {
    states.set(cell.key, state);
    onState(cell, state);
  };
  for (;;) {
    const cell = nextCell(cells, states);
    if (cell === undefined) return "done";
    if (pauseRequested()) return "paused";
    enter(cell, { kind: "running" });
    const result = await run(cell);
    enter(cell, result === "interrupted" ? { kind: "waiting" } : result);
    if (result === "interrupted") return "paused";
  }
}

/** How many runs there are in each state; cells of one key are one run. */
export function countStates(
  cells: readonly Cell[],
  states: ReadonlyMap<string, CellState>,
): Readonly<Record<CellState["kind"], number>> {
  const counts = { waiting: 0, running: 0, finished: 0, failed: 0 };
  for (const key of new Set(cells.map((cell) => cell.key))) counts[states.get(key)?.kind ?? "waiting"] += 1;
  return counts;
}
