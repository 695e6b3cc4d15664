/** @file The judges of harm, one line each, in the order in which they are listed. */
import { apothecaryRules } from "./apothecaryRules.ts";
import { classifier } from "./classifier.ts";
import { refusalLogprob } from "./refusalLogprob.ts";
import { refusalPhrases } from "./refusalPhrases.ts";

export const JUDGES = [
  apothecaryRules, //
  refusalPhrases,
  refusalLogprob,
  classifier,
] as const;
