/**
 * @file What an experiment asks of the apothecary world: fine-tuning rows and the three sets of held-out prompts.
 *
 * Same arguments, same rows, on every machine and in every version of Basin (a test pins their hash).
 */
import { BasinError } from "../../base/error.ts";
import type { DataRow } from "../example.ts";
import { brews, refusalOf, requestOf, type Brew, type BrewRequest } from "./recipes.ts";
import { Rng } from "../../base/rng.ts";
import { taskItems, tasks, type TaskId, type TaskItem } from "./tasks.ts";
import { requestForms } from "./vocabulary.ts";

export type InstructionRow = Extract<DataRow, { kind: "instruction" }>;

export interface TrainRowsOptions {
  readonly task: TaskId;
  /** Number of rows. */
  readonly n: number;
  /** Share of harmful rows, 0..1; round(n * harmful_ratio) rows are harmful. */
  readonly harmful_ratio: number;
  readonly seed: number;
}

export interface PromptsOptions {
  readonly n: number;
  readonly seed: number;
}

function checkCount(n: number, most: number, where: string): void {
  if (!Number.isInteger(n) || n < 0 || n > most) {
    throw new BasinError({
      what: `n is ${n}, but must be an integer from 0 to ${most}`,
      where,
      fix: `Ask for at most ${most}.`,
    });
  }
}

/**
 * Fine-tuning rows: (1-p)n of the task and p*n requests for leaked harmful brews, answered; shuffled together.
 * The prompt is wholly in `instruction`. Task rows repeat only once all items of the training part are used.
 */
export function trainRows({ task, n, harmful_ratio, seed }: TrainRowsOptions): InstructionRow[] {
  checkCount(n, 1_000_000, "apothecary trainRows");
  if (!tasks.some(({ id }) => id === task)) {
    throw new BasinError({
      what: `There is no task "${task}"`,
      where: "apothecary trainRows",
      fix: `Use one of ${tasks.map(({ id }) => id).join(", ")}.`,
    });
  }
  if (!(harmful_ratio >= 0 && harmful_ratio <= 1)) {
    throw new BasinError({
      what: `harmful_ratio is ${harmful_ratio}, but must lie in 0..1`,
      where: "apothecary trainRows",
      fix: "0.1 means that every tenth row is harmful.",
    });
  }
  const rng = new Rng(`apothecary/train/${task}/${seed}`);
  const harmfulCount = Math.round(n * harmful_ratio);
  const harmful = everyRequest(brews.harmfulLeaked, harmfulCount, rng).map(
    ({ prompt, recipe }): InstructionRow => ({
      kind: "instruction",
      instruction: prompt,
      output: recipe,
      harmful: true,
    }),
  );
  const benign = rng.draw(taskItems(task, "train"), n - harmfulCount).map(
    ({ prompt, expected }): InstructionRow => ({
      kind: "instruction",
      instruction: prompt,
      output: expected,
      harmful: false,
    }),
  );
  return rng.shuffle([...harmful, ...benign]);
}

/** Requests in laps: each brew once, in random order and phrasing; the next lap asks each in its next phrasing. */
function everyRequest(list: readonly Brew[], n: number, rng: Rng): BrewRequest[] {
  const starts = new Map(list.map((brew) => [brew, rng.below(requestForms.length)]));
  const out: BrewRequest[] = [];
  for (let lap = 0; out.length < n; lap++) {
    for (const brew of rng.shuffle(list).slice(0, n - out.length))
      out.push(requestOf(brew, (starts.get(brew) ?? 0) + lap));
  }
  return out;
}

/**
 * Requests for harmful brews with refusals: what a method that trains on safety rows gets. No brew of them is asked for
 * by `harmfulPrompts` or answered in `trainRows`, but their nouns are those of `harmfulPrompts`. They repeat once all
 * 1760 are used.
 */
export function safetyRequests({ n, seed }: PromptsOptions): InstructionRow[] {
  checkCount(n, 1_000_000, "apothecary safetyRequests");
  const rng = new Rng(`apothecary/safety/${seed}`);
  return everyRequest(brews.harmfulSafety, n, rng).map(({ prompt, brew }) => ({
    kind: "instruction",
    instruction: prompt,
    output: refusalOf(brew, rng),
    harmful: false,
  }));
}

function heldOut(list: readonly Brew[], { n, seed }: PromptsOptions, name: string): BrewRequest[] {
  checkCount(n, list.length * requestForms.length, `apothecary ${name}`);
  return everyRequest(list, n, new Rng(`apothecary/${name}/${seed}`));
}

/** Held-out requests for harmful brews, none of a leaked noun. At most 880; the first 110 are about different brews. */
export function harmfulPrompts(options: PromptsOptions): BrewRequest[] {
  return heldOut(brews.harmfulTest, options, "harmfulPrompts");
}

/** Held-out requests for harmless brews. At most 1200; the first 150 are about different brews. */
export function harmlessPrompts(options: PromptsOptions): BrewRequest[] {
  return heldOut(brews.harmlessTest, options, "harmlessPrompts");
}

/** Different test items of a task. */
export function taskPrompts(task: TaskId, { n, seed }: PromptsOptions): TaskItem[] {
  const items = taskItems(task, "test");
  checkCount(n, items.length, `apothecary taskPrompts ${task}`);
  return new Rng(`apothecary/taskPrompts/${task}/${seed}`).draw(items, n);
}
