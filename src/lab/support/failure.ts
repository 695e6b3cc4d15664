/** @file Any thrown thing as what / where / fix, the form in which the lab shows errors. */
import { BasinError } from "../../base/error.ts";
import { isMissingFile } from "./missingFile.ts";
import type { RunFailure } from "../../experiment/run/events.ts";

/** Also of parts that a worker loads when they are first needed. */
const MISSING_FILE = {
  what: "A part of the lab could not be loaded",
  fix:
    "The site has a new version, or cannot be reached. A run continues; reload the page when it has finished, or try " +
    "again.",
};

export function toFailure(error: unknown, where: string): RunFailure {
  if (error instanceof BasinError) return { what: error.what, where: error.where, fix: error.fix };
  if (isMissingFile(error)) return { what: MISSING_FILE.what, where: error.message, fix: MISSING_FILE.fix };
  const message = error instanceof Error ? error.message : String(error);
  return {
    what: `An unexpected error: ${message}`,
    where: error instanceof Error && error.stack !== undefined ? `${where}: ${firstFrame(error.stack)}` : where,
    fix: "This is a bug in Basin. Copy the details and report it; reloading the page restores the lab.",
  };
}

function firstFrame(stack: string): string {
  return (
    stack
      .split("\n")
      .find((line) => /^\s*at |@/.test(line))
      ?.trim() ?? ""
  );
}
