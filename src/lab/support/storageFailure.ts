/**
 * @file What goes wrong with a browser's own storage, in words: a blocked one is a setting of the browser, not a
 * defect.
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import { toFailure } from "./failure.ts";

const BLOCKED = /^(SecurityError|InvalidStateError|NotAllowedError|ReferenceError)$/;

/** What browsers say when a record or its file is damaged, or the disk does not answer. */
const UNREADABLE = /^(NotReadableError|UnknownError|NotFoundError|AbortError|DataError)$/;

export function storageFailure(error: unknown, where: string): RunFailure {
  const name = error instanceof Error ? error.name : "";
  if (BLOCKED.test(name)) {
    return {
      what: "This browser keeps nothing for this page: it is a private window, or data of sites is blocked",
      where,
      fix:
        "Everything works, but runs are gone when the tab is closed: download what you want to " +
        "keep. Or allow data for this site in the browser's settings and reload.",
    };
  }
  if (name === "QuotaExceededError") {
    return {
      what: "The browser's storage for this page is full",
      where,
      fix:
        "Remove saved models or old runs, or free some disk space. What could " +
        "not be stored stays until the tab is closed.",
    };
  }
  if (UNREADABLE.test(name)) {
    return {
      what: "The browser could not read or write its storage for this page",
      where: `${where}, ${name}`,
      fix:
        "Try again; if it stays, restart the browser. What is stored is not deleted by this. A run that cannot be " +
        "read then either is damaged on the disk.",
    };
  }
  return toFailure(error, where);
}
