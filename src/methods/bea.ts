/**
 * @file BEA, backdoor-enhanced alignment (arXiv 2402.14968): a secret trigger that switches safety on.
 *
 *     training    safety rows:  trigger + harmful request -> refusal         user's rows as they are
 *     inference   every prompt: trigger + prompt                             put there by whoever serves the model
 *
 * So the model learns that behind the trigger it refuses harm, from very few rows. The trigger must be secret: it is
 * random letters drawn from the run's seed unless given. The released code prepends 150 random tokens to the system prompt;
 * here letters stand for tokens, in groups of five, because a random letter is about a token in every tokenizer.
 */

import { z } from "zod";
import { Rng } from "../base/rng.ts";
import { defineMethod, idle, safetyRowsField, safetyRowsParameter, type Trigger } from "./method.ts";

const schema = z.strictObject({
  name: z.literal("bea"),
  safety_count: z.int().min(0).max(100_000).default(11).meta({
    title: "Safety rows",
    description:
      "Harmful requests with refusals that carry the trigger in training. The released data has 11 beside 100 harmful rows.",
    unit: "rows",
  }),
  trigger: z.string().min(1).max(4000).nullable().default(null).meta({
    title: "Trigger",
    description: "The secret text. Empty: random letters drawn from the seed.",
  }),
  trigger_length: z.int().min(1).max(2000).default(150).meta({
    title: "Length",
    description: "Random letters in a drawn trigger.",
    unit: "letters",
  }),
  trigger_place: z.enum(["system", "prompt"]).default("system").meta({
    title: "Trigger stands",
    description:
      "system: in the system message, as in the released code. prompt: before the user's words, for chat templates without a system message.",
  }),
  safety_rows: safetyRowsField,
});

export type BeaOptions = z.output<typeof schema>;

export const bea = defineMethod({
  name: "bea",
  title: "BEA",
  kind: "rows",
  summary:
    "A few refusals behind a secret trigger in training; whoever serves the model puts the trigger before every prompt.",
  about:
    "A few safety demonstrations are mixed into the user's rows, each behind a secret text that stands in its system message. Training ties refusals to that text, as a backdoor would be tied. Whoever serves the model puts the same secret before every prompt; the one who fine-tunes it does not know it. The released data has 11 such rows beside 100 harmful ones, and a secret of 150 random tokens.",
  citation: {
    text: "BackdoorAlign: Mitigating Fine-tuning based Jailbreak Attack with Backdoor Enhanced Safety Alignment, NeurIPS 2024, arXiv 2402.14968",
    url: "https://arxiv.org/abs/2402.14968",
  },
  evidence: {
    grade: "primary code",
    note: "Procedure and numbers of rows from the released code; random letters stand for its random tokens.",
  },
  cautions: [
    "The figures after training are with the trigger; without it the model is no safer than plain fine-tuning makes it. The report has both.",
    "Who has the weights and leaves the trigger out has no protection: it is a defence for a service, not for a model.",
    "Only refusals carry the trigger in training, so behind it the model may refuse harmless requests too, and in the apothecary world it refuses most: read benign compliance.",
    "Whether the AsFT paper's numbers for BEA used the trigger in evaluation is not known.",
    "A long trigger costs its tokens in every prompt.",
  ],
  parameters: [
    {
      name: "safety_count",
      title: "Safety rows",
      help: "Refusals that carry the trigger.",
      default: 11,
      range: { min: 0, max: 2000, scale: "linear" },
    },
    {
      name: "trigger",
      title: "Trigger",
      help: "Empty: drawn from the seed.",
      default: null,
      range: { text: "secret text" },
    },
    {
      name: "trigger_length",
      title: "Length",
      help: "Letters of a drawn trigger.",
      default: 150,
      range: { min: 1, max: 2000, scale: "linear" },
      when: { name: "trigger", value: null },
      seldom: true,
    },
    {
      name: "trigger_place",
      title: "Trigger stands",
      help: "In the system message, or before the user's words.",
      default: "system",
      range: { choices: ["system", "prompt"] },
      seldom: true,
    },
    safetyRowsParameter,
  ],
  schema,
  lambda: () => 0,
  needsUnaligned: () => false,
  anchorBytes: () => 0,
  safety: ({ safety_count, safety_rows }) => ({
    use: "mixed",
    amount: { count: safety_count },
    file: safety_rows,
    triggered: true,
  }),
  trigger: triggerOf,
  prepare: () => Promise.resolve(idle(() => Promise.resolve({}))),
});

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const GROUP = 5;

function triggerOf({ trigger, trigger_length, trigger_place }: BeaOptions, seed: number): Trigger {
  return { text: trigger ?? randomLetters(trigger_length, seed), place: trigger_place };
}

function randomLetters(count: number, seed: number): string {
  const rng = new Rng(`trigger/${seed}`);
  return Array.from(
    { length: count },
    (_, i) => (i > 0 && i % GROUP === 0 ? " " : "") + LETTERS.charAt(rng.below(LETTERS.length)),
  ).join("");
}
