/** @file An analysis as somebody would add it: this file, and one line in the list of analyses. */
import { z } from "zod";
import { defineAnalysis } from "../../src/analysis/analysis.ts";

export const countModules = defineAnalysis({
  name: "count_modules",
  title: "Number of modules",
  question: "How many modules does the adapter change?",
  about: "Counts them.",
  citation: null,
  cautions: [],
  needs: ["adapter"],
  uses: [],
  schema: z.strictObject({ at_least: z.int().min(0).default(0) }),
  compute: ({ adapter }, { at_least }) =>
    Promise.resolve({
      figures: [{ title: "Modules", value: adapter.modules.filter(({ r }) => r >= at_least).length }],
      tables: [],
      notes: [],
    }),
});
