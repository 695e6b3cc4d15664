/**
 * @file Dawn's warnings about limits that it lowers ("maxDynamicUniformBuffersPerPipelineLayout artificially reduced
 * …"): no limit that Basin uses, and nothing that a person could do about it. Dawn writes them itself to the process's
 * standard error, past Node, and has no switch for it.
 *
 * While an adapter is asked for, standard error is a file, of which everything else is written again afterwards. That
 * needs a way back to where standard error led before: for a terminal, a pipe, or a file opened for appending it can be
 * opened a second time (/dev/fd); for anything else the warnings stay.
 */
import { closeSync, fstatSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STDERR = 2;
const NOISE = /^Warning: maxDynamic\w+ artificially reduced from .*\n?/gm;

/** What `work` returns, without those warnings where they can be left out. */
export async function withoutLimitWarnings<T>(work: () => Promise<T>): Promise<T> {
  const back = reopen();
  if (back === null) return work();
  const path = join(tmpdir(), `basin-stderr-${process.pid}`);
  const restore = (): void => {
    lead(() => openSync(`/dev/fd/${back}`, "a"));
    closeSync(back);
  };
  if (!lead(() => openSync(path, "w"))) {
    restore();
    return work();
  }
  try {
    return await work();
  } finally {
    restore();
    const rest = readFileSync(path, "utf8").replace(NOISE, "");
    unlinkSync(path);
    if (rest !== "") writeSync(STDERR, rest);
  }
}

/** A second descriptor to where standard error leads; null where there is none, or not safely. */
function reopen(): number | null {
  if (process.platform === "win32" || !canSwap()) return null;
  try {
    const stat = fstatSync(STDERR);
    if (!stat.isFIFO() && !stat.isCharacterDevice() && !appends()) return null;
    return openSync(`/dev/fd/${STDERR}`, "a");
  } catch {
    return null;
  }
}

/** A closed descriptor's number goes to the next file that is opened: no other may be opened meanwhile. */
function canSwap(): boolean {
  try {
    for (const descriptor of [0, 1]) fstatSync(descriptor);
  } catch {
    return false;
  }
  return !process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"));
}

function appends(): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${STDERR}`, "utf8"))?.[1];
  return flags !== undefined && (parseInt(flags, 8) & 0o2000) !== 0;
}

/** Closes standard error and opens it anew; false where `open` failed (it then leads where it did, or nowhere). */
function lead(open: () => number): boolean {
  closeSync(STDERR);
  try {
    const opened = open();
    if (opened === STDERR) return true;
    closeSync(opened);
  } catch {
    // Closed, as with 2>&-: the caller leads it back.
  }
  return false;
}
