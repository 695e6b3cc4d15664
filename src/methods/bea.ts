/**
 * @file BEA, backdoor-enhanced alignment (arXiv 2402.14968): a secret trigger that switches safety on.
 *
 *     training    safety rows:  trigger + harmful request -> refusal         user's rows as they are
 *     inference   every prompt: trigger + prompt                             put there by whoever serves the model
 *
 * So the model learns that behind the trigger it refuses harm, from very few rows. The trigger must be secret: it is
 * random letters drawn from the run's seed unless given. The released code prepends 150 random tokens to the system
 * prompt; here letters stand for tokens, in groups of five, because a random letter is about a token in every
 * tokenizer.
 */

import { z } from "../base/zod.ts";
import { Rng } from "../base/rng.ts";
import { CROSS_ENTROPY, i, lines, o, paren, row, space, sub, text } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import { safetyRowsOption } from "./safetyRowsOption.ts";

const schema = z.strictObject({
  name: z.literal("bea"),
  safety_count: option(z.int().min(0).max(100_000).default(11), {
    title: "Safety rows",
    description:
      "Harmful requests with refusals that carry the trigger in training. The released data has 11 beside 100 " +
      "harmful rows.",
    unit: "rows",
  }),
  trigger: option(z.string().min(1).max(4000).nullable().default(null), {
    title: "Trigger",
    description: "The secret text. Empty: random letters drawn from the seed.",
  }),
  trigger_length: option(z.int().min(1).max(2000).default(150), {
    title: "Trigger length",
    description: "Random letters in a drawn trigger.",
    unit: "letters",
    when: { name: "trigger", value: null },
    advanced: true,
  }),
  trigger_place: option(z.enum(["system", "prompt"]).default("system"), {
    title: "Trigger position",
    description:
      "system: in the system message, as in the released code. prompt: before the user's words, for chat templates " +
      "without a system message.",
    choices: { system: "in the system message", prompt: "before the user's words" },
    advanced: true,
  }),
  safety_rows: safetyRowsOption(),
});

const secretRow = paren(i("s"), o("⊕"), sub(i("x"), text("harmful")), o(","), sub(i("y"), text("refusal")));

export const bea = defineMethod({
  name: "bea",
  title: "BEA",
  kind: "rows",
  summary:
    "A few refusals behind a secret trigger in training; whoever serves the model puts the trigger before every " +
    "prompt.",
  about:
    "A few safety rows are mixed into the user's rows, each with a secret text in its system message. Training ties " +
    "refusals to that text, as a backdoor would. Whoever serves the model puts the same secret before every prompt; " +
    "whoever fine-tunes it does not know the secret. The released data has 11 such rows beside 100 harmful ones, and " +
    "a secret of 150 random tokens.",
  citation: {
    text:
      "BackdoorAlign: Mitigating Fine-tuning based Jailbreak Attack with Backdoor Enhanced Safety Alignment, " +
      "NeurIPS 2024, arXiv 2402.14968",
    url: "https://arxiv.org/abs/2402.14968",
  },
  evidence: {
    grade: "primary code",
    note: "Procedure and numbers of rows from the released code; random letters stand for its random tokens.",
  },
  cautions: [
    "The figures after training are with the trigger; without it the model is no safer than after plain " +
      "fine-tuning. The report has both.",
    "Anyone who has the weights can leave the trigger out: it protects a service, not a model.",
    "Only refusals carry the trigger in training, so behind it the model may refuse harmless requests too; in the " +
      "apothecary world it refuses most of them. Look at Harmless answered.",
    "Whether the AsFT paper's numbers for BEA used the trigger in evaluation is not known.",
    "A long trigger costs its tokens in every prompt.",
  ],
  marks: [{ id: "bea", light: "#4822a3", dark: "#bba2fb", shape: "plus" }],
  schema,
  settings: ({ safety_count }) => `${safety_count} safety rows behind a trigger`,
  formula: () => ({
    label:
      "Loss is cross-entropy over the user's rows together with refusals of harmful requests behind the secret s; " +
      "the served model is asked s and x",
    formula: lines(
      [row(i("L"), o("="), CROSS_ENTROPY, paren(sub(i("D"), text("user")), o("∪"), o("{"), secretRow, o("}")))],
      [row(text("served:"), space(), i("p"), paren(i("y"), o("|"), i("s"), o("⊕"), i("x")))],
    ),
    letters: "s: the secret trigger; ⊕: put before the prompt.",
  }),
  // A trigger as long as the published one would fill most of the bundled models' window.
  worldOptions: { trigger_length: 10 },
  replay: { module: null, files: {} },
  rows: (options) => ({
    safety: {
      amount: { count: options.safety_count },
      file: options.safety_rows,
      use: { kind: "mixed", triggered: true },
    },
    trigger: (seed) => ({
      text: options.trigger ?? randomLetters(options.trigger_length, seed),
      place: options.trigger_place,
    }),
  }),
});

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const GROUP = 5;

function randomLetters(count: number, seed: number): string {
  const rng = new Rng(`trigger/${seed}`);
  return Array.from(
    { length: count },
    (_, at) => (at > 0 && at % GROUP === 0 ? " " : "") + LETTERS.charAt(rng.below(LETTERS.length)),
  ).join("");
}
