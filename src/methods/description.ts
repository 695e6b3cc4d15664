/**
 * @file A description of a method: its words, colours and shape, what its log means, how Python replays it.
 * Whoever shows a method asks these facts; nobody knows a method by its name.
 */

import type { FormulaPiece } from "./formula.ts";
import type { MethodOption } from "./options.ts";
import type { MethodLog } from "./stages.ts";

/** How well a method's formulas are attested (best first). */
export type Evidence = "primary code" | "paper" | "second-hand" | "reconstruction" | "derived";

/** Where a method acts: on the loss, by rows that it adds, or on the adapter after training. */
export type MethodKind = "loss" | "rows" | "afterwards";

/** Shapes, so that nobody has to tell colours apart. */
export type MarkShape =
  | "circle"
  | "square"
  | "diamond"
  | "up"
  | "down"
  | "plus"
  | "cross"
  | "star"
  | "hourglass"
  | "chevron";

/** The sign of a method in plots, lists and legends. */
export interface Mark {
  /** Of the CSS variable `--id` and the report's class `c-id`. */
  readonly id: string;
  /**
   * #rrggbb on light and on dark ground. Apart from all other marks for every kind of colour vision (palette.test.ts).
   */
  readonly light: string;
  readonly dark: string;
  readonly shape: MarkShape;
}

export interface MethodFormula {
  /** What the formula says, for screen readers. */
  readonly label: string;
  readonly formula: FormulaPiece;
  /** What the letters mean, in a sentence or two. */
  readonly letters: string;
}

/** How a run's penalty reads; for methods that add one to the loss. */
export interface PenaltyText {
  /** Beside the curve. */
  readonly unit: string;
  /** Beside the figures of each module. */
  readonly moduleUnit: string;
}

/** A figure of the method's log. */
export interface LogFigure {
  readonly title: string;
  /** share: shown in percent. setting: as it was set. count: a whole number. Otherwise three significant digits. */
  readonly as?: "share" | "setting" | "count";
  /** A bar beside each number of a column, so that modules can be compared at a glance. */
  readonly draw?: "bar";
}

/** How the method's log (`report.method` of a run) reads. What is not listed is shown under its own name. */
export interface LogPanel {
  /** Single values. */
  readonly facts: Readonly<Record<string, LogFigure>>;
  /** Columns of the table of modules. */
  readonly modules: Readonly<Record<string, LogFigure>>;
  /** Sentences made of what is neither a single value nor a table. */
  readonly summary?: (log: MethodLog) => readonly (readonly [title: string, value: string])[];
}

/** How train.py of an exported experiment runs the method. */
export interface Replay {
  /**
   * The Python module, without ".py", that train.py asks; null: the method is its rows, and those are in the export.
   */
  readonly module: string | null;
  /** Name in the folder -> text; loaded only when something is exported. */
  readonly files: Readonly<Record<string, () => Promise<{ readonly default: string }>>>;
}

/** Everything that does not depend on the options. */
export interface MethodDescription {
  /** In a spec. */
  readonly name: string;
  /** In a list of methods. */
  readonly title: string;
  readonly kind: MethodKind;
  /** A sentence. */
  readonly summary: string;
  /** A paragraph. */
  readonly about: string;
  readonly citation: { readonly text: string; readonly url: string } | null;
  readonly evidence: { readonly grade: Evidence; readonly note: string };
  /** Known degeneracies and limits, for the reader of a result. */
  readonly cautions: readonly string[];
  /** The marks of all variants, the usual one first. */
  readonly marks: readonly [Mark, ...Mark[]];
  readonly log: LogPanel;
  /** null: it cannot be replayed. */
  readonly replay: Replay | null;
  /**
   * Options for the short runs of the apothecary world (125 steps, 1000 rows), where the published ones suit runs ten
   * times as long, larger models or other cosines.
   */
  readonly worldOptions: Readonly<Record<string, string | number>>;
  /** Options with which it does without the unaligned twin, as in "choose the projector none"; null: there are none. */
  readonly withoutTwin: string | null;
  /** Derived from the schema. */
  readonly options: readonly MethodOption[];
}
