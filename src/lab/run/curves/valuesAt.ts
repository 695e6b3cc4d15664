/** @file What stands under the cursor, in words. */
import { indexAt } from "../../ui/chartCursor.ts";
import type { Curve } from "./curves.ts";

export interface ValueAt {
  readonly key: string;
  readonly text: string;
  /** Where several series share a chart. */
  readonly color: string | null;
}

/** Every curve's value at a step, or at the last step before it that has one: evaluations say when they were. */
export function valuesAt(curves: readonly Curve[], step: number): readonly ValueAt[] {
  return curves.flatMap((curve) =>
    curve.series.flatMap((series): ValueAt[] => {
      let at = indexAt(curve.x, step);
      while (at !== null && at >= 0 && series.values.at(at) == null) at -= 1;
      const value = at === null ? null : series.values.at(at);
      const when = at === null ? undefined : curve.x.at(at);
      if (value == null) return [];
      const several = curve.series.length > 1 || series.points === true;
      const text = curve.short(value, series.label);
      return [
        {
          key: `${curve.key} ${series.label}`,
          text: when === step ? text : `${text} (step ${when ?? 0})`,
          color: several ? series.color : null,
        },
      ];
    }),
  );
}
