/** @file An analysis by its name. list.ts has the analyses. */
import { BasinError } from "../base/error.ts";
import type { Analysis } from "./analysis.ts";
import { ANALYSES } from "./list.ts";

/** @throws BasinError for a name that no analysis has */
export function analysisNamed(name: string): Analysis {
  const found = ANALYSES.find((analysis) => analysis.name === name);
  if (found !== undefined) return found;
  throw new BasinError({
    what: `There is no analysis called ${JSON.stringify(name)}`,
    where: "analysis",
    fix: `Choose one of ${ANALYSES.map((analysis) => analysis.name).join(", ")}.`,
  });
}
