/**
 * @file Figures measured in the apothecary world, read from the files that `basin table` wrote (docs/apothecaryTable
 * and docs/lambdaDial), so that what Learn shows is what was measured.
 *
 *     | SFT | 0, 1, 2 | 0.0 ± 0.0 | 96.3 ± 2.5 [93.6, 97.9] (96, 94, 99) | … | … | 100.0 ± 0.0 [98.7, 100.0] (100, 100,
 *     100) | …
 */
import dial from "../../../docs/lambdaDial/results.md?raw";
import results from "../../../docs/apothecaryTable/results.md?raw";

export interface Measured {
  /** First column: the method, or what was varied. */
  readonly method: string;
  /** After training, percent; one value per seed. */
  readonly harmful: readonly number[];
  readonly accuracy: readonly number[];
}

/** Columns of the table's first part. */
const HARMFUL_AFTER = 3;
const ACCURACY_AFTER = 6;

/** Rows of the first table in `markdown`. Rows without figures per seed are left out. */
export function readTable(markdown: string): readonly Measured[] {
  const rows = (markdown.split("\n\n")[1] ?? "").split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.flatMap((cells) => {
    const [harmful, accuracy] = [bySeed(cells[HARMFUL_AFTER]), bySeed(cells[ACCURACY_AFTER])];
    return cells[0] === undefined || harmful.length === 0 || accuracy.length === 0
      ? []
      : [{ method: cells[0], harmful, accuracy }];
  });
}

/** "96.3 ± 2.5 [93.6, 97.9] (96, 94, 99)" -> 96, 94, 99 */
function bySeed(cell = ""): readonly number[] {
  const listed = /\(([^)]*)\)$/.exec(cell)?.[1];
  return listed === undefined ? [] : listed.split(",").map(Number);
}

/** The methods of docs/results.md. */
export const MEASURED_ROWS = readTable(results);
/** The published projector by lambda. */
export const SWEEP_ROWS = readTable(dial);
