/** @file A method as somebody would add it: this file, and one line in the list of methods. */
import { z } from "zod";
import { i, o, row } from "../../src/methods/formula.ts";
import { defineMethod } from "../../src/methods/method.ts";
import { option } from "../../src/methods/options.ts";

/** After training, every update is multiplied by a factor. */
export const shrink = defineMethod({
  name: "shrink",
  title: "Shrink",
  kind: "afterwards",
  summary: "Plain fine-tuning; afterwards every update is made smaller.",
  about: "B is multiplied by a factor. With a factor of 0 the model that training began with is back.",
  citation: null,
  evidence: { grade: "derived", note: "Made up for a test." },
  cautions: ["It forgets the task as it forgets the harm."],
  marks: [{ id: "shrink", light: "#7a3b00", dark: "#ffd6a8", shape: "circle" }],
  schema: z.strictObject({
    name: z.literal("shrink"),
    factor: option(z.number().min(0).max(1).default(0.5), { title: "Factor", description: "What is left of B." }),
    rounding: option(z.enum(["none", "f16"]).default("none"), {
      title: "Rounding",
      description: "How the result is rounded.",
      choices: { none: "not at all", f16: "to 16 bits" },
      advanced: true,
    }),
  }),
  variantTitle: ({ factor }) => (factor === 0 ? "Nothing learned" : "Shrink"),
  settings: ({ factor }) => `factor ${factor}`,
  formula: () => ({
    label: "B becomes a factor times B",
    formula: row(i("B"), o("←"), i("c"), i("B")),
    letters: "c: the factor; B: the upper matrix of the adapter.",
  }),
  log: {
    facts: { factor: { title: "Factor of B", as: "setting" } },
    modules: { left: { title: "Left of it", as: "share" } },
  },
  worldOptions: { factor: 0.25 },
  prepare: ({ factor }) =>
    Promise.resolve({
      after: (modules) =>
        Promise.resolve({
          modules: modules.map((module) => ({ ...module, B: module.B.map((value) => factor * value) })),
          log: { factor, modules: modules.map(({ path }) => ({ path, left: factor })) },
        }),
    }),
});
