/** @file The option by which methods that train on refusals let a user give rows of their own. */

import { z } from "../base/zod.ts";
import { type OptionText, option } from "./options.ts";

const WORDS: OptionText = {
  title: "Safety rows",
  description:
    "File of harmful requests with refusals as answers, in the formats of training rows. Empty: refusals of the " +
    "apothecary world, about brews that no evaluation and no harmful row uses.",
  advanced: true,
  names: "file",
};

/** @param when where it only matters under another option */
export function safetyRowsOption(when?: OptionText["when"]): z.ZodDefault<z.ZodNullable<z.ZodString>> {
  return option(z.string().min(1).nullable().default(null), when === undefined ? WORDS : { ...WORDS, when });
}

/** A caution of every method that draws its safety rows from the bundled world. */
export const FAVOURABLE_CASE =
  "In the apothecary world the safety rows never name a brew of the evaluation or of a harmful row, but they are " +
  "about the same kinds of brews as the evaluation: a favourable case.";
