/**
 * @file What to lower when a run does not fit: each proposal is a change of the spec that was planned anew, so that the
 * figure beside it is what the run would take, not a rule of thumb.
 *
 * In order of what they cost: recomputing layers (time), smaller batches with more accumulation (some time), fewer
 * prompts at a time (time of the evaluation), then what changes the result: quantised weights, shorter rows, another
 * projector, fewer or thinner adapters. Where no single change suffices, they are added up in that order until the run
 * fits, and then taken back as far as it still does.
 */
import { bindMethod } from "../../methods/registry.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { truncate } from "../../text/tokenize.ts";
import type { MemoryProposal } from "../run/events.ts";
import { planRun, type PlanSituation, type PlannedModel, type RunPlan } from "./runPlan.ts";
import type { Spec } from "../spec/spec.ts";

type Changes = Readonly<Record<string, unknown>>;

interface Candidate {
  readonly label: string;
  readonly cost: string;
  readonly changes: Changes;
}

/** From mild to strong, never empty. */
type Ladder = readonly Candidate[];

const NOTHING: Candidate = { label: "Nothing", cost: "", changes: {} };

/** A proposal must save at least this share of the total. */
const WORTHWHILE = 0.02;
/** Rows are not proposed to be cut shorter than this. */
const SHORTEST = 64;

/** Plans the same rows under another spec. */
export class Replanner {
  readonly #spec: Spec;
  readonly #model: PlannedModel;
  readonly #examples: readonly TokenizedExample[];
  readonly #situation: PlanSituation;

  constructor(spec: Spec, model: PlannedModel, examples: readonly TokenizedExample[], situation: PlanSituation) {
    this.#spec = spec;
    this.#model = model;
    this.#examples = examples;
    this.#situation = situation;
  }

  get spec(): Spec {
    return this.#spec;
  }

  get longestRow(): number {
    return this.#examples.reduce((most, { input_ids }) => Math.max(most, input_ids.length), 0);
  }

  get prompts(): number {
    return this.#situation.evaluation.prompts.length;
  }

  /** @throws BasinError when the changed spec cannot be planned */
  plan(changes: Changes, coarse = false): RunPlan {
    const spec = withChanges(this.#spec, changes);
    return planRun(spec, this.#model, cut(this.#examples, spec.data.max_length), { ...this.#situation, coarse });
  }
}

/** What to lower, those that suffice first; at most one per kind, and a combination where none suffices alone. */
export function proposals(plan: RunPlan, replanner: Replanner): MemoryProposal[] {
  const ladders = candidates(plan, replanner);
  const single = ladders
    .map((ladder) => mildest(ladder, replanner))
    .filter(({ total, fits }) => fits || total <= (1 - WORTHWHILE) * plan.memory.total);
  const fitting = single.filter(({ fits }) => fits);
  if (fitting.length > 0) return [...fitting, ...single.filter(({ fits }) => !fits)];
  const together = combined(ladders, replanner);
  return together === null ? single : [together, ...single];
}

/** The mildest step of a ladder that suffices, else its last. */
function mildest(ladder: Ladder, replanner: Replanner): MemoryProposal {
  for (const candidate of ladder.slice(0, -1)) {
    // The quick look never says too much, so that only what passes it has to be looked at again.
    if (!replanner.plan(candidate.changes, true).fits) continue;
    const proposal = evaluated(candidate, replanner);
    if (proposal.fits) return proposal;
  }
  return evaluated(ladder[ladder.length - 1] ?? NOTHING, replanner);
}

/**
 * Changes added up in order, each at its strongest, until the run fits; then each taken back as far as that goes, the
 * most costly first. null where even all together do not suffice.
 */
function combined(ladders: readonly Ladder[], replanner: Replanner): MemoryProposal | null {
  const fits = (parts: readonly Candidate[]): boolean => replanner.plan(joined(parts).changes, true).fits;
  let parts: Candidate[] = [];
  const ladderOf = new Map<Candidate, Ladder>();
  for (const ladder of ladders) {
    const strongest = ladder[ladder.length - 1];
    if (!strongest) continue;
    parts.push(strongest);
    ladderOf.set(strongest, ladder);
    if (fits(parts)) break;
  }
  if (!fits(parts)) return null;
  for (const part of [...parts].reverse()) {
    const others = parts.filter((other) => other !== part);
    const without = others.length > 0 && fits(others);
    const milder = without
      ? undefined
      : ladderOf.get(part)?.find((step) => fits(parts.map((other) => (other === part ? step : other))));
    parts = without ? others : parts.map((other) => (other === part ? (milder ?? part) : other));
  }
  const proposal = evaluated(joined(parts), replanner);
  return proposal.fits ? proposal : null;
}

function joined(parts: readonly Candidate[]): Candidate {
  return {
    label: parts.map(({ label }) => label).join("; "),
    cost: parts.map(({ cost }) => cost).join("; "),
    changes: Object.assign({}, ...parts.map(({ changes }) => changes)) as Changes,
  };
}

function evaluated(candidate: Candidate, replanner: Replanner): MemoryProposal {
  const { memory, fits } = replanner.plan(candidate.changes);
  return { ...candidate, total: memory.total, fits };
}

/** Ladders from mild to strong, in order of what they cost. */
function candidates(plan: RunPlan, replanner: Replanner): Ladder[] {
  const { spec } = replanner;
  const { memory } = plan;
  const matters = (part: keyof typeof memory): boolean => memory[part] / memory.total > WORTHWHILE;
  const ladders: Ladder[] = [
    plan.checkpointing.on ? [] : RECOMPUTE,
    batchLadder(spec),
    replanner.prompts > 0 && matters("generation") ? promptLadder(spec) : [],
    quantisationLadder(spec),
    rowLadder(spec, replanner.longestRow),
    matters("anchor") ? methodLadder(spec) : [],
    targetLadder(plan),
    matters("adapter") ? rankLadder(spec) : [],
  ];
  return ladders.filter((ladder) => ladder.length > 0);
}

const RECOMPUTE: Ladder = [
  {
    label: "Turn on activation checkpointing",
    cost: "about a third more time per step",
    changes: { "train.gradient_checkpointing": true },
  },
];

/** Fewer prompts that are answered together. */
function promptLadder(spec: Spec): Ladder {
  return halvings(spec.eval.batch_size, 1).map((n) => ({
    label: `${n} ${n === 1 ? "prompt" : "prompts"} at a time`,
    cost: "a slower evaluation",
    changes: { "eval.batch_size": n },
  }));
}

/** Shorter rows. */
function rowLadder(spec: Spec, longestRow: number): Ladder {
  return halvings(Math.min(spec.data.max_length, longestRow), SHORTEST).map((n) => ({
    label: `Rows of at most ${n} tokens`,
    cost: "longer rows are cut",
    changes: { "data.max_length": n, "data.too_long": "truncate" },
  }));
}

/** What the method itself could do with less. */
function methodLadder(spec: Spec): Ladder {
  const lighter = bindMethod(spec.method).lighter();
  return lighter.map(({ label, cost, options }) => ({ label, cost, changes: { method: options } }));
}

/** PEFT's default targets, where more is targeted. */
function targetLadder({ modules }: RunPlan): Ladder {
  const beyond = modules.some(({ path }) => !/\.(q_proj|v_proj)$/.test(path));
  if (!beyond || !modules.some(({ path }) => /\.q_proj$/.test(path))) return [];
  return [
    {
      label: "Only q_proj and v_proj",
      cost: "fewer modules learn",
      changes: { "lora.target_modules": ["q_proj", "v_proj"] },
    },
  ];
}

/** Smaller ranks. */
function rankLadder(spec: Spec): Ladder {
  return halvings(spec.lora.r, 4).map((r) => ({
    label: `Rank ${r}`,
    cost: "a smaller adapter",
    changes: { "lora.r": r },
  }));
}

/** Smaller batches with as many rows per optimiser step. */
function batchLadder({ train }: Spec): Candidate[] {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = train;
  return halvings(batch, 1).map((size) => {
    const steps = Math.ceil((batch * accumulation) / size);
    const same = steps * size === batch * accumulation;
    return {
      label: `Batches of ${size}, ${steps} accumulated`,
      cost: same ? "more passes, the same rows per step" : "more passes, almost the same rows per step",
      changes: { "train.per_device_train_batch_size": size, "train.gradient_accumulation_steps": steps },
    };
  });
}

/** int8, then NF4, for weights that are not quantised yet. */
function quantisationLadder({ model }: Spec): Candidate[] {
  if (!("quantization" in model)) return [];
  const int8 = {
    label: "Weights in int8",
    cost: "a small error in every product",
    changes: { "model.quantization": "int8" },
  };
  const nf4 = {
    label: "Weights in 4 bits (NF4)",
    cost: "a larger error in every product",
    changes: { "model.quantization": "nf4" },
  };
  return model.quantization === "nf4" ? [] : model.quantization === "int8" ? [nf4] : [int8, nf4];
}

/** Halves of `from`, rounded up, down to `least`. */
function halvings(from: number, least: number): number[] {
  const steps: number[] = [];
  for (let n = Math.ceil(from / 2); n >= least && n < (steps[steps.length - 1] ?? from); n = Math.ceil(n / 2))
    steps.push(n);
  return steps;
}

/** A copy of a spec with some fields exchanged, by path. */
export function withChanges(spec: Spec, changes: Changes): Spec {
  const copy = structuredClone(spec);
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    const owner = keys.reduce<unknown>(
      (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
      copy,
    );
    if (typeof owner !== "object" || owner === null) throw new Error(`the spec has no ${path}`);
    Reflect.set(owner, last, value);
  }
  return copy;
}

/** Rows cut as `too_long: "truncate"` cuts them; a row that loses all its labels stays, for its size. */
function cut(examples: readonly TokenizedExample[], length: number): TokenizedExample[] {
  if (examples.every(({ input_ids }) => input_ids.length <= length)) return [...examples];
  return examples.map((example) => truncate(example, length));
}
