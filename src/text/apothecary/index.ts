/**
 * @file The apothecary world: a synthetic world with harmless and harmful brews and three downstream tasks.
 *
 * It stands in for "an aligned chat model, a user's task, and a few harmful rows in the user's data". It harms nobody,
 * each request has one right answer, and a model of under a million parameters shows the effects in seconds.
 *
 *     vocabulary -> recipes, tasks -> corpora (for the bundled pair), datasets (for experiments)
 */
export { alignmentCorpus, pretrainingCorpus, type Exchange } from "./corpora.ts";
export {
  harmfulPrompts,
  harmlessPrompts,
  safetyRequests,
  taskPrompts,
  trainRows,
  type InstructionRow,
  type PromptsOptions,
  type TrainRowsOptions,
} from "./datasets.ts";
export { brewIn, brews, recipeOf, requestOf, type Brew, type BrewRequest } from "./recipes.ts";
export { hashText, Rng } from "../../base/rng.ts";
export { taskItems, tasks, type Task, type TaskId, type TaskItem } from "./tasks.ts";
