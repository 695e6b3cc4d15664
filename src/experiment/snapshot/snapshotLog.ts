/**
 * @file The log beside a run's snapshots: what the run has reported, which a snapshot would otherwise repeat whole each
 * time. It is only ever appended to; a snapshot says where it ended when the snapshot was made.
 *
 *     log        SHA-256 [entries]⏎     of the snapshot before
 *                SHA-256 [entries]⏎     of this one          ◂── { bytes, sha256 } in the snapshot
 *                …                      written since, perhaps cut off: not read, and overwritten
 *
 * A line is a digest in hexadecimal, a space, and JSON. The digest is that of the line before, followed by the JSON, so
 * that the last one stands for all that is read.
 */
import { BasinError } from "../../base/error.ts";
import type { StepMetrics } from "../run/events.ts";
import type { ModuleColumn, Sampled } from "../run/observations.ts";
import { sha256 } from "../../base/sha256.ts";
import type { RecordedEvaluation } from "./runSnapshot.ts";

/** One thing that a run has reported. */
export type LogEntry =
  | { readonly step: StepMetrics }
  | { readonly evaluation: RecordedEvaluation }
  | { readonly modules: ModuleColumn }
  | { readonly sampled: Sampled };

/** A place in the log: all that is before it. */
export interface LogEnd {
  readonly bytes: number;
  /** Of the last line before it; empty at the beginning. */
  readonly sha256: string;
}

export const LOG_START: LogEnd = { bytes: 0, sha256: "" };

/** Bytes to be written into the log at a place, instead of what follows there. */
export interface LogPart {
  readonly at: number;
  /** Empty where there is nothing to write. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a log holds, each kind in the order in which it was reported. */
export interface LogContent {
  readonly steps: readonly StepMetrics[];
  readonly evaluations: readonly RecordedEvaluation[];
  readonly modules: readonly ModuleColumn[];
  readonly samples: readonly Sampled[];
}

/** The entries as the next part of a log, and where it ends then. */
export async function encodeLogPart(
  entries: readonly LogEntry[],
  from: LogEnd,
): Promise<{ readonly part: LogPart; readonly end: LogEnd }> {
  if (entries.length === 0) return { part: { at: from.bytes, bytes: new Uint8Array() }, end: from };
  const text = JSON.stringify(entries);
  const digest = await lineDigest(from.sha256, text);
  const bytes = new TextEncoder().encode(`${digest} ${text}\n`);
  return { part: { at: from.bytes, bytes }, end: { bytes: from.bytes + bytes.byteLength, sha256: digest } };
}

/**
 * What a log holds up to a place.
 * @param name of the log in errors
 * @throws BasinError for a log that is cut off or damaged before that place
 */
export async function decodeLog(log: Uint8Array<ArrayBuffer>, end: LogEnd, name: string): Promise<LogContent> {
  const steps: StepMetrics[] = [];
  const evaluations: RecordedEvaluation[] = [];
  const modules: ModuleColumn[] = [];
  const samples: Sampled[] = [];
  let before = "";
  for (const line of linesOf(log.subarray(0, end.bytes))) {
    const digest = line.slice(0, DIGEST_LENGTH);
    const text = line.slice(DIGEST_LENGTH + 1);
    if ((await lineDigest(before, text)) !== digest) throw damaged(name);
    before = digest;
    for (const entry of JSON.parse(text) as readonly LogEntry[]) {
      if ("step" in entry) steps.push(entry.step);
      else if ("evaluation" in entry) evaluations.push(entry.evaluation);
      else if ("modules" in entry) modules.push(entry.modules);
      else samples.push(entry.sampled);
    }
  }
  if (before !== end.sha256) throw damaged(name);
  return { steps, evaluations, modules, samples };
}

/** Of a SHA-256 in hexadecimal. */
const DIGEST_LENGTH = 64;
const NEWLINE = 10;

/** Line by line: a string of the whole log may be longer than strings can be. */
function* linesOf(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.byteLength; ) {
    const found = bytes.indexOf(NEWLINE, at);
    const end = found < 0 ? bytes.byteLength : found;
    yield decoder.decode(bytes.subarray(at, end));
    at = end + 1;
  }
}

function lineDigest(before: string, text: string): Promise<string> {
  return sha256(new TextEncoder().encode(before + text));
}

function damaged(where: string): BasinError {
  return new BasinError({
    what: "The log of the snapshot is cut off or damaged",
    where,
    fix: "Start the run again.",
  });
}
