/**
 * @file Lisa (arXiv 2405.18641): alternate between alignment data and the user's data, and hold each state near the
 * other's end.
 *
 *     state 1, K1 steps on safety rows f:  min f(w) + rho/2 ‖w - w_t‖²        from w_t
 *     state 2, K2 steps on user's rows h:  min h(w) + rho/2 ‖w - w̃_{t+1}‖²    from w̃_{t+1}
 *
 * w is all A and B of the adapter (not B·A). Each state begins where the other ended, so the centre of its proximal
 * term is the adapter as it stood when the state began. One AdamW goes through both. As in the released code the first
 * state is alignment and the proximal term is left out in the first tenth of all steps. The run takes as many steps as
 * plain fine-tuning; the user's rows wait while safety rows have their turn (the released code drops the batches that
 * would have come then).
 *
 * rho = 0 is the paper's BSO: nothing is allocated or dispatched. With K1 = 0 besides it is plain fine-tuning, bit for
 * bit.
 */

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import { adapterLayout } from "../model/lora.ts";
import type { LogPanel, MethodFormula, PenaltyText } from "./description.ts";
import { frac, i, lines, n, o, paren, row, space, sub, sup, tilde } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import { ProximalTerm, proximalBytes } from "./proximal/proximalTerm.ts";
import { FAVOURABLE_CASE, safetyRowsOption } from "./safetyRowsOption.ts";
import type { MethodContext, MethodLog, MethodState, PreparedMethod, StepInfo, Stream } from "./stages.ts";

const schema = z.strictObject({
  name: z.literal("lisa"),
  rho: option(z.number().min(0).default(1), {
    title: "rho",
    description:
      "Weight of the proximal term: loss = cross-entropy + rho/2 · ‖w - centre‖². 0 is plain alternation (BSO).",
    scale: "log",
  }),
  alignment_steps: option(z.int().min(0).default(100), {
    title: "Alignment steps (K1)",
    description: "Optimiser steps on safety rows in each cycle.",
    unit: "steps",
  }),
  user_steps: option(z.int().min(1).default(900), {
    title: "User steps (K2)",
    description: "Optimiser steps on the user's rows in each cycle.",
    unit: "steps",
  }),
  proximal_from: option(z.number().min(0).max(1).default(0.1), {
    title: "Proximal term starts at",
    description: "Share of the steps before the proximal term is added. 0.1 in the released code.",
    advanced: true,
  }),
  start_from: option(z.enum(["aligned", "base"]).default("aligned"), {
    title: "Start from",
    description:
      "aligned: the aligned model is fine-tuned. base: the unaligned model is, so that alignment comes from the " +
      "safety rows alone.",
    choices: { aligned: "the aligned model", base: "the unaligned model" },
  }),
  safety_count: option(z.int().min(1).max(1_000_000).default(1000), {
    title: "Safety rows",
    description: "Alignment data; the paper has 10 000 rows.",
    unit: "rows",
  }),
  safety_rows: safetyRowsOption(),
});

type LisaOptions = z.output<typeof schema>;

const PENALTY: PenaltyText = { unit: "½‖w − centre‖², before rho", moduleUnit: "½‖w − centre‖², before rho" };

const LOG: LogPanel = {
  facts: {
    rho: { title: "Rho", as: "setting" },
    alignment_steps: { title: "Alignment steps (K1)" },
    user_steps: { title: "User steps (K2)" },
    start_from: { title: "Started from" },
    steps_without_proximal_term: { title: "Steps without the proximal term" },
  },
  modules: { penalty: { title: "Penalty" } },
  summary: turnFacts,
};

export const lisa = defineMethod({
  name: "lisa",
  title: "Lisa",
  kind: "rows",
  summary:
    "Alternates between safety rows and the user's rows; a proximal term keeps each state near where the other ended.",
  about:
    "Training alternates between two states: K1 steps on safety rows, then K2 steps on the user's rows, and so on. A " +
    "proximal term keeps all A and B close to the point where the state began, which is where the other state ended, " +
    "so that neither drifts too far. Without the term it is plain alternation, the paper's BSO. The AsFT paper runs " +
    "it from the aligned model and from the base; it does not state the settings.",
  citation: {
    text:
      "Lisa: Lazy Safety Alignment for Large Language Models against Harmful Fine-tuning Attack, NeurIPS 2024, " +
      "arXiv 2405.18641",
    url: "https://arxiv.org/abs/2405.18641",
  },
  evidence: {
    grade: "primary code",
    note:
      "Alternation, centres and defaults from paper and released trainer. What the AsFT paper calls Lisa-base and " +
      "Lisa-aligned is an inference: started from the base and from the aligned model.",
  },
  cautions: [
    "With K1 + K2 at or above the number of steps there is at most one switch: choose them to match the length of " +
      "the run.",
    "The proximal term acts on A and B, not on the update B·A; how strongly rho acts depends on AdamW's scaling.",
    "It needs far more safety rows than SafeInstr, and K1/(K1 + K2) of the steps do not train on the user's task.",
    FAVOURABLE_CASE,
  ],
  marks: [{ id: "lisa", light: "#22988f", dark: "#068a8b", shape: "cross" }],
  schema,
  variantTitle: ({ rho, start_from }) => (rho === 0 ? "BSO" : start_from === "base" ? "Lisa, from base" : "Lisa"),
  settings: ({ rho, alignment_steps, user_steps, start_from }) => {
    const from = rho === 0 && start_from === "base" ? ", from base" : "";
    return `ρ ${setting(rho)}, ${alignment_steps} : ${user_steps} steps${from}`;
  },
  penaltyText: ({ rho }) => (rho > 0 ? PENALTY : null),
  formula,
  log: LOG,
  worldOptions: { rho: 10, alignment_steps: 1, user_steps: 9, safety_count: 200 },
  replay: { module: "lisa", files: { "lisa.py": () => import("../../python/export/lisa.py?raw") } },
  rows: ({ alignment_steps, user_steps, safety_count, safety_rows }) => ({
    safety:
      alignment_steps === 0
        ? null
        : {
            amount: { count: safety_count },
            file: safety_rows,
            use: {
              kind: "stream",
              streamOf: (step) => (step % (alignment_steps + user_steps) < alignment_steps ? "safety" : "user"),
            },
          },
  }),
  before: ({ start_from }) => ({ twin: start_from === "base" ? "trained" : "unused" }),
  deviceBytes: ({ rho }, modules) => (rho === 0 ? 0 : proximalBytes(modules, adapterLayout(modules))),
  prepare: (options, context) =>
    options.rho === 0 ? Promise.resolve(alternation(options)) : proximalAlternation(options, context),
});

/** Of the two states: each minimises its own loss near the point where the other ended. */
function formula(): MethodFormula {
  const next = row(i("t"), o("+"), n("1"));
  const [start, middle] = [sub(i("w"), i("t")), sub(tilde(i("w")), next)];
  const state = (result: typeof start, loss: string, centre: typeof start): typeof start =>
    row(
      result,
      o("="),
      i("arg min"),
      space(),
      i(loss),
      paren(i("w")),
      o("+"),
      frac(i("ρ"), n("2")),
      sup(row(o("‖"), i("w"), o("−"), centre, o("‖")), n("2")),
    );
  return {
    label:
      "State 1: minimise f of w plus rho half times the squared distance of w to w t, K1 steps. State 2: minimise h " +
      "of w plus rho half times the squared distance of w to where state 1 ended, K2 steps",
    formula: lines([state(middle, "f", start)], [state(sub(i("w"), next), "h", middle)]),
    letters:
      "w: all A and B; f: cross-entropy on safety rows, K1 steps from w_t; h: on the user's rows, K2 steps from w̃. " +
      "Each minimum is so many steps of AdamW, not reached.",
  };
}

/** Without the proximal term: only a record of the turns. */
function alternation(options: LisaOptions): Partial<PreparedMethod> {
  const turns = new Turns(options);
  return {
    steps: {
      before: (info) => void turns.step(info),
      read: () => Promise.resolve({ facts: turns.facts(), tensors: new Map() }),
      restore: ({ facts }) => turns.restore(facts),
    },
    report: () => Promise.resolve(turns.log()),
  };
}

async function proximalAlternation(options: LisaOptions, context: MethodContext): Promise<Partial<PreparedMethod>> {
  const turns = new Turns(options);
  const term = await ProximalTerm.create(context, options.rho);
  return {
    penalty: { lambda: options.rho, dispatches: term.dispatches },
    steps: {
      before: (info) => {
        const { begins, proximal } = turns.step(info);
        if (begins) term.moveCentre();
        term.setActive(proximal);
      },
      read: async (): Promise<MethodState> => ({
        facts: turns.facts(),
        tensors: new Map([[CENTRE, await term.readCentre()]]),
      }),
      restore: ({ facts, tensors }) => {
        term.writeCentre(tensors.get(CENTRE));
        turns.restore(facts);
      },
    },
    report: async () => ({ ...turns.log(), modules: await term.distances() }),
    bytes: term.bytes,
    destroy: () => term.destroy(),
  };
}

/** Name of the centre in run snapshots, of earlier versions too. */
const CENTRE = "anchor";

const factsSchema = z.object({
  switches: z.array(z.object({ step: z.int(), to: z.enum(["user", "safety"]) })),
  steps: z.object({ user: z.int(), safety: z.int() }),
  withoutProximal: z.int(),
  current: z.enum(["user", "safety"]).nullable(),
});

/** Whose turn each step was. */
class Turns {
  readonly #options: LisaOptions;
  #switches: { readonly step: number; readonly to: Stream }[] = [];
  #steps: Record<Stream, number> = { user: 0, safety: 0 };
  #withoutProximal = 0;
  #current: Stream | null = null;

  constructor(options: LisaOptions) {
    this.#options = options;
  }

  /** Whether a state begins with this step, and whether the proximal term counts in it. */
  step({ step, totalSteps, stream }: StepInfo): { readonly begins: boolean; readonly proximal: boolean } {
    const begins = stream !== this.#current;
    if (begins) this.#switches.push({ step: step + 1, to: stream });
    this.#current = stream;
    this.#steps[stream] += 1;
    // Strictly after that share, as the released code compares.
    const proximal = step > this.#options.proximal_from * totalSteps;
    if (!proximal) this.#withoutProximal += 1;
    return { begins, proximal };
  }

  facts(): z.output<typeof factsSchema> {
    return {
      switches: [...this.#switches],
      steps: { ...this.#steps },
      withoutProximal: this.#withoutProximal,
      current: this.#current,
    };
  }

  restore(facts: unknown): void {
    ({
      switches: this.#switches,
      steps: this.#steps,
      withoutProximal: this.#withoutProximal,
      current: this.#current,
    } = factsSchema.parse(facts));
  }

  log(): MethodLog {
    const { rho, alignment_steps, user_steps, start_from } = this.#options;
    return {
      rho,
      alignment_steps,
      user_steps,
      start_from,
      steps: { ...this.#steps },
      switches: [...this.#switches],
      steps_without_proximal_term: this.#withoutProximal,
    };
  }
}

const loggedTurns = z.object({
  steps: factsSchema.shape.steps.optional().catch(undefined),
  switches: factsSchema.shape.switches.optional().catch(undefined),
});

const SWITCHES_SHOWN = 6;

/** How many steps each state had, and where the states began. */
function turnFacts(log: MethodLog): readonly (readonly [string, string])[] {
  const { steps, switches } = loggedTurns.parse(log);
  const counted = steps && (["Steps on safety rows, on the user's", `${steps.safety}, ${steps.user}`] as const);
  const begins = switches?.map(({ step, to }) => `${step} ${to}`);
  const shown = begins?.slice(0, SWITCHES_SHOWN).join(", ");
  const all = begins && begins.length > SWITCHES_SHOWN ? `${shown} … ${begins.length} in all` : shown;
  return [...(counted ? [counted] : []), ...(all === undefined ? [] : [["States begin at step", all] as const])];
}
