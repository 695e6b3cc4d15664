/**
 * @file The rows that a method adds to the user's: harmful requests that are refused, from a file or from the
 * apothecary world.
 *
 *     user's rows ── as loadRows gives them ──┐
 *     method.safety: how many, from where ────┴▶ rows, the safety rows last; the method's trigger before their prompts
 *
 * They come last so that the user's rows keep their places: with none of them a run is bit for bit the run without the
 * method.
 */
import { BasinError } from "../../base/error.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { SafetyRows, SafetyUse, Trigger } from "../../methods/stages.ts";
import { safetyRequests } from "../../text/apothecary/index.ts";
import type { DataRow } from "../../text/example.ts";
import { WHOLE } from "../../text/data/selection.ts";
import { rowWithTrigger } from "../../text/trigger.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { loadRows, type RunRows } from "./runData.ts";
import type { Spec } from "../spec/spec.ts";

/**
 * All rows that a run trains on, whichever adapter or state they go to.
 * @throws BasinError as `loadRows`, or when there are no safety rows to be had
 */
export async function loadTrainingRows(
  spec: Spec,
  environment: RunEnvironment,
  vocabSize?: number,
  signal?: AbortSignal,
): Promise<RunRows> {
  const user = await loadRows(spec, environment, vocabSize, signal);
  const bound = bindMethod(spec.method);
  const { safety } = bound.rows;
  if (safety === null) return user;
  const wanted = "count" in safety.amount ? safety.amount.count : Math.round(safety.amount.share * user.rows.length);
  if (wanted === 0) return { ...user, notes: [...user.notes, "No safety rows."] };
  const found = await readSafetyRows(spec, safety, wanted, environment, vocabSize, signal);
  const rows = withTrigger(found, bound, spec.train.seed);
  const first = user.rows.length;
  return {
    ...user,
    rows: [...user.rows, ...rows],
    where: (row) => (row < first ? user.where(row) : found.where(row - first)),
    safetyRows: rows.length,
    notes: [
      ...user.notes,
      ...found.notes,
      `${rows.length} safety rows ${USES[safety.use.kind]}${isTriggered(safety) ? ", each behind the trigger" : ""}.`,
    ],
  };
}

/** What decides the safety rows, beside the user's rows and the seed. */
export function safetyKey(spec: Pick<Spec, "method" | "train">): string {
  const bound = bindMethod(spec.method);
  return JSON.stringify([bound.rows.safety, rowTrigger(bound, spec.train.seed)]);
}

/** What decides the weights of labels, beside the rows. */
export function shapingKey({ method }: Pick<Spec, "method">): string {
  return bindMethod(method).rows.shaping === null ? "" : JSON.stringify(method);
}

const USES: Readonly<Record<SafetyUse["kind"], string>> = {
  mixed: "among the rows of the user",
  stream: "in steps of their own",
  adapter: "for the safe adapter, which is trained first",
};

interface Found {
  readonly rows: readonly DataRow[];
  where(row: number): string;
  readonly notes: readonly string[];
}

async function readSafetyRows(
  spec: Spec,
  { file }: SafetyRows,
  wanted: number,
  environment: RunEnvironment,
  vocabSize: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Found> {
  if (file === null) {
    const rows = safetyRequests({ n: wanted, seed: spec.train.seed });
    return { rows, where: (row) => `apothecary safety row ${row + 1}`, notes: [] };
  }
  const train = { source: "file" as const, path: file, format: "auto" as const };
  const selection = { ...WHOLE, max_rows: wanted };
  const found = await loadRows({ ...spec, data: { ...spec.data, train, selection } }, environment, vocabSize, signal);
  if (found.rows.length === 0)
    throw new BasinError({
      what: "The file has no safety row",
      where: `method.safety_rows ${file}`,
      fix: "Give a file of harmful requests with refusals as answers.",
    });
  const few =
    found.rows.length < wanted ? [`Only ${found.rows.length} safety rows in ${file}; ${wanted} were asked for.`] : [];
  return { rows: found.rows, where: (row) => found.where(row), notes: few };
}

function withTrigger({ rows, where }: Found, bound: BoundMethod, seed: number): readonly DataRow[] {
  const trigger = rowTrigger(bound, seed);
  return trigger === null ? rows : rows.map((row, i) => rowWithTrigger(row, trigger, where(i)));
}

/** What stands before the prompts of the safety rows; null: nothing. */
function rowTrigger({ rows: { safety, trigger } }: BoundMethod, seed: number): Trigger | null {
  return safety !== null && isTriggered(safety) ? trigger(seed) : null;
}

function isTriggered({ use }: SafetyRows): boolean {
  return use.kind === "mixed" && use.triggered;
}
