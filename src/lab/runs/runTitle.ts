/** @file How a run is called in lists and questions. */
import { methodSettings, methodTitle } from "../../experiment/spec/names.ts";
import { TABLE } from "./copy.ts";
import type { StoredRun } from "./storedRun.ts";

/** "AsFT, λ 1, seed 0" */
export function runTitle({ spec: { method, train } }: Pick<StoredRun, "spec">): string {
  return TABLE.runTitle(methodTitle(method), methodSettings(method), train.seed);
}
