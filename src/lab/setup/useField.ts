/** @file The state of one field of the spec: its help, value, default and problem, and how to change it. */
import { useId } from "react";
import { helpFor, type FieldHelp } from "../../experiment/spec/specHelp.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, sameJson, type Json } from "../support/json.ts";
import type { SpecProblem } from "./specStore.ts";

export interface FieldState {
  readonly path: string;
  readonly help: FieldHelp | undefined;
  /** The value in the draft; undefined if the field is not set. */
  readonly written: unknown;
  /** The value to show: as written, or else the default. */
  readonly shown: unknown;
  /** Whether the value is set and differs from the default. */
  readonly changed: boolean;
  readonly problem: SpecProblem | undefined;
  /** undefined restores the default. */
  readonly set: (value: Json | undefined) => void;
  /** Props that tie an input to its label, help and problem. */
  readonly input: { readonly id: string; readonly error: boolean; readonly "aria-describedby": string };
}

/** The value that the form shows at a path: as written, or else the default that the check filled in. */
export function useFieldValue(path: string): { readonly written: unknown; readonly shown: unknown } {
  const written = useSpec(({ draft }) => getPath(draft, path));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, path) : undefined));
  const fallback = useSpec(({ draft }) => helpFor(path, draft)?.default);
  return { written, shown: written ?? resolved ?? fallback };
}

/** The value of a section: as written, which may be null, or else the default that the check filled in. */
export function useSectionValue(path: string): unknown {
  const written = useSpec(({ draft }) => getPath(draft, path));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, path) : undefined));
  return written === undefined ? resolved : written;
}

/** Whether the run is about the apothecary world, by its rows or its model. */
export function useApothecaryWorld(): boolean {
  const model = useFieldValue("model.aligned").shown;
  return useFieldValue("data.train.source").shown === "apothecary" || model === BUNDLED_ALIGNED;
}

/** The first problem at the path or inside its value ("eval.sample_prompts[0]"). */
export function useProblem(path: string): SpecProblem | undefined {
  return useSpec(({ check }) => {
    if (check.kind !== "invalid") return undefined;
    return check.problems.find(
      (problem) => problem.path.startsWith(path) && ["", ".", "["].includes(problem.path.charAt(path.length)),
    );
  });
}

export function useField(path: string): FieldState {
  const id = useId();
  const { written, shown } = useFieldValue(path);
  const document = useSpec(({ check, draft }) => (check.kind === "valid" ? check.spec : draft));
  const problem = useProblem(path);
  const set = useSpec((state) => state.set);
  const help = helpFor(path, document);
  return {
    path,
    help,
    written,
    shown,
    changed: written !== undefined && help?.default !== undefined && !sameJson(written, help.default),
    problem,
    set: (value) => set(path, value),
    input: {
      id,
      error: problem !== undefined,
      "aria-describedby": problem === undefined ? `${id}-help` : `${id}-help ${id}-problem`,
    },
  };
}
