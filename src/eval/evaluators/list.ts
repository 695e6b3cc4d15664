/** @file The task evaluators, one line each, in the order in which they are asked whether rows suit them. */
import { finalNumber } from "./finalNumber.ts";
import { labelMatch } from "./labelMatch.ts";
import { perplexity } from "./perplexity.ts";

export const EVALUATORS = [
  finalNumber, //
  labelMatch,
  perplexity,
] as const;
